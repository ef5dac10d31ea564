"""Module 15: secrets, roles and cost: a state that passes, and one fault at a time."""

import secrets
import string
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from checker.checks.credentials import find_credential, is_secret_name
from checker.model import Outcome
from tests.checks.switches import broken
from tests.checks.test_module_6 import outcomes, seen
from tests.checks.test_preflight import clone_of, hints
from tests.checks.workplace import Workplace
from tests.checks.worlds import World

OWNER, CONTRIBUTOR = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c"
ROLES = "2022-04-01"


def made_up(length: int) -> str:
    """Letters and digits as a service makes them: no secret lies in this repository, not even a false one."""
    return "a1" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length - 2))


def commit(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    for arguments in (["add", "."], ["commit", "-qm", f"Change {name}"]):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)


@pytest.fixture
def clone(world: World, tmp_path: Path) -> Path:
    """A clone with one commit and nothing to hide."""
    file = clone_of(world, tmp_path / "clone", identity=True)
    commit(file.parent, "train.py", "print('training')\n")
    return file


def test_history_without_and_with_a_secret(world: World, clone: Path) -> None:
    assert world.check("SEC001", file=clone)["SEC001"].outcome is Outcome.PASS
    secret = f"{made_up(3)}8Q~{made_up(34)}"
    commit(clone.parent, "settings.py", f"AZURE_CLIENT_SECRET = '{secret}'\n")
    results = world.check("SEC001", file=clone)
    found = seen(results, "SEC001")
    assert "a client secret of Entra ID" in found
    assert "settings.py" in found
    assert "in the newest commit" in found
    assert secret not in found + hints(results["SEC001"])
    commit(clone.parent, "settings.py", "import os\nSECRET = os.environ['AZURE_CLIENT_SECRET']\n")
    deleted = world.check("SEC001", file=clone)
    assert "the newest commit no longer has it" in seen(deleted, "SEC001")
    assert "Deletion is not enough. Rotate it" in hints(deleted["SEC001"])


def test_folder_that_is_no_clone_is_unknown(world: World, tmp_path: Path) -> None:
    file = clone_of(world, tmp_path / "empty", identity=True)
    assert world.check("SEC001", file=file)["SEC001"].outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "line",
    [
        f"AccountKey={made_up(86)}==;EndpointSuffix=core.windows.net",
        f"token {made_up(76)}AZDO{made_up(4)}",
        f"docker login -p {made_up(42)}+ACR{made_up(6)}",
        f"api-key: {made_up(52)}JQQJ99{made_up(24)}",
        f"password: '{made_up(20)}'",
        f'  DB_PASSWORD = "{made_up(16)}"  # for now',
        "-----BEGIN RSA " + "PRIVATE KEY-----",
    ],
    ids=["storage", "azure-devops", "registry", "azure-api", "password", "variable", "private-key"],
)
def test_credentials_are_recognised_and_not_shown(line: str) -> None:
    found = find_credential(line)
    assert found is not None
    assert len(found.text) < 20 or found.text not in found.shown


@pytest.mark.parametrize(
    "line",
    [
        "password: $(db.password)",
        "password = os.environ['DB_PASSWORD_2']",
        "key = get_secret(name='scoring-key-1')",
        "token: <your token from step 2>",
        'client_secret = "${{ secrets.CLIENT_SECRET_1 }}"',
        "secret = 'not-a-real-secret-1'",
        "def read_token(path: Path) -> str:",
        f"digest: sha256:{made_up(64)}",
        f"commit {made_up(40)}",
    ],
    ids=["variable", "environment", "call", "placeholder", "template", "words", "code", "digest", "commit"],
)
def test_other_lines_are_no_credentials(line: str) -> None:
    assert find_credential(line) is None


def test_names_of_secrets() -> None:
    assert all(
        map(
            is_secret_name,
            ("scoringKey", "ACR_PASSWORD", "client-secret", "azureDevOpsPat", "apiKey", "ConnectionString"),
        )
    )
    assert not any(map(is_secret_name, ("workshop.suffix", "cacheKey", "azureml.resourceGroup", "keyboard", "tokens")))


