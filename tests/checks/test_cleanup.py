"""A clean-up through the sandbox: everything of one attendee goes, and nothing of anybody else's."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checker.cleanup.certificate import certify, to_json, to_text
from checker.cleanup.client import Waiting, open_writer
from checker.cleanup.journal import Journal
from checker.cleanup.listing import plan_json, plan_text
from checker.cleanup.model import Disagreement, Item, Kind, NotConfirmed, Plan, Scope
from checker.cleanup.planning import make_plan
from checker.cleanup.removal import Outcome, remove, require_confirmation
from journey.worlds.serving import make_endpoint
from tests.checks.workplace import Workplace
from tests.checks.worlds import World
from tests.conftest import LOCATION

AZURE_ONLY = Scope(devops=False)
STORAGE = "Microsoft.Storage/storageAccounts"
CLUSTERS = "Microsoft.ContainerService/managedClusters"
QUICK = Waiting(patience=60)


def make_all(world: World) -> None:
    """One of everything that costs money, without the hour it takes to train and serve."""
    world.make_group()
    world.make_registry()
    world.make_workspace(registry=True)
    world.make_cluster()
    make_kubernetes(world)
    make_endpoint(world)


def make_kubernetes(world: World) -> None:
    pool = {"name": "system", "mode": "System", "count": 1, "vmSize": "Standard_D4s_v5"}
    body = {"location": LOCATION, "tags": world.tags, "properties": {"dnsPrefix": "x", "agentPoolProfiles": [pool]}}
    path = f"{world.group}/providers/{CLUSTERS}/{world.settings.names.kubernetes_cluster}"
    world.call("PUT", path, body, "2024-05-01")


def put_stranger(world: World, group: str, name: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """A storage account that somebody else made; as it is answered."""
    body = {"location": LOCATION, "tags": dict(tags), "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
    world.call("PUT", f"{group}/providers/{STORAGE}/{name}", body, "2023-01-01")
    return read_stranger(world, group, name)


def read_stranger(world: World, group: str, name: str) -> dict[str, Any]:
    return dict(world.call("GET", f"{group}/providers/{STORAGE}/{name}", version="2023-01-01"))


def plan(world: World, scope: Scope = AZURE_ONLY, **changes: Any) -> Plan:
    return make_plan(world.context(**changes), scope)


def clean(world: World, home: Path, scope: Scope = AZURE_ONLY, **changes: Any) -> Outcome:
    context = world.context(**changes)
    journal = Journal(home, context.settings.subscription, context.settings.suffix)
    return remove(context, make_plan(context, scope), open_writer(context, QUICK), journal, silent)


def silent(line: str) -> None:
    """Nobody listens."""


def kinds(items: tuple[Item, ...] | list[Item]) -> list[str]:
    return [str(item.kind) for item in items]


def test_the_plan_names_everything_in_its_order_with_its_cost(world: World) -> None:
    make_all(world)
    found = plan(world)
    assert kinds(found.items) == [
        "online endpoint",
        "compute",
        "application insights",
        "key vault",
        "storage account",
        "workspace",
        "kubernetes cluster",
        "container registry",
        "resource group",
    ]
    costs = {item.kind: item.cost for item in found.items}
    assert costs[Kind.COMPUTE].usd == 0
    assert costs[Kind.REGISTRY].usd == 0.17
    assert (costs[Kind.CLUSTER].usd or 0) > 5
    text = plan_text(found)
    assert f"tagged attendee={world.suffix}" in text
    assert "9 to remove" in text
    assert "as of 20" in text
    assert json.loads(json.dumps(plan_json(found)))["items"][0]["kind"] == "online endpoint"


def test_everything_goes_and_the_certificate_says_so(world: World, tmp_path: Path) -> None:
    make_all(world)
    outcome = clean(world, tmp_path)
    assert (len(outcome.removed), outcome.refused) == (9, ())
    context = world.context()
    record = Journal(tmp_path, world.subscription, world.suffix).read()
    proof = certify(plan(world), record, context.machine_learning.path)
    assert proof.workspace == "purged by this clean-up"
    assert {one.kind for one in proof.removed} >= {"workspace", "kubernetes cluster", "resource group"}
    assert f"attendee      {world.suffix}" in to_text(proof)
    assert to_json(proof)["version"] == 1
    world.make_group()  # the name is free again: nothing of it is in a recycle bin
    world.make_workspace()


def test_strangers_in_the_group_stay_byte_for_byte_and_keep_the_group(world: World, tmp_path: Path) -> None:
    make_all(world)
    neighbour = {"workshop": "mlops-on-azure", "attendee": f"{world.suffix}d"}
    inside = put_stranger(world, world.group, f"stin{world.suffix}", {})
    tagged = put_stranger(world, world.group, f"stnb{world.suffix}", neighbour)
    found = plan(world)
    assert Kind.GROUP not in {item.kind for item in found.items}
    assert {one.name for one in found.left} == {inside["name"], tagged["name"], world.settings.names.resource_group}
    outcome = clean(world, tmp_path)
    assert (len(outcome.removed), outcome.refused) == (8, ())
    assert read_stranger(world, world.group, inside["name"]) == inside
    assert read_stranger(world, world.group, tagged["name"]) == tagged
    assert plan(world).items == ()


def test_a_neighbour_whose_suffix_begins_with_ours_is_not_ours(world: World, tmp_path: Path) -> None:
    neighbour = World(world.sandbox)
    world.suffix, neighbour.suffix = world.suffix[:6], f"{world.suffix[:6]}d"
    for one in (world, neighbour):
        vars(one).pop("settings", None)
        one.names = {key: str(value) for key, value in vars(one.settings.names).items()}
        one.make_group()
        one.make_registry()
    before = world.call("GET", f"{neighbour.registries}/{neighbour.names['registry']}", version="2023-07-01")
    clean(world, tmp_path)
    after = world.call("GET", f"{neighbour.registries}/{neighbour.names['registry']}", version="2023-07-01")
    assert before == after
    assert plan(world).items == ()
    assert kinds(plan(neighbour).items) == ["container registry", "resource group"]


def test_what_is_tagged_elsewhere_in_the_subscription_goes_too(world: World, tmp_path: Path) -> None:
    """A pipeline whose variable was not set makes its own group."""
    world.make_group()
    other = f"{world.group}-other"
    world.call("PUT", other, {"location": LOCATION}, "2021-04-01")
    put_stranger(world, other, f"stmine{world.suffix}", world.tags)
    stranger = put_stranger(world, other, f"sttheirs{world.suffix}", {"attendee": "somebody"})
    assert kinds(plan(world).items) == ["storage account", "resource group"]
    clean(world, tmp_path)
    assert plan(world).items == ()
    assert read_stranger(world, other, stranger["name"]) == stranger


def test_a_name_of_ours_with_a_tag_of_somebody_else_stops_everything(world: World, tmp_path: Path) -> None:
    world.make_group()
    body = {"location": LOCATION, "sku": {"name": "Basic"}, "tags": {**world.tags, "attendee": "zoe"}, "properties": {}}
    path = f"{world.registries}/{world.names['registry']}"
    world.call("PUT", path, body, "2023-07-01")
    assert "attendee=zoe" in plan(world).disagreements[0]
    with pytest.raises(Disagreement, match="attendee=zoe"):
        clean(world, tmp_path)
    assert world.call("GET", path, version="2023-07-01")["tags"]["attendee"] == "zoe"
    assert Kind.GROUP not in {item.kind for item in plan(world).items}


def test_a_workspace_deleted_by_hand_is_taken_out_of_the_recycle_bin(world: World, tmp_path: Path) -> None:
    world.make_group()
    world.make_workspace()
    world.call("DELETE", world.workspace, version="2024-04-01")
    said: list[str] = []
    context = world.context()
    journal = Journal(tmp_path, world.subscription, world.suffix)
    remove(context, make_plan(context, AZURE_ONLY), open_writer(context, QUICK), journal, said.append)
    assert f"workspace {world.names['workspace']} was in the recycle bin: purged" in said
    world.make_group()
    world.make_workspace()


def test_a_workspace_whose_name_has_no_suffix_is_never_purged(world: World, tmp_path: Path) -> None:
    """The call that empties the recycle bin is the one that deletes: it is not made for what may be somebody else's."""
    world.make_group()
    path = f"{world.workspace.rpartition('/')[0]}/shared-workspace"
    world.call("PUT", path, {"location": LOCATION, "tags": {}, "properties": {}}, "2024-10-01-preview")
    before = world.call("GET", path, version="2024-10-01-preview")
    names = replace(world.settings.names, workspace="shared-workspace")
    assert clean(world, tmp_path, names=names).removed == ()
    assert world.call("GET", path, version="2024-10-01-preview") == before


