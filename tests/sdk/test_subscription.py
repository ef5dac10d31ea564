"""A subscription that is or is not ready: providers, roles, quota, budgets and free names."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.conftest import LOCATION, Sandbox, bearer

OWNER, CONTRIBUTOR = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c"
ROLES_VERSION, BUDGETS_VERSION = "2022-04-01", "2023-05-01"

Send = Callable[..., requests.Response]


@pytest.fixture
def switch(sandbox: Sandbox) -> Iterator[Callable[..., requests.Response]]:
    """Sets switches of this Azure, and resets all of them after the test."""
    address, headers = f"{sandbox.base}/_sandbox/azure/switches", {"x-sandbox-secret": sandbox.secret}

    def update(**values: Any) -> requests.Response:
        return requests.patch(address, json=values, headers=headers, timeout=30)

    yield update
    requests.delete(address, headers=headers, timeout=30).raise_for_status()


@pytest.fixture
def send(sandbox: Sandbox) -> Send:
    """A request beneath the subscription."""

    def request(method: str, path: str, body: object = None, version: str = ROLES_VERSION, **query: str) -> Any:
        url = f"{sandbox.base}/subscriptions/{sandbox.subscription}{path}"
        params = {"api-version": version, **query}
        return requests.request(method, url, json=body, params=params, headers=bearer(sandbox), timeout=30)

    return request


def resources(sandbox: Sandbox) -> Any:
    from azure.mgmt.resource.resources import ResourceManagementClient

    return ResourceManagementClient(sandbox.credential, sandbox.subscription, **sandbox.management_arguments())


def test_a_provider_is_unregistered_and_registered_again(sandbox: Sandbox, switch: Any, resource_group: str) -> None:
    from azure.core.exceptions import HttpResponseError

    client, namespace = resources(sandbox), "Microsoft.ContainerInstance"
    assert client.providers.get(namespace).registration_state == "Registered"
    # Without the right to register, or the client would register the provider by itself, after ten seconds.
    assert switch(unregistered=["microsoft.containerinstance"], roles=["Reader"]).json()["unregistered"] == [namespace]
    assert client.providers.get(namespace).registration_state == "NotRegistered"
    group = f"/subscriptions/{sandbox.subscription}/resourceGroups/{resource_group}/providers/{namespace}"
    with pytest.raises(HttpResponseError, match="MissingSubscriptionRegistration"):
        client.resources.begin_create_or_update_by_id(
            f"{group}/containerGroups/x", {"location": LOCATION}, api_version="2023-05-01"
        )
    with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
        client.providers.register(namespace)
    switch(roles=["Contributor"])
    client.providers.register(namespace)
    states = {one.namespace: one.registration_state for one in client.providers.list()}
    assert states[namespace] == "Registered"


def test_neither_kept_resources_nor_a_workspace_are_made_while_their_provider_is_unregistered(
    sandbox: Sandbox, switch: Any, send: Send, resource_group: str
) -> None:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Workspace
    from azure.core.exceptions import HttpResponseError

    switch(unregistered=["Microsoft.KeyVault"], roles=["Reader"])
    path = f"/resourceGroups/{resource_group}/providers/Microsoft.KeyVault/vaults/kv1"
    answer = send("PUT", path, {"location": LOCATION}, "2023-07-01")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "MissingSubscriptionRegistration")
    client = MLClient(sandbox.credential, sandbox.subscription, resource_group)
    with pytest.raises(HttpResponseError, match=r"Microsoft\.KeyVault"):
        client.workspaces.begin_create(Workspace(name="w1", location=LOCATION)).result()
    switch(roles=["Owner"])
    assert send("POST", "/providers/Microsoft.KeyVault/register").ok
    assert send("PUT", path, {"location": LOCATION}, "2023-07-01").status_code == 201


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"nothing": 1}, "There is no switch 'nothing'"),
        ({"unregistered": ["Microsoft.Nothing"]}, "takes a list of some of"),
        ({"quota": {"standardDSv2Family": "many"}}, "vCPUs by family"),
        ({"roles": "Owner"}, "takes a list of some of"),
        ({"directory": 7}, "the id of a tenant"),
    ],
)
def test_a_switch_that_there_is_not_or_that_takes_something_else(switch: Any, values: Any, said: str) -> None:
    answer = switch(**values)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_the_switchboard_wants_the_secret(sandbox: Sandbox) -> None:
    answer = requests.patch(f"{sandbox.base}/_sandbox/azure/switches", json={}, timeout=30)
    assert answer.status_code == 401


def test_quota_is_counted_and_refuses_a_cluster(sandbox: Sandbox, switch: Any, workspace: Any) -> None:
    from azure.ai.ml.entities import AmlCompute
    from azure.core.exceptions import HttpResponseError

    def usage() -> tuple[int, int]:
        """In use and at most. This SDK keeps the wire's spelling of currentValue and vCPUs."""
        title = "Standard FSv2 Family Cluster Dedicated vCPUs"
        found = next(vars(one) for one in workspace.compute.list_usage() if one.name["value"] == title)
        return found["currentValue"], found["limit"]

    size = next(vars(one) for one in workspace.compute.list_sizes() if one.name == "Standard_F4s_v2")
    assert (size["family"], size["vCPUs"]) == ("standardFSv2Family", 4)
    before, _ = usage()
    target = AmlCompute(name="busy", size="Standard_F4s_v2", min_instances=2, max_instances=2)
    workspace.compute.begin_create_or_update(target).result()
    switch(quota={"standardFSv2Family": before + 9})
    assert usage() == (before + 8, before + 9)
    with pytest.raises(HttpResponseError, match="ClusterMinNodesExceedCoreQuota"):
        workspace.compute.begin_create_or_update(AmlCompute(name="more", size="Standard_F4s_v2")).result()
    workspace.compute.begin_create_or_update(target).result()


