"""Service connections, variable groups, environments, permissions, queues, capacity, work items."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sdk.devops import Organization, wait_for
from tests.sdk.openapi import conforms

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
APPLICATION = "66666666-7777-8888-9999-000000000000"
ENDPOINTS = "_apis/serviceendpoint/endpoints"
GROUPS = "_apis/distributedtask/variablegroups"


@pytest.fixture
def guid(devops: Organization, project: str) -> str:
    return str(devops.get(f"_apis/projects/{project}")["id"])


def azure(guid: str, scheme: str = "WorkloadIdentityFederation", mode: str = "Manual", **parameters: Any) -> Any:
    """The body that makes an Azure Resource Manager connection."""
    return {
        "name": "MyAzureSubscription",
        "type": "AzureRM",
        "url": "https://management.azure.com/",
        "data": {
            "subscriptionId": SUBSCRIPTION,
            "subscriptionName": "My subscription",
            "environment": "AzureCloud",
            "scopeLevel": "Subscription",
            "creationMode": mode,
        },
        "authorization": {"scheme": scheme, "parameters": {"serviceprincipalid": APPLICATION, **parameters}},
        "serviceEndpointProjectReferences": [{"projectReference": {"id": guid}, "name": "MyAzureSubscription"}],
    }


# Service connections


def test_federated_connection_gets_issuer_and_subject(devops: Organization, project: str, guid: str) -> None:
    made = devops.post(ENDPOINTS, azure(guid))
    conforms(made, "serviceEndpoint", "ServiceEndpoint")
    parameters = made["authorization"]["parameters"]
    instance = devops.get("_apis/connectionData", version="")["instanceId"]
    assert parameters["workloadIdentityFederationIssuer"] == f"https://vstoken.dev.azure.com/{instance}"
    assert parameters["workloadIdentityFederationSubject"] == f"sc://mlops-workshop/{project}/MyAzureSubscription"
    assert parameters["tenantid"]
    assert made["isReady"] is True
    assert made["owner"] == "library"
    assert made["serviceEndpointProjectReferences"][0]["projectReference"] == {"id": guid, "name": project}


def test_secret_goes_in_and_never_comes_out(devops: Organization, project: str, guid: str) -> None:
    body = azure(guid, "ServicePrincipal", serviceprincipalkey="hush-hush", authenticationType="spnKey")
    made = devops.post(ENDPOINTS, body)
    assert made["authorization"]["parameters"]["serviceprincipalkey"] is None
    listed = devops.call("GET", f"{project}/{ENDPOINTS}?includeDetails=true")
    assert "hush-hush" not in listed.text
    changed = devops.call("PUT", f"{ENDPOINTS}/{made['id']}", {**made, "description": "Changed"})
    assert changed.json()["description"] == "Changed"
    without_key = azure(guid, "ServicePrincipal")
    without_key["serviceEndpointProjectReferences"][0]["name"] = "other"
    assert devops.call("POST", ENDPOINTS, without_key).status_code == 400


def test_list_filters_and_missing_names(devops: Organization, project: str, guid: str) -> None:
    made = devops.post(ENDPOINTS, azure(guid))
    base = f"{project}/{ENDPOINTS}"
    assert devops.get(f"{base}?endpointNames=mYazuresubscription&includeFailed=true")["value"][0]["id"] == made["id"]
    for query in ("endpointNames=Nothing", "type=github", "authSchemes=ServicePrincipal", "owner=agentcloud"):
        assert devops.get(f"{base}?{query}")["value"] == [], query
    assert devops.get(f"{base}?type=azurerm&owner=Library&endpointIds={made['id']}")["count"] == 1
    assert devops.get(f"{base}/{made['id']}?actionFilter=use")["name"] == "MyAzureSubscription"
    missing = devops.call("GET", f"{base}/{uuid.uuid4()}")
    assert (missing.status_code, missing.json()) == (200, None)
    assert devops.client("service_endpoint").get_service_endpoints(project)[0].is_ready is True


def test_automatic_connection_becomes_ready(devops: Organization, project: str, guid: str) -> None:
    body = azure(guid, mode="Automatic")
    del body["authorization"]["parameters"]["serviceprincipalid"]
    made = devops.post(ENDPOINTS, body)
    assert made["isReady"] is False
    assert made["operationStatus"]["state"] == "InProgress"
    path = f"{project}/{ENDPOINTS}/{made['id']}"
    ready = wait_for(lambda: devops.get(path), lambda one: one["isReady"])
    assert ready["operationStatus"]["state"] == "Ready"
    assert ready["authorization"]["parameters"]["serviceprincipalid"]


def test_connection_that_never_gets_ready_by_switch(switches: Organization, project: str, guid: str) -> None:
    switches.post(ENDPOINTS, azure(guid))
    switches.switch(endpoint_not_ready=True)
    assert switches.get(f"{project}/{ENDPOINTS}")["value"] == []
    found = switches.get(f"{project}/{ENDPOINTS}?includeFailed=true")["value"][0]
    assert (found["isReady"], found["operationStatus"]["state"]) == (False, "Failed")
    assert found["operationStatus"]["statusMessage"]


def test_share_and_delete(devops: Organization, project: str, guid: str) -> None:
    made = devops.post(ENDPOINTS, azure(guid))
    other = devops.create_project(f"Other-{uuid.uuid4().hex[:8]}")
    reference = {"projectReference": {"id": other["id"], "name": other["name"]}, "name": "Shared"}
    assert devops.call("PATCH", f"{ENDPOINTS}/{made['id']}", [reference]).status_code in (200, 204)
    there = devops.get(f"{other['name']}/{ENDPOINTS}")["value"][0]
    assert (there["name"], there["isShared"]) == ("Shared", True)
    assert devops.call("DELETE", f"{ENDPOINTS}/{made['id']}").status_code == 400
    assert devops.call("DELETE", f"{ENDPOINTS}/{made['id']}?projectIds={guid}").status_code == 204
    assert devops.get(f"{project}/{ENDPOINTS}")["value"] == []
    assert devops.get(f"{other['name']}/{ENDPOINTS}")["count"] == 1
    devops.finish(devops.call("DELETE", f"_apis/projects/{other['id']}").json())
    assert devops.call("PATCH", f"{ENDPOINTS}/{made['id']}", [reference]).status_code == 404


def test_connections_that_are_refused(devops: Organization, guid: str) -> None:
    devops.post(ENDPOINTS, azure(guid))
    twice = devops.call("POST", ENDPOINTS, azure(guid))
    assert (twice.status_code, twice.json()["typeKey"]) == (409, "DuplicateServiceConnectionException")
    for change in (
        {"type": "Unknown"},
        {"authorization": {"scheme": "Magic"}},
        {"data": {}, "serviceEndpointProjectReferences": [{"projectReference": {"id": guid}, "name": "b"}]},
        {"serviceEndpointProjectReferences": []},
    ):
        assert devops.call("POST", ENDPOINTS, {**azure(guid), **change}).status_code == 400, change
    unknown = {"serviceEndpointProjectReferences": [{"projectReference": {"id": str(uuid.uuid4())}, "name": "c"}]}
    assert devops.call("POST", ENDPOINTS, {**azure(guid), **unknown}).status_code == 404


def test_types(devops: Organization) -> None:
    rows = devops.get("_apis/serviceendpoint/types?type=azurerm")["value"]
    conforms(rows[0], "serviceEndpoint", "ServiceEndpointType")
    schemes = [one["scheme"] for one in rows[0]["authenticationSchemes"]]
    assert {"WorkloadIdentityFederation", "ServicePrincipal"} <= set(schemes)


# Variable groups


def group(guid: str, name: str = "mlops", **variables: Any) -> Any:
    return {
        "name": name,
        "type": "Vsts",
        "variables": variables,
        "variableGroupProjectReferences": [{"projectReference": {"id": guid}, "name": name}],
    }


def test_variable_groups(devops: Organization, project: str, guid: str) -> None:
    made = devops.post(GROUPS, group(guid, a={"value": "1"}, k={"value": "hush", "isSecret": True}))
    conforms(made, "taskAgent", "VariableGroup")
    assert made["variables"] == {"a": {"value": "1"}, "k": {"value": None, "isSecret": True}}
    assert made["variableGroupProjectReferences"][0]["projectReference"]["name"] == project
    devops.post(GROUPS, group(guid, "mlops-2"))
    rows = devops.get(f"{project}/{GROUPS}?groupName=mlops*&queryOrder=idDescending")["value"]
    assert [one["name"] for one in rows] == ["mlops-2", "mlops"]
    assert rows[0]["variableGroupProjectReferences"] is None
    assert devops.get(f"{project}/{GROUPS}?groupName=MLOPS")["count"] == 1
    client = devops.client("task_agent")
    assert client.get_variable_group(project, made["id"]).variables["a"].value == "1"
    changed = devops.call("PUT", f"{GROUPS}/{made['id']}", group(guid, a={"value": "2"}, k={"isSecret": True}))
    assert changed.json()["variables"]["a"] == {"value": "2"}
    assert devops.call("POST", GROUPS, group(guid, "MLOPS")).status_code == 409
    assert devops.call("DELETE", f"{GROUPS}/{made['id']}?projectIds={guid}").status_code == 204
    assert devops.call("GET", f"{project}/{GROUPS}/{made['id']}").status_code == 404
    vault = {**group(guid, "vault"), "type": "AzureKeyVault"}
    assert devops.call("POST", GROUPS, vault).status_code == 501


# Environments


def test_environments_and_their_alias(devops: Organization, project: str) -> None:
    base = f"{project}/_apis/distributedtask/environments"
    made = devops.post(base, {"name": "diabetes-staging", "description": "First"})
    conforms(made, "taskAgent", "EnvironmentInstance")
    alias = devops.get(f"{project}/_apis/pipelines/environments")["value"]
    assert [one["id"] for one in alias] == [made["id"]]
    assert devops.get(f"{base}/{made['id']}?expands=resourceReferences")["resources"] == []
    assert devops.get(f"{base}?name=Diabetes-*")["count"] == 1
    assert devops.get(f"{base}?name=staging")["count"] == 0
    assert devops.call("POST", base, {"name": "Diabetes-Staging"}).status_code == 409
    assert devops.call("POST", base, {"name": "a/b"}).status_code == 400
    assert devops.patch(f"{base}/{made['id']}", {"description": "Second"})["description"] == "Second"
    client = devops.client("task_agent")
    assert client.get_environments(project)[0].name == "diabetes-staging"
    second = client.add_environment({"name": "diabetes-production", "description": ""}, project)
    assert second.id > made["id"]
    first = devops.call("GET", f"{base}?$top=1")
    assert first.headers["x-ms-continuationtoken"]
    assert devops.call("DELETE", f"{base}/{made['id']}").status_code == 204
    missing = devops.call("GET", f"{base}/{made['id']}")
    assert (missing.status_code, missing.json()["typeKey"]) == (404, "EnvironmentNotFoundException")


def test_sixteen_clients_lose_nothing(devops: Organization, project: str) -> None:
    base = f"{project}/_apis/distributedtask/environments"
    states: list[int] = []

    def make(client: int) -> None:
        for number in range(4):
            states.append(devops.call("POST", base, {"name": f"e-{client}-{number}"}).status_code)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(make, range(16)))
    assert states == [200] * 64
    rows = devops.get(base)["value"]
    assert len({one["id"] for one in rows}) == len({one["name"] for one in rows}) == 64


# Permissions


def test_permissions_are_closed_until_permitted(devops: Organization, project: str) -> None:
    number = devops.post(f"{project}/_apis/distributedtask/environments", {"name": "production"})["id"]
    path = f"{project}/_apis/pipelines/pipelinePermissions/environment/{number}"
    version = "7.1-preview.1"
    closed = devops.get(path, version=version)
    assert closed == {"resource": {"type": "environment", "id": str(number)}, "pipelines": []}
    permitted = devops.patch(path, {"pipelines": [{"id": 16, "authorized": True}]}, version=version)
    conforms(permitted, "pipelinePermissions", "ResourcePipelinePermissions")
    assert permitted["pipelines"][0]["authorizedBy"]["uniqueName"] == "ada@example.org"
    both = devops.patch(path, {"pipelines": [{"id": 17, "authorized": True}]}, version=version)
    assert [one["id"] for one in both["pipelines"]] == [16, 17]
    fewer = devops.patch(path, {"pipelines": [{"id": 16, "authorized": False}]}, version=version)
    assert [one["id"] for one in fewer["pipelines"]] == [17]
    everyone = devops.patch(path, {"allPipelines": {"authorized": True}}, version=version)
    assert everyone["allPipelines"]["authorized"] is True
    client = devops.client("pipeline_permissions", "7.1")
    found = client.get_pipeline_permissions_for_resource(project, "environment", str(number))
    assert found.all_pipelines.authorized is True
    assert devops.call("GET", path).status_code == 400, "preview only"


def test_permissions_of_many_resources_at_once(devops: Organization, project: str, guid: str) -> None:
    endpoint = devops.post(ENDPOINTS, azure(guid))["id"]
    number = devops.post(GROUPS, group(guid))["id"]
    rows = [
        {"resource": {"type": "endpoint", "id": endpoint}, "pipelines": [{"id": 1, "authorized": True}]},
        {"resource": {"type": "variablegroup", "id": str(number)}, "allPipelines": {"authorized": True}},
    ]
    path, version = f"{project}/_apis/pipelines/pipelinePermissions", "7.1-preview.1"
    answer = devops.patch(path, rows, version=version)
    assert [one["resource"]["type"] for one in answer["value"]] == ["endpoint", "variablegroup"]
    assert devops.get(f"{path}/variablegroup/{number}", version=version)["allPipelines"]["authorized"] is True
    for bad in ("endpoint/none", "environment/99999", "queue/99999", "repository/x.y"):
        assert devops.call("GET", f"{path}/{bad}", version=version).status_code == 404, bad
    assert devops.call("GET", f"{path}/nonsense/1", version=version).status_code == 400


def test_queue_and_repository_are_open_unless_closed_by_switch(switches: Organization, project: str, guid: str) -> None:
    queue = switches.get(f"{project}/_apis/distributedtask/queues")["value"][0]["id"]
    repository = switches.get(f"{project}/_apis/git/repositories/{project}")["id"]
    base, version = f"{project}/_apis/pipelines/pipelinePermissions", "7.1-preview.1"
    paths = [f"{base}/queue/{queue}", f"{base}/repository/{guid}.{repository}"]
    for path in paths:
        assert switches.get(path, version=version)["allPipelines"] == {"authorized": True}
    switches.switch(closed_resources=True)
    for path in paths:
        assert "allPipelines" not in switches.get(path, version=version)


# Queues and capacity


def test_queues_differ_between_projects_and_name_their_pool(devops: Organization, project: str) -> None:
    rows = devops.get(f"{project}/_apis/distributedtask/queues")["value"]
    hosted = next(one for one in rows if one["name"] == "Azure Pipelines")
    conforms(hosted, "taskAgent", "TaskAgentQueue")
    assert hosted["pool"]["isHosted"] is True
    assert "Default" in [one["name"] for one in rows]
    other = f"Other-{uuid.uuid4().hex[:8]}"
    devops.create_project(other)
    there = devops.get(f"{other}/_apis/distributedtask/queues?queueNames=Default")["value"]
    assert len(there) == 1
    assert there[0]["id"] not in [one["id"] for one in rows]
    assert devops.call("GET", f"{other}/_apis/distributedtask/queues/{hosted['id']}").status_code == 404
    pools = devops.client("task_agent").get_agent_pools()
    assert [(one.name, one.is_hosted) for one in pools] == [("Default", False), ("Azure Pipelines", True)]


def test_hosted_parallelism_and_its_switch(switches: Organization) -> None:
    path = "_apis/distributedtask/resourceusage?parallelismTag=Private&poolIsHosted=true&includeRunningRequests=true"
    granted = switches.get(path, version="7.1-preview")
    assert (granted["resourceLimit"]["totalCount"], granted["resourceLimit"]["totalMinutes"]) == (1, 1800)
    switches.switch(hosted_parallelism=False)
    assert switches.get(path, version="7.1-preview")["resourceLimit"]["totalCount"] == 0
    own = switches.get(path.replace("poolIsHosted=true", "poolIsHosted=false"), version="7.1-preview")
    assert own["resourceLimit"]["totalCount"] == 1


# Work items


def patch_document(**fields: Any) -> list[dict[str, Any]]:
    return [{"op": "add", "path": f"/fields/System.{name}", "value": value} for name, value in fields.items()]


def test_work_items_by_the_client(devops: Organization, project: str) -> None:
    client = devops.client("work_item_tracking")
    bug = client.create_work_item(patch_document(Title="Too slow", Tags="mlops"), project, "Bug")
    story = client.create_work_item(patch_document(Title="Train a model"), project, "User Story")
    assert bug.fields["System.State"] == "New"
    assert bug.fields["System.TeamProject"] == project
    assert bug.fields["System.CreatedBy"]["uniqueName"] == "ada@example.org"
    changed = client.update_work_item(patch_document(State="Active"), bug.id)
    assert (changed.rev, changed.fields["System.State"]) == (2, "Active")
    query = (
        "SELECT [System.Id], [System.Title] FROM WorkItems WHERE [System.TeamProject] = @project "
        "AND [System.State] <> 'Closed' AND [System.WorkItemType] IN ('Bug', 'User Story') ORDER BY [System.Id] DESC"
    )
    found = devops.post(f"{project}/_apis/wit/wiql", {"query": query})
    assert [one["id"] for one in found["workItems"]] == [story.id, bug.id]
    only = "SELECT [System.Id] FROM WorkItems WHERE [System.Title] CONTAINS 'slow'"
    assert [one["id"] for one in devops.post(f"{project}/_apis/wit/wiql", {"query": only})["workItems"]] == [bug.id]
    listed = client.get_work_items([bug.id, story.id], fields=["System.Title"])
    assert [one.fields for one in listed] == [{"System.Title": "Too slow"}, {"System.Title": "Train a model"}]
    assert len(client.get_work_items_batch({"ids": [bug.id, story.id]})) == 2
    assert "User Story" in [one.name for one in client.get_work_item_types(project)]
    client.delete_work_item(bug.id)
    assert devops.call("GET", f"_apis/wit/workitems/{bug.id}").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM WorkItems",
        "SELECT [System.Id] FROM WorkItems WHERE [System.State] = 'New' OR [System.State] = 'Active'",
        "SELECT [System.Id] FROM WorkItems WHERE [System.AssignedTo] = @me",
        "SELECT [System.Id] FROM WorkItems ORDER BY [System.Id], [System.Title]",
    ],
)
def test_queries_that_are_not_read_are_refused(devops: Organization, project: str, query: str) -> None:
    answer = devops.call("POST", f"{project}/_apis/wit/wiql", {"query": query})
    assert answer.status_code in (400, 501)
    assert answer.json()["message"]


def test_work_items_that_are_refused(devops: Organization, project: str) -> None:
    path = f"{project}/_apis/wit/workitems"
    assert devops.call("POST", f"{path}/$Bug", []).status_code == 400
    assert devops.call("POST", f"{path}/$Nonsense", patch_document(Title="x")).status_code == 404
    relation = [*patch_document(Title="x"), {"op": "add", "path": "/relations/-", "value": {}}]
    assert devops.call("POST", f"{path}/$Bug", relation).status_code == 501
    made = devops.post(f"{path}/$Bug", patch_document(Title="x"))
    stale = [{"op": "test", "path": "/rev", "value": 7}, *patch_document(Title="y")]
    assert devops.call("PATCH", f"_apis/wit/workitems/{made['id']}", stale).status_code == 400
    too_many = ",".join(str(number) for number in range(201))
    assert devops.call("GET", f"_apis/wit/workitems?ids={too_many}").status_code == 400