def test_an_interrupted_removal_goes_on(world: World, tmp_path: Path) -> None:
    make_all(world)
    context = world.context()
    journal = Journal(tmp_path, world.subscription, world.suffix)
    made = make_plan(context, AZURE_ONLY)
    said: list[str] = []

    def stop_at_the_fifth(line: str) -> None:
        said.append(line)
        if sum(one.startswith("removing") for one in said) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remove(context, made, open_writer(context, QUICK), journal, stop_at_the_fifth)
    assert len(journal.read().removed) == 4
    assert len(plan(world).items) < len(made.items)
    clean(world, tmp_path)
    assert plan(world).items == ()
    removed = {one.name for one in journal.read().removed}
    assert removed >= {item.name for item in made.items}


@pytest.mark.parametrize("typed", ["", "abcd", "ABC"])
def test_nothing_goes_unless_the_suffix_is_typed(typed: str) -> None:
    empty = Plan("abc", "", "", AZURE_ONLY, (), (), ())
    with pytest.raises(NotConfirmed):
        require_confirmation(empty, typed)
    require_confirmation(empty, " abc\n")


def test_a_clean_up_without_an_end_is_not_certified(world: World) -> None:
    world.make_group()
    journal = Journal(Path("nowhere"), world.subscription, world.suffix)
    with pytest.raises(ValueError, match="1 items are left"):
        certify(plan(world), journal.read(), "")