def test_quota_refuses_a_kubernetes_cluster_and_shows_what_is_in_use(
    sandbox: Sandbox, switch: Any, send: Send, resource_group: str
) -> None:
    def used() -> int:
        listed = send("GET", "/providers/Microsoft.Compute/locations/westeurope/usages", None, "2024-07-01").json()
        return next(int(one["currentValue"]) for one in listed["value"] if one["name"]["value"] == "standardESv3Family")

    def put(name: str, count: int) -> requests.Response:
        pool = {"name": "system", "mode": "System", "count": count, "vmSize": "Standard_E4s_v3"}
        body = {"location": LOCATION, "properties": {"dnsPrefix": "x", "agentPoolProfiles": [pool]}}
        path = f"/resourceGroups/{resource_group}/providers/Microsoft.ContainerService/managedClusters/{name}"
        return send("PUT", path, body, "2024-05-01")

    before = used()
    assert put("one", 2).ok
    assert used() == before + 8
    switch(quota={"standardESv3Family": before + 9})
    answer = put("two", 1)
    assert answer.status_code == 400
    assert "requested 4, remaining 1 for family standardESv3Family" in answer.json()["error"]["message"]


def test_roles_are_assigned_listed_and_taken_away(send: Send, resource_group: str) -> None:
    principal, name = str(uuid.uuid4()), str(uuid.uuid4())
    scope = f"/resourceGroups/{resource_group}"
    many = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
    definition = f"/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}"
    body = {"properties": {"roleDefinitionId": definition, "principalId": principal}}
    made = send("PUT", f"{many}/{name}", body)
    assert made.status_code == 201
    assert made.json()["properties"]["scope"].endswith(scope)
    again = send("PUT", f"{many}/{uuid.uuid4()}", body)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "RoleAssignmentExists")
    everywhere = "/providers/Microsoft.Authorization/roleAssignments"
    found = send("GET", everywhere, **{"$filter": f"principalId eq '{principal}'"}).json()["value"]
    assert [one["name"] for one in found] == [name]
    assert send("GET", everywhere, **{"$filter": f"atScope() and assignedTo('{principal}')"}).json()["value"] == []
    listed = send("GET", f"{scope}/resources", version="2021-04-01").json()["value"]
    assert listed == [], "an assignment is no resource of the group"
    assert send("DELETE", f"{many}/{name}").status_code == 200
    assert send("DELETE", f"{many}/{name}").status_code == 204


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"roleDefinitionId": str(uuid.UUID(int=1))}, "RoleDefinitionDoesNotExist"),
        ({"principalId": "me"}, "InvalidPrincipalId"),
    ],
)
def test_roles_that_cannot_be_assigned(send: Send, resource_group: str, changed: dict[str, str], code: str) -> None:
    properties = {"roleDefinitionId": OWNER, "principalId": str(uuid.uuid4()), **changed}
    path = f"/resourceGroups/{resource_group}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    answer = send("PUT", path, {"properties": properties})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_permissions_follow_the_roles_of_who_is_signed_in(send: Send, switch: Any, resource_group: str) -> None:
    path = f"/resourceGroups/{resource_group}/providers/Microsoft.Authorization/permissions"
    assert [one["actions"] for one in send("GET", path).json()["value"]] == [["*"]]
    switch(roles=["Contributor"])
    (only,) = send("GET", path).json()["value"]
    assert "Microsoft.Authorization/*/Write" in only["notActions"]
    filter_ = {"$filter": "roleName eq 'Contributor'"}
    (definition,) = send("GET", "/providers/Microsoft.Authorization/roleDefinitions", **filter_).json()["value"]
    assert definition["name"] == CONTRIBUTOR


def budget(**changes: Any) -> dict[str, Any]:
    alert = {"enabled": True, "operator": "GreaterThan", "threshold": 80, "contactRoles": ["Owner"]}
    properties = {
        "category": "Cost",
        "amount": 20,
        "timeGrain": "Monthly",
        "timePeriod": {"startDate": "2026-11-01T00:00:00Z"},
        "notifications": {"near": alert},
        **changes,
    }
    return {"properties": properties}


