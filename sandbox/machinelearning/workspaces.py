"""Workspaces: made by azure-ai-ml's deployment or a plain PUT, with two datastores and three dependent resources.

Deleted ones stay in the recycle bin, where nobody asked to purge them (recyclebin.py).
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.errors import BadRequest, NotImplementedHere
from sandbox.ids import derived_guid
from sandbox.machinelearning import recyclebin
from sandbox.machinelearning.context import (
    ARTIFACT_STORE,
    BLOB_STORE,
    GROUP,
    PROVIDER,
    SUBSCRIPTION,
    WORKSPACE,
    WORKSPACES,
    Context,
    require_workspace,
    workspace_id,
)
from sandbox.machinelearning.datastores import put_blob_datastore
from sandbox.store import Document, Transaction
from sandbox.store.resources import envelope, group_id, merge, parse_id, require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

KIND = WORKSPACES.lower()
RECOVER = "allowRecoverSoftDeletedWorkspace"
DEPENDENT = {
    "storageAccount": ("Microsoft.Storage/storageAccounts", "storageAccountName"),
    "keyVault": ("Microsoft.KeyVault/vaults", "keyVaultName"),
    "applicationInsights": ("Microsoft.Insights/components", "applicationInsightsName"),
}


class Workspaces:
    """The workspace resource, its discovery document and what azure-ai-ml asks of it."""

    def __init__(self, context: Context, stop_beneath: Callable[[str], None]) -> None:
        self._context = context
        self._store = context.store
        self._stop_beneath = stop_beneath

    def operations(self) -> list[Operation]:
        rows = [
            ("workspaces_get", "GET", WORKSPACE, self.get),
            ("workspaces_create_or_update", "PUT", WORKSPACE, self.put),
            ("workspaces_update", "PATCH", WORKSPACE, self.patch),
            ("workspaces_list_by_resource_group", "GET", GROUP + PROVIDER + "/workspaces", self.list_of_group),
            ("workspaces_list_by_subscription", "GET", SUBSCRIPTION + PROVIDER + "/workspaces", self.list_all),
            ("workspaces_delete", "DELETE", WORKSPACE, self.delete),
            ("workspaces_diagnose", "POST", WORKSPACE + "/diagnose", self.diagnose),
        ]
        return [
            *(Operation(*row) for row in rows),
            Operation("discovery_get", "GET", "/discovery/workspaces/{workspace}", self.discover, anonymous=True),
        ]

    def get(self, call: Call) -> Reply:
        return Reply.json(_answer(call, require_workspace(self._store, call.params)))

    def put(self, call: Call) -> Reply:
        """A plain ARM PUT: `az rest` and management clients make workspaces so."""
        body = call.json()
        with self._store.write() as change:
            require_group(change, call.params)
            found = change.get(KIND, workspace_id(call.params))
            given = body.get("properties") or {}
            wanted = {name: given[name] for name in (*DEPENDENT, "containerRegistry") if given.get(name)}
            document = self._create(change, call, body, wanted)
        return Reply.json(_answer(call, document), 200 if found else 201)

    def deploy(self, call: Call, parameters: Mapping[str, Any]) -> list[str]:
        """Make the workspace that azure-ai-ml's template parameters describe; returns its id."""
        params = {**call.params, "workspace": str(parameters["workspaceName"])}
        body = {
            "location": parameters.get("location"),
            "kind": parameters.get("kind") or "Default",
            "tags": parameters.get("tagValues") or {},
            "properties": {
                "friendlyName": parameters.get("friendlyName") or params["workspace"],
                "description": parameters.get("description") or "",
                "publicNetworkAccess": parameters.get("publicNetworkAccess") or "Enabled",
                RECOVER: parameters.get("allow_recover_softdeleted_workspace"),
            },
        }
        wanted = {
            name: _dependent_id(call, type_name, str(parameters[parameter]))
            for name, (type_name, parameter) in DEPENDENT.items()
            if parameters.get(parameter)
        }
        if parameters.get("containerRegistryOption") == "existing":
            group = parameters.get("containerRegistryResourceGroupName") or call.params["group"]
            name = parameters["containerRegistryName"]
            path = f"/subscriptions/{call.params['subscription']}/resourceGroups/{group}"
            wanted["containerRegistry"] = f"{path}/providers/Microsoft.ContainerRegistry/registries/{name}"
        with self._store.write() as change:
            created = self._create(change, Call("", "", "", call.base, params), body, wanted)
        return [created.id]

    def _create(self, change: Transaction, call: Call, body: Mapping[str, Any], wanted: Mapping[str, str]) -> Document:
        """Workspace, dependent resources and datastores, all or nothing."""
        name = workspace_id(call.params)
        found = change.get(KIND, name)
        given = dict(body.get("properties") or {})
        self._require_free(change, name, found, given.pop(RECOVER, None))
        location = body.get("location") or require_group(change, call.params).body["location"]
        links = {one: wanted.get(one) or self._existing(found, one) or _default_id(call, one) for one in DEPENDENT}
        for link, (type_name, _) in DEPENDENT.items():
            _ensure_dependent(change, links[link], type_name, location, body.get("tags") or {})
        guid = found.body["properties"]["workspaceId"] if found else self._context.ids.guid()
        if wanted.get("containerRegistry"):
            links["containerRegistry"] = wanted["containerRegistry"]
        properties = {
            "friendlyName": call.params["workspace"],
            "description": "",
            "hbiWorkspace": False,
            "publicNetworkAccess": "Enabled",
            **(found.body["properties"] if found else {}),
            **given,
            **links,
            "workspaceId": guid,
            "provisioningState": "Succeeded",
        }
        stored = {
            "location": location,
            "kind": body.get("kind") or "Default",
            "sku": body.get("sku") or {"name": "Basic", "tier": "Basic"},
            "tags": body.get("tags") or {},
            "identity": {
                "type": "SystemAssigned",
                "principalId": derived_guid("principal", name),
                "tenantId": derived_guid("tenant", call.params["subscription"]),
            },
            "properties": properties,
        }
        document = change.put(KIND, name, stored, f"{group_id(call.params)}{PROVIDER}/workspaces")
        if found is None:
            self._add_datastores(change, call.params, links["storageAccount"], guid)
        return document

    def _require_free(self, change: Transaction, name: str, found: Document | None, recover: object) -> None:
        """Raises BadRequest while the bin holds a namesake, NotImplementedHere where that is to be recovered."""
        if found is None and str(recover).lower() == "true" and recyclebin.is_kept(change, name, self._context.clock):
            raise NotImplementedHere("RecoverNotImplemented", "The sandbox does not recover soft-deleted workspaces.")
        if found is None:
            recyclebin.require_free(change, name, self._context.clock)

    def _existing(self, found: Document | None, link: str) -> str | None:
        return found.body["properties"].get(link) if found else None

    def _add_datastores(self, change: Transaction, params: Mapping[str, str], storage: str, guid: str) -> None:
        account = storage.rsplit("/", 1)[-1]
        stores = {BLOB_STORE: f"azureml-blobstore-{guid}", ARTIFACT_STORE: "azureml"}
        for name, container in stores.items():
            self._context.payloads.ensure_container(account, container)
            put_blob_datastore(change, params, name, account, container, is_default=name == BLOB_STORE)

    def patch(self, call: Call) -> Reply:
        with self._store.write() as change:
            found = require_workspace(change, call.params)
            document = change.put(KIND, found.id, merge(found.body, call.json()))
        return Reply.json(_answer(call, document))

    def delete(self, call: Call) -> Reply:
        """Everything beneath goes, processes first. The dependent resources are the client's to delete (b.1-b.3).

        With `forceToPurge` nothing stays in the bin, also of a workspace that was deleted before; 204 where there is
        neither.
        """
        require_group(self._store, call.params)
        name, forced = workspace_id(call.params), call.option("forceToPurge").lower() == "true"
        if self._store.get(KIND, name):
            self._stop_beneath(name)
        with self._store.write() as change:
            found = change.get(KIND, name)
            purged = forced and recyclebin.purge(change, name)
            if found and not forced:
                recyclebin.keep(change, found)
            change.delete_beneath(name)
            change.delete(KIND, name)
        return Reply(200 if found or purged else 204)

    def keep_beneath(self, resource_id: str) -> None:
        """The workspaces of a group that is deleted stay in the bin."""
        with self._store.write() as change:
            for one in change.beneath(resource_id):
                if one.kind == KIND:
                    recyclebin.keep(change, one)

    def list_of_group(self, call: Call) -> Reply:
        require_group(self._store, call.params)
        found = self._store.list(KIND, f"{group_id(call.params)}{PROVIDER}/workspaces")
        return page(call, [_answer(call, one) for one in found])

    def list_all(self, call: Call) -> Reply:
        return page(call, [_answer(call, one) for one in self._store.list(KIND)])

    def diagnose(self, call: Call) -> Reply:
        """Nothing is wrong with a local workspace: each list of findings is empty."""
        require_workspace(self._store, call.params)
        findings = (
            "userDefinedRouteResults",
            "networkSecurityRuleResults",
            "resourceLockResults",
            "dnsResolutionResults",
            "storageAccountResults",
            "keyVaultResults",
            "containerRegistryResults",
            "applicationInsightsResults",
            "otherResults",
        )
        return Reply.json({"value": {name: [] for name in findings}})

    def discover(self, call: Call) -> Reply:
        """Where the workspace's data plane lives: everything is on this server (azure-machine-learning.md, b.6)."""
        names = ("api", "history", "experimentation", "modelmanagement", "registry", "mlflow")
        return Reply.json(dict.fromkeys(names, call.base) | {"studio": f"{call.base}/ui"})