def test_a_container_that_serves_ends_with_its_group(world: World, tmp_path: Path) -> None:
    world.make_group()
    world.make_registry()
    world.make_staging(world.make_image("m:1"), "m:1")
    found = plan(world)
    assert kinds(found.items) == ["container group", "container registry", "resource group"]
    assert found.items[0].cost.usd == 1.44
    assert clean(world, tmp_path).refused == ()
    assert plan(world).items == ()


def test_the_group_of_the_billing_is_for_a_person(world: World) -> None:
    path = f"/subscriptions/{world.subscription}/resourceGroups/VisualStudioOnline-{world.suffix}"
    world.call("PUT", path, {"location": LOCATION}, "2021-04-01")
    found = [one for one in plan(world).manual if world.suffix in one.what]
    assert found[0].how == "Only a person can remove this: Organization settings -> Billing -> Remove."
    world.call("DELETE", path, version="2021-04-01")


# Azure DevOps


def plan_there(workplace: Workplace, scope: Scope | None = None) -> Plan:
    return make_plan(workplace.context(), scope or Scope())


def clean_there(workplace: Workplace, home: Path, scope: Scope | None = None) -> Outcome:
    return clean(workplace.world, home, scope or Scope(), **workplace.changed())


def test_what_is_ours_in_the_project_goes_and_the_rest_stays(workplace: Workplace, tmp_path: Path) -> None:
    workplace.world.make_group()
    number = workplace.make_ready()
    project = workplace.project
    stranger = project.make_pipeline("Somebody else's")
    environment = project.make_environment("their-environment")
    connection = workplace.make_connection("TheirConnection")
    paths = {
        "pipeline": project.path(f"build/definitions/{stranger}"),
        "environment": project.path(f"distributedtask/environments/{environment}"),
        "connection": project.path(f"serviceendpoint/endpoints/{connection}"),
        "repository": project.path(f"git/repositories/{project.repository()['id']}"),
    }
    before = {name: project.organization.get(path) for name, path in paths.items()}
    found = plan_there(workplace)
    assert kinds(found.items) == [
        "pipeline",
        "resource group",
        "environment",
        "environment",
        "service connection",
    ]
    assert "az ad app delete --id" in plan_text(found)
    outcome = clean_there(workplace, tmp_path)
    assert (len(outcome.removed), outcome.refused) == (5, ())
    assert {name: project.organization.get(path) for name, path in paths.items()} == before
    assert project.organization.find(project.path(f"build/definitions/{number}")) is None
    assert plan_there(workplace).items == ()
    record = Journal(tmp_path, workplace.world.subscription, workplace.world.suffix).read()
    assert [one.kind for one in record.removed] == kinds(found.items)  # numbers of one kind are numbers of another too
    manual = record.manual
    assert any("app registration" in one.what for one in manual)