def add_group(workplace: Workplace, variables: dict[str, Any]) -> None:
    guid = workplace.organization.get(f"_apis/projects/{workplace.name}")["id"]
    reference = {"projectReference": {"id": guid, "name": workplace.name}, "name": "workshop"}
    body = {"name": "workshop", "type": "Vsts", "variables": variables, "variableGroupProjectReferences": [reference]}
    workplace.organization.post("_apis/distributedtask/variablegroups", body)


def test_variables_that_are_secret_and_variables_that_should_be(workplace: Workplace) -> None:
    pipeline = workplace.make_ready()
    secret = made_up(20)
    add_group(workplace, {"region": {"value": "westeurope"}, "acrPassword": {"value": secret, "isSecret": True}})
    assert workplace.check("SEC002")["SEC002"].outcome is Outcome.PASS
    workplace.update_pipeline(pipeline, variables={"scoringKey": {"value": secret}})
    results = workplace.check("SEC002")
    assert seen(results, "SEC002").startswith("`scoringKey` of the pipeline MLOps on Azure looks like a secret")
    assert secret not in seen(results, "SEC002")


def test_log_that_shows_a_secret(workplace: Workplace) -> None:
    secret = f"{made_up(3)}8Q~{made_up(34)}"
    workplace.make_project()
    workplace.make_connection()
    workplace.make_environments()
    good = workplace.make_pipeline()
    workplace.pipelines.finish(workplace.pipelines.run(good))
    assert workplace.check("SEC004")["SEC004"].outcome is Outcome.PASS
    workplace.push(build=f'"echo signing in with {secret}"')
    workplace.pipelines.finish(workplace.pipelines.run(good))
    results = workplace.check("SEC004")
    assert "a client secret of Entra ID" in seen(results, "SEC004")
    assert secret not in seen(results, "SEC004")
    assert "task.setsecret" in hints(results["SEC004"])


def assign(world: World, principal: str, role: str, scope: str) -> None:
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    definition = f"/providers/Microsoft.Authorization/roleDefinitions/{role}"
    world.call("PUT", path, {"properties": {"roleDefinitionId": definition, "principalId": principal}}, ROLES)


def make_automatic(workplace: Workplace, scope: str) -> str:
    """A connection as the wizard makes it, confined to a scope; the object id of its identity."""
    guid = workplace.organization.get(f"_apis/projects/{workplace.name}")["id"]
    body = {
        "name": "MyAzureSubscription",
        "type": "AzureRM",
        "data": {"subscriptionId": workplace.world.subscription, "creationMode": "Automatic"},
        "authorization": {"scheme": "WorkloadIdentityFederation", "parameters": {"scope": scope} if scope else {}},
        "serviceEndpointProjectReferences": [
            {"projectReference": {"id": guid, "name": workplace.name}, "name": "MyAzureSubscription"}
        ],
    }
    made = workplace.organization.post("_apis/serviceendpoint/endpoints", body)
    from tests.sdk.devops import wait_for

    wait_for(
        lambda: workplace.organization.get(f"{workplace.name}/_apis/serviceendpoint/endpoints/{made['id']}"),
        lambda one: one["isReady"],
    )
    return str(made["data"]["spnObjectId"])


def test_connection_that_is_confined_to_the_group_and_then_is_owner(workplace: Workplace) -> None:
    world = workplace.world
    world.make_group()
    workplace.make_project()
    principal = make_automatic(workplace, world.group)
    results = workplace.check("SEC003", "SEC005")
    assert outcomes(results) == dict.fromkeys(results, Outcome.PASS), [one.finding for one in results.values()]
    assign(world, principal, OWNER, world.group)
    owner = workplace.check("SEC003")
    assert f"is Owner on {world.group}" in seen(owner, "SEC003")
    assert "Contributor on the group is enough" in hints(owner["SEC003"])


