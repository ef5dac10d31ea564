"""What stays of a deleted workspace and a deleted key vault, through azure-ai-ml, azure-mgmt-resource and requests."""

import uuid
from typing import Any

import pytest
import requests

from tests.conftest import LOCATION, Sandbox, bearer

WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
VAULTS = "Microsoft.KeyVault/vaults"
ML_VERSION, VAULT_VERSION = "2024-04-01", "2022-07-01"


def address(sandbox: Sandbox, path: str, version: str, **query: str) -> str:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"{sandbox.base}/subscriptions/{sandbox.subscription}{path}?api-version={version}{more}"


def send(sandbox: Sandbox, method: str, url: str, body: Any = None) -> requests.Response:
    return requests.request(method, url, json=body, headers=bearer(sandbox), timeout=60)


def make(sandbox: Sandbox, group: str, name: str) -> requests.Response:
    url = address(sandbox, f"/resourceGroups/{group}/providers/{WORKSPACES}/{name}", ML_VERSION)
    return send(sandbox, "PUT", url, {"location": LOCATION, "tags": {"kit": "yes"}})


def delete(sandbox: Sandbox, group: str, name: str, **query: str) -> int:
    url = address(sandbox, f"/resourceGroups/{group}/providers/{WORKSPACES}/{name}", ML_VERSION, **query)
    return send(sandbox, "DELETE", url).status_code


def test_a_deleted_workspace_keeps_its_name_until_it_is_purged(sandbox: Sandbox, workspace: Any) -> None:
    from azure.ai.ml.entities import Workspace

    name, group = workspace.workspace_name, workspace.resource_group_name
    workspace.workspaces.begin_delete(name, delete_dependent_resources=False).result()
    assert name not in [one.name for one in workspace.workspaces.list()]
    refused = make(sandbox, group, name)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")
    with pytest.raises(Exception, match="Soft-deleted workspace exists"):
        workspace.workspaces.begin_create(Workspace(name=name, location=LOCATION)).result()
    assert delete(sandbox, group, name, forceToPurge="true") == 200
    assert delete(sandbox, group, name, forceToPurge="true") == 204
    workspace.workspaces.begin_create(Workspace(name=name, location=LOCATION)).result()
    assert workspace.workspaces.get(name).name == name


def test_a_workspace_that_is_purged_at_once_leaves_nothing(sandbox: Sandbox, workspace: Any) -> None:
    name = workspace.workspace_name
    workspace.workspaces.begin_delete(name, delete_dependent_resources=False, permanently_delete=True).result()
    assert make(sandbox, workspace.resource_group_name, name).status_code == 201


def test_a_group_that_is_deleted_leaves_its_workspace_in_the_bin(sandbox: Sandbox, resource_group: str) -> None:
    group = address(sandbox, f"/resourceGroups/{resource_group}", "2021-04-01")
    assert make(sandbox, resource_group, "mlw").status_code == 201
    assert send(sandbox, "DELETE", group).status_code == 202
    send(sandbox, "PUT", group, {"location": LOCATION}).raise_for_status()
    assert "purge or recover" in make(sandbox, resource_group, "mlw").json()["error"]["message"]


def test_a_recovery_says_that_it_is_not_implemented(sandbox: Sandbox, resource_group: str) -> None:
    make(sandbox, resource_group, "mlw").raise_for_status()
    delete(sandbox, resource_group, "mlw")
    url = address(sandbox, f"/resourceGroups/{resource_group}/providers/{WORKSPACES}/mlw", ML_VERSION)
    body = {"location": LOCATION, "properties": {"allowRecoverSoftDeletedWorkspace": True}}
    assert send(sandbox, "PUT", url, body).status_code == 501


def test_what_a_workspace_needs_carries_its_tags(sandbox: Sandbox, resource_group: str) -> None:
    make(sandbox, resource_group, "mlw").raise_for_status()
    listed = send(sandbox, "GET", address(sandbox, f"/resourceGroups/{resource_group}/resources", "2021-04-01"))
    assert [one["tags"] for one in listed.json()["value"]] == [{"kit": "yes"}] * 4


def test_a_deleted_vault_keeps_its_name_until_it_is_purged(sandbox: Sandbox, resource_group: str) -> None:
    name = f"kv{uuid.uuid4().hex[:10]}"
    vault = address(sandbox, f"/resourceGroups/{resource_group}/providers/{VAULTS}/{name}", VAULT_VERSION)
    body = {"location": LOCATION, "tags": {"kit": "yes"}}
    send(sandbox, "PUT", vault, body).raise_for_status()
    send(sandbox, "DELETE", vault).raise_for_status()
    bin_of_vaults = address(sandbox, "/providers/Microsoft.KeyVault/deletedVaults", VAULT_VERSION)
    kept = [one for one in send(sandbox, "GET", bin_of_vaults).json()["value"] if one["name"] == name]
    assert kept[0]["properties"]["vaultId"].lower().endswith(f"/{resource_group}/providers/{VAULTS}/{name}".lower())
    assert kept[0]["properties"]["tags"] == {"kit": "yes"}
    refused = send(sandbox, "PUT", vault, body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "ConflictError")
    free = address(sandbox, "/providers/Microsoft.KeyVault/checkNameAvailability", VAULT_VERSION)
    assert send(sandbox, "POST", free, {"name": name}).json()["nameAvailable"] is False
    purge = address(sandbox, kept[0]["id"].partition(sandbox.subscription)[2] + "/purge", VAULT_VERSION)
    assert send(sandbox, "POST", purge).status_code == 200
    assert send(sandbox, "PUT", vault, body).status_code == 201