def _answer(call: Call, document: Document) -> dict[str, Any]:
    """The workspace with the addresses this client reaches it by."""
    answer = envelope(document, WORKSPACES)
    host = call.base.removeprefix("https://")
    addresses = {
        "discoveryUrl": f"{call.base}/discovery/workspaces/{document.body['properties']['workspaceId']}",
        "mlFlowTrackingUri": f"azureml://{host}/mlflow/v1.0{document.id}",
    }
    answer["properties"] = {**document.body["properties"], **addresses}
    return answer


def _dependent_id(call: Call, type_name: str, name: str) -> str:
    return name if name.startswith("/") else f"{group_id(call.params)}/providers/{type_name}/{name}"


def _default_id(call: Call, link: str) -> str:
    """The dependent resource a PUT did not name: derived, so that the same workspace finds the same one."""
    type_name = DEPENDENT[link][0]
    short = derived_guid(workspace_id(call.params)).replace("-", "")[:8]
    letters = "".join(one for one in call.params["workspace"].lower() if one.isalnum())[:10]
    return f"{group_id(call.params)}/providers/{type_name}/{letters}{link[:5].lower()}{short}"[:240]


def _ensure_dependent(
    change: Transaction, resource_id: str, type_name: str, location: str, tags: Mapping[str, str]
) -> None:
    """Makes it with the workspace's tags, as azure-ai-ml's template does; one that is there stays as it is."""
    if parse_id(resource_id) is None:
        raise BadRequest("InvalidResourceId", f"'{resource_id}' is not the id of a {type_name}.")
    if change.get(type_name.lower(), resource_id) is None:
        fields = {"location": location, "tags": dict(tags), "properties": {"provisioningState": "Succeeded"}}
        change.put(type_name.lower(), resource_id, fields, resource_id.rsplit("/", 1)[0])