def test_connection_to_a_whole_subscription(workplace: Workplace) -> None:
    workplace.world.make_group()
    workplace.make_project()
    make_automatic(workplace, "")
    results = workplace.check("SEC003")
    assert f"is Contributor on /subscriptions/{workplace.world.subscription}" in seen(results, "SEC003")
    assert "reaches further than your resource group" in hints(results["SEC003"])


def test_given_identity_without_and_with_a_role(workplace: Workplace) -> None:
    world = workplace.world
    world.make_group()
    workplace.make_project()
    path = f"{world.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/given-{world.suffix}"
    identity = world.call("PUT", path, {"location": "westeurope"}, "2023-01-31")["properties"]
    workplace.make_connection(parameters={"serviceprincipalid": identity["clientId"]})
    assert "has no role in the subscription" in seen(workplace.check("SEC003"), "SEC003")
    assign(world, identity["principalId"], CONTRIBUTOR, world.group)
    assert workplace.check("SEC003")["SEC003"].outcome is Outcome.PASS


def test_identity_that_only_the_directory_knows_is_unknown(workplace: Workplace) -> None:
    workplace.make_project()
    workplace.make_connection()
    results = workplace.check("SEC003")
    assert "is no managed identity here" in seen(results, "SEC003", Outcome.UNKNOWN)


def test_connection_that_is_open_to_all(workplace: Workplace) -> None:
    workplace.make_project()
    number = workplace.make_connection()
    workplace.pipelines.permit("endpoint", number)
    results = workplace.check("SEC005")
    assert "every pipeline of the project may use" in seen(results, "SEC005")


def put_budget(world: World, **changes: Any) -> None:
    alert = {"enabled": True, "operator": "GreaterThan", "threshold": 80, "contactRoles": ["Owner"]}
    properties = {
        "category": "Cost",
        "amount": 50,
        "timeGrain": "Monthly",
        "timePeriod": {"startDate": "2026-11-01T00:00:00Z"},
        "notifications": {"eighty": {**alert, **changes}},
    }
    path = f"{world.group}/providers/Microsoft.Consumption/budgets/workshop"
    world.call("PUT", path, {"properties": properties}, "2023-05-01")


def test_budget_that_is_missing_silent_and_right(world: World) -> None:
    world.make_group()
    assert "has no budget" in seen(world.check("CST001"), "CST001")
    put_budget(world, enabled=False)
    assert "no alert that is switched on" in seen(world.check("CST001"), "CST001")
    put_budget(world)
    evidence = world.check("CST001")["CST001"].evidence
    assert evidence is not None
    assert evidence.seen == "workshop: 50, alert at 80 %"


def test_resource_without_tags_or_with_somebody_elses(world: World) -> None:
    world.make_group()
    world.make_registry()
    world.make_workspace()
    assert world.check("CST002")["CST002"].outcome is Outcome.PASS
    account = f"{world.group}/providers/Microsoft.Storage/storageAccounts/st{world.suffix}"
    world.call(
        "PUT",
        account,
        {"location": "westeurope", "tags": {"workshop": "mlops-on-azure", "attendee": "other"}},
        "2023-01-01",
    )
    results = world.check("CST002")
    assert seen(results, "CST002") == f"without the tags: st{world.suffix} (storageAccounts)"
    assert f"attendee={world.suffix}" in hints(results["CST002"])


@pytest.mark.parametrize(
    ("operation", "status", "said"),
    [
        ("budgets_list", 403, "Cost Management Reader"),
        ("budgets_list", 429, "an answer"),
        ("budgets_list", 0, "an answer"),
    ],
)
def test_budgets_that_may_not_be_seen_are_unknown(world: World, operation: str, status: int, said: str) -> None:
    world.make_group()
    with broken(world.sandbox, operation, status):
        result = world.check("CST001")["CST001"]
    assert result.outcome is Outcome.UNKNOWN, result
    assert result.finding is not None
    assert said in result.finding.expected
