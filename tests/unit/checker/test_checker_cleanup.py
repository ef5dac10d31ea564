"""The parts of a clean-up that no sandbox shows: what is still going, what Azure manages itself, unknown types."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from checker_wire import SUBSCRIPTION, Answer, Wire

from checker.checks import CHECKS
from checker.cleanup.azure import find_on_azure
from checker.cleanup.client import AzureWriter, Waiting
from checker.cleanup.journal import Journal
from checker.cleanup.model import Item, Kind, Refused
from checker.cleanup.ownership import Resource, disagreement_of, reason_of
from checker.cleanup.prices import Prices, read_prices
from checker.clients.cloud import Cloud
from checker.clients.http import HttpClient
from checker.clients.identity import Tokens
from checker.context import CheckContext
from checker.errors import CheckerError, ServiceFault
from checker.masking import Secrets
from checker.model import Fail
from checker.model import Waiting as WaitingVerdict
from checker.settings import Settings

MINE = {"workshop": "mlops-on-azure", "attendee": "abc"}
ROOT = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{ROOT}/resourceGroups/resource-group-abc"
NO_PRICES = Prices({}, None, "there is no labs.toml")


def no_pause(seconds: float) -> None:
    """Nothing here is worth waiting for."""


class _Tokens(Tokens):
    """A signed-in person, without a directory to ask."""

    def get(self, scope: str) -> str:
        return "a-token"


@pytest.fixture
def context(wire: Wire, settings: Settings) -> CheckContext:
    """A subscription whose answers are queued; nothing waits."""
    secrets = Secrets()
    cloud = Cloud("Test", wire.base, "core.windows.net", wire.base)
    http = HttpClient(secrets, sleep=no_pause)
    return CheckContext(settings, cloud, http, _Tokens(cloud, secrets, client_secret=False), 1)


def answer(document: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, json.dumps(document).encode(), {"Content-Type": "application/json", **headers})


def listed(*rows: Any) -> Answer:
    return answer({"value": rows})


def group(name: str, state: str = "Succeeded", **fields: Any) -> dict[str, Any]:
    return {"id": f"{ROOT}/resourceGroups/{name}", "name": name, "properties": {"provisioningState": state}, **fields}


def resource(kind: str, name: str, within: str = GROUP, tags: Any = MINE, state: str = "") -> dict[str, Any]:
    return {
        "id": f"{within}/providers/{kind}/{name}",
        "name": name,
        "type": kind,
        "tags": tags,
        "provisioningState": state,
    }


def queue(wire: Wire, groups: Sequence[Any], tagged: Sequence[Any], within: Sequence[Any], *details: Answer) -> None:
    """The answers of one look, in the order in which it asks: lists, details, deleted vaults."""
    wire.queue(listed(*groups), listed(*tagged), listed(*within), *details, listed())


def test_what_azure_manages_goes_with_its_manager_and_is_not_ours_to_delete(wire: Wire, context: CheckContext) -> None:
    cluster = resource("Microsoft.ContainerService/managedClusters", "kubernetes-cluster-abc")
    nodes = f"{ROOT}/resourceGroups/MC_nodes"
    managed = group("MC_nodes", managedBy=cluster["id"], tags=MINE)
    address = resource("Microsoft.Network/publicIPAddresses", "kubernetes-ip", nodes)
    queue(wire, [group("resource-group-abc", tags=MINE), managed], [cluster, address], [cluster], answer({}))
    found = find_on_azure(context, NO_PRICES)
    assert [item.name for item in found.items] == ["kubernetes-cluster-abc", "resource-group-abc"]
    assert found.left == ()


def test_a_tagged_type_that_nobody_expected_is_removed_by_its_newest_version(wire: Wire, context: CheckContext) -> None:
    site = resource("Microsoft.Web/sites", "experiment")
    queue(wire, [group("resource-group-abc", tags=MINE)], [site], [site])
    found = find_on_azure(context, NO_PRICES).items[0]
    assert (found.kind, found.name) == (Kind.OTHER, "experiment")
    versions = {"resourceType": "sites", "apiVersions": ["2030-01-01-preview", "2022-03-01", "2023-01-01"]}
    wire.queue(answer({"resourceTypes": [versions]}), answer({}, 200))
    assert write(context, found) == "deleted"
    method, path, _ = wire.asked[-1]
    assert (method, path.endswith("/experiment?api-version=2023-01-01")) == ("DELETE", True)
    wire.queue(answer({"resourceTypes": []}))
    with pytest.raises(Refused, match="no API version"):
        write(context, found)


def write(context: CheckContext, item: Item, patience: float = 60) -> str:
    tokens = _Tokens(context.cloud, context.http.secrets, client_secret=False)
    return AzureWriter(context.cloud, context.http, tokens, Waiting(sleep=no_pause, patience=patience)).delete(item)


def test_an_operation_is_followed_to_its_end_and_its_failure_is_told(wire: Wire, context: CheckContext) -> None:
    item = Item(Kind.GROUP, "g", f"{ROOT}/resourceGroups/g", "named")
    status = f"{wire.base}/status"
    begun = answer({}, 202, **{"Azure-AsyncOperation": status})
    wire.queue(begun, answer({"status": "InProgress"}), answer({"status": "Succeeded"}))
    assert write(context, item) == "deleted"
    wire.queue(begun, answer({"status": "Failed", "error": {"code": "ScopeLocked", "message": "A lock."}}))
    with pytest.raises(Refused, match="ScopeLocked"):
        write(context, item)
    wire.queue(begun)
    with pytest.raises(ServiceFault, match="has not ended"):
        write(context, item, patience=0)


def test_a_token_is_not_sent_to_where_an_operation_points(wire: Wire, context: CheckContext) -> None:
    item = Item(Kind.GROUP, "g", f"{ROOT}/resourceGroups/g", "named")
    wire.queue(answer({}, 202, Location="https://elsewhere.example/status"))
    with pytest.raises(Exception, match="not an address of the cloud"):
        write(context, item)


@pytest.mark.parametrize(("state", "verdict"), [("Deleting", WaitingVerdict), ("Succeeded", Fail)])
def test_a_group_that_is_still_going_is_waited_for(
    wire: Wire, context: CheckContext, state: str, verdict: type[Exception]
) -> None:
    registry = resource("Microsoft.ContainerRegistry/registries", "registry-abc", state="Succeeded")
    queue(wire, [group("resource-group-abc", state, tags=MINE)], [registry], [registry], answer({}))
    with pytest.raises(verdict):
        CHECKS["CLN001"].run(context)


@pytest.mark.parametrize(
    ("name", "tags", "mine"),
    [
        ("workspace-abc", {}, True),
        ("WORKSPACE-ABC", {}, True),
        ("workspace-abcd", {}, False),
        ("anything", MINE, True),
        ("anything", {**MINE, "attendee": "abcd"}, False),
        ("anything", {**MINE, "attendee": "ABC"}, False),
        ("anything", {"attendee": "abc"}, False),
        ("workspace-abc", {"attendee": "abcd"}, False),
    ],
)
def test_whose_a_workspace_is(settings: Settings, name: str, tags: dict[str, str], mine: bool) -> None:
    kind = "Microsoft.MachineLearningServices/workspaces"
    found = Resource(f"{GROUP}/providers/{kind}/{name}", name, kind, tags, "")
    assert bool(reason_of(found, settings)) is mine
    assert bool(disagreement_of(found, settings)) is (name == "workspace-abc" and bool(tags))


def test_a_name_without_the_suffix_proves_nothing(settings: Settings) -> None:
    kind, name = "Microsoft.MachineLearningServices/workspaces", "shared-workspace"
    shared = replace(settings, names=replace(settings.names, workspace=name))
    assert reason_of(Resource(f"{GROUP}/providers/{kind}/{name}", name, kind, {}, ""), shared) == ""


def test_costs_are_those_of_the_manifest_and_otherwise_not_known(tmp_path: Path) -> None:
    known = read_prices(Path(__file__).parents[3])
    pools = [{"vmSize": "Standard_D4s_v5", "count": 2}]
    two, one = (
        known.of(Kind.CLUSTER, {"properties": {"agentPoolProfiles": [{**pools[0], "count": count}]}}).usd or 0.0
        for count in (2, 1)
    )
    node = sum(known.prices[name].usd for name in ("kubernetes-node", "node-disk")) * 24
    assert two - one == pytest.approx(node, abs=0.011)
    odd = {"properties": {"agentPoolProfiles": [{"vmSize": "Standard_ND96", "count": 1}]}}
    assert known.of(Kind.CLUSTER, odd).usd is None
    assert known.of(Kind.REGISTRY, {"sku": {"name": "Premium"}}).usd is None
    assert read_prices(tmp_path).of(Kind.WORKSPACE, {}).usd is None


def test_a_journal_keeps_the_newest_of_each_removal(tmp_path: Path) -> None:
    journal = Journal(tmp_path, SUBSCRIPTION, "abc")
    assert journal.read().removed == ()
    item = Item(Kind.REGISTRY, "cr", "/x/cr", "named")
    journal.note_removed(item, "deleted")
    journal.note_removed(item, "gone already")
    assert [(one.name, one.how) for one in journal.read().removed] == [("cr", "gone already")]


def test_a_damaged_record_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    journal = Journal(tmp_path, SUBSCRIPTION, "abc")
    assert journal.read().removed == ()
    journal.file.parent.mkdir(parents=True, exist_ok=True)
    journal.file.write_text('{"removed": [', encoding="utf-8")
    with pytest.raises(CheckerError) as refused:
        journal.note_manual(())
    assert "cannot be read" in refused.value.seen
    assert journal.file.read_text(encoding="utf-8") == '{"removed": ['