def test_runs_are_ended_and_kept_ones_released_before_the_pipeline_goes(workplace: Workplace, tmp_path: Path) -> None:
    workplace.world.make_group()
    number = workplace.make_ready()
    run = workplace.project.start(number)
    workplace.project.await_record(run, "Checkpoint.Approval")
    path = workplace.project.path(f"build/builds/{run}")
    workplace.project.organization.patch(path, {"keepForever": True})
    lease = {"ownerId": "User:me", "runId": run, "definitionId": number, "daysValid": 3, "protectPipeline": True}
    workplace.project.organization.post(workplace.project.path("build/retention/leases"), [lease])
    outcome = clean_there(workplace, tmp_path)
    assert (outcome.refused, plan_there(workplace).items) == ((), ())
    assert workplace.project.organization.find(path) is None


def test_a_pipeline_of_another_repository_keeps_what_it_uses(workplace: Workplace, tmp_path: Path) -> None:
    workplace.make_ready()
    changed = {"repository": "Another", "pipeline": "MLOps on Azure"}
    found = make_plan(workplace.context(**changed), Scope())
    assert Kind.PIPELINE not in {item.kind for item in found.items}
    assert any("it runs the repository" in one.reason for one in found.left)


def test_the_project_goes_when_asked_for_and_nothing_strange_is_in_it(workplace: Workplace, tmp_path: Path) -> None:
    workplace.make_ready()
    wanted = Scope(project=True)
    workplace.project.make_environment("their-environment")
    kept = plan_there(workplace, wanted)
    assert Kind.PROJECT not in {item.kind for item in kept.items}
    assert any("environment their-environment" in one.reason for one in kept.left)
    organization = workplace.project.organization
    strange = organization.list(workplace.project.path("distributedtask/environments"))
    number = next(one["id"] for one in strange if one["name"] == "their-environment")
    organization.delete(workplace.project.path(f"distributedtask/environments/{number}"))
    others = sorted(one["id"] for one in organization.list("_apis/projects") if one["name"] != workplace.name)
    clean_there(workplace, tmp_path, wanted)
    left = organization.list("_apis/projects")
    assert workplace.name not in [one["name"] for one in left]
    assert set(others) <= {one["id"] for one in left}


def test_the_roles_of_the_connection_go_and_no_others(workplace: Workplace, tmp_path: Path) -> None:
    world = workplace.world
    world.make_group()
    workplace.make_project()
    other = World(world.sandbox)
    other.make_group()
    workplace.make_connection(mode="Automatic", parameters={"scope": world.group})
    workplace.make_connection("TheirConnection", mode="Automatic", parameters={"scope": other.group})
    theirs = assignments(other)
    assert theirs
    assert kinds(plan_there(workplace).items) == ["role assignment", "resource group", "service connection"]
    outcome = clean_there(workplace, tmp_path)
    assert outcome.refused == ()
    assert plan_there(workplace).items == ()
    assert assignments(other) == theirs


def assignments(world: World) -> list[dict[str, Any]]:
    """The roles at a group alone."""
    path = f"{world.group}/providers/Microsoft.Authorization/roleAssignments"
    found = world.call("GET", path, version="2022-04-01")["value"]
    return [one for one in found if one["properties"]["scope"].lower() == world.group.lower()]