def test_a_budget_is_made_changed_and_deleted(sandbox: Sandbox, send: Send, resource_group: str) -> None:
    many = f"/resourceGroups/{resource_group}/providers/Microsoft.Consumption/budgets"
    made = send("PUT", f"{many}/workshop", budget(), BUDGETS_VERSION)
    assert (made.status_code, made.json()["properties"]["currentSpend"]["amount"]) == (201, 0)
    stale = send("PUT", f"{many}/workshop", {"eTag": '"old"', **budget(amount=30)}, BUDGETS_VERSION)
    assert stale.status_code == 412
    fresh = {"eTag": made.json()["eTag"], **budget(amount=30)}
    assert send("PUT", f"{many}/workshop", fresh, BUDGETS_VERSION).json()["properties"]["amount"] == 30
    assert [one["name"] for one in send("GET", many, version=BUDGETS_VERSION).json()["value"]] == ["workshop"]
    assert list(resources(sandbox).resources.list_by_resource_group(resource_group)) == []
    assert send("DELETE", f"{many}/workshop", version=BUDGETS_VERSION).status_code == 200
    assert send("GET", f"{many}/workshop", version=BUDGETS_VERSION).status_code == 404


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"amount": 0}, "amount is a number above 0"),
        ({"timeGrain": "Daily"}, "timeGrain is one of"),
        ({"timePeriod": {"startDate": "2026-11-02"}}, "first day of a month"),
        ({"timePeriod": {}}, "is a date"),
        ({"notifications": {"x": {"operator": "GreaterThan", "threshold": 80}}}, "names somebody"),
        ({"notifications": {"x": {"operator": "Above", "threshold": 80}}}, "operator is one of"),
        ({"notifications": {"x": {"operator": "EqualTo", "threshold": 0}}}, "threshold is a percentage"),
    ],
)
def test_a_budget_that_is_refused(send: Send, resource_group: str, changes: dict[str, Any], rule: str) -> None:
    path = f"/resourceGroups/{resource_group}/providers/Microsoft.Consumption/budgets/x"
    answer = send("PUT", path, budget(**changes), BUDGETS_VERSION)
    assert answer.status_code == 400
    assert rule in answer.json()["error"]["message"]


def test_names_that_are_free_and_names_that_are_not(send: Send, resource_group: str) -> None:
    account, vault = f"st{uuid.uuid4().hex[:10]}", f"kv{uuid.uuid4().hex[:10]}"
    for provider, kind, name in (
        ("Microsoft.Storage", "storageAccounts", account),
        ("Microsoft.KeyVault", "vaults", vault),
    ):
        question = f"/providers/{provider}/checkNameAvailability"
        asked = {"name": name, "type": f"{provider}/{kind}"}
        assert send("POST", question, asked, "2023-01-01").json()["nameAvailable"] is True
        path = f"/resourceGroups/{resource_group}/providers/{provider}/{kind}/{name}"
        assert send("PUT", path, {"location": LOCATION}, "2023-01-01").ok
        assert send("POST", question, asked, "2023-01-01").json()["reason"] == "AlreadyExists"
        assert send("POST", question, {"name": "no_t!"}, "2023-01-01").json()["reason"] == "AccountNameInvalid"


def test_a_subscription_of_another_directory_refuses_the_token(send: Send, switch: Any) -> None:
    other = str(uuid.uuid4())
    switch(directory=other)
    answer = send("GET", "", version="2022-12-01")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationTokenTenant")
    assert other in answer.json()["error"]["message"]


def test_an_automatic_connection_is_given_a_role_on_its_group(
    sandbox: Sandbox, send: Send, resource_group: str
) -> None:
    from tests.sdk.devops import AGILE, Organization

    organization = Organization(sandbox, sandbox.environment["AZURE_DEVOPS_EXT_PAT"])
    project = f"Roles {uuid.uuid4().hex[:8]}"
    organization.create_project(project, AGILE)
    guid = organization.get(f"_apis/projects/{project}")["id"]
    scope = f"/subscriptions/{sandbox.subscription}/resourcegroups/{resource_group}"
    body = {
        "name": "Azure",
        "type": "AzureRM",
        "data": {"subscriptionId": sandbox.subscription, "creationMode": "Automatic"},
        "authorization": {"scheme": "WorkloadIdentityFederation", "parameters": {"scope": scope}},
        "serviceEndpointProjectReferences": [{"projectReference": {"id": guid, "name": project}, "name": "Azure"}],
    }
    made = organization.post("_apis/serviceendpoint/endpoints", body)
    principal = made["data"]["spnObjectId"]
    everywhere = "/providers/Microsoft.Authorization/roleAssignments"
    (found,) = send("GET", everywhere, **{"$filter": f"principalId eq '{principal}'"}).json()["value"]
    assert found["properties"]["scope"].lower() == scope.lower()
    assert found["properties"]["roleDefinitionId"].endswith(CONTRIBUTOR)
    assert found["name"] == made["data"]["azureSpnRoleAssignmentId"]
