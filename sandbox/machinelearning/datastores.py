"""Datastores: names for blob containers, and the secrets that open them."""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import BadRequest, NotImplementedHere
from sandbox.machinelearning.context import WORKSPACE, Context, child_id, kind_of, properties_of, require_workspace
from sandbox.settings import STORAGE_SUFFIX
from sandbox.store import Document, Store, Transaction
from sandbox.store.resources import envelope, require
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

KIND = kind_of("datastores")
TYPE = "Microsoft.MachineLearningServices/workspaces/datastores"
SAS_SECONDS = 24 * 3600


class Datastores:
    """Blob datastores. Other storage kinds answer 501."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def operations(self) -> list[Operation]:
        one = WORKSPACE + "/datastores/{datastore}"
        rows = [
            ("datastores_list", "GET", WORKSPACE + "/datastores", self.list),
            ("datastores_get", "GET", one, self.get),
            ("datastores_create_or_update", "PUT", one, self.put),
            ("datastores_delete", "DELETE", one, self.delete),
            ("datastores_list_secrets", "POST", one + "/listSecrets", self.list_secrets),
        ]
        return [Operation(*row) for row in rows]

    def list(self, call: Call) -> Reply:
        """`isDefault=true` must filter: azure-ai-ml takes the first as the default (b.5)."""
        require_workspace(self._store, call.params)
        found = self._store.list(KIND, child_id(call.params, "datastores"))
        if call.option("isDefault"):
            wanted = call.option("isDefault").lower() == "true"
            found = [one for one in found if one.body["properties"]["isDefault"] == wanted]
        return page(call, [_answer(call, one) for one in found])

    def get(self, call: Call) -> Reply:
        return Reply.json(_answer(call, self._require(call)))

    def put(self, call: Call) -> Reply:
        given = properties_of(call.json())
        if given.get("datastoreType") != "AzureBlob":
            kind = given.get("datastoreType")
            raise NotImplementedHere(
                "DatastoreTypeNotImplemented", f"The sandbox does not implement {kind} datastores."
            )
        account, container = str(given.get("accountName", "")).rsplit("/", 1)[-1], given.get("containerName")
        if not account or not container:
            raise BadRequest("ValidationError", "A blob datastore needs accountName and containerName.")
        with self._store.write() as change:
            require_workspace(change, call.params)
            found = change.get(KIND, child_id(call.params, "datastores", call.params["datastore"]))
            self._context.payloads.ensure_container(account, container)
            is_default = bool(given.get("isDefault"))
            stored = put_blob_datastore(
                change, call.params, call.params["datastore"], account, container, is_default, given
            )
        return Reply.json(_answer(call, stored), 200 if found else 201)

    def delete(self, call: Call) -> Reply:
        return Reply(200 if self._store.delete(KIND, self._id(call)) else 204)

    def list_secrets(self, call: Call) -> Reply:
        properties = self._require(call).body["properties"]
        token = self._context.shared_access(
            properties["accountName"], properties["containerName"], "racwdl", SAS_SECONDS
        )
        return Reply.json({"secretsType": "Sas", "sasToken": token})

    def _id(self, call: Call) -> str:
        return child_id(call.params, "datastores", call.params["datastore"])

    def _require(self, call: Call) -> Document:
        require_workspace(self._store, call.params)
        return require(self._store, KIND, self._id(call))


def put_blob_datastore(
    change: Transaction,
    params: Mapping[str, str],
    name: str,
    account: str,
    container: str,
    is_default: bool,
    given: Mapping[str, Any] | None = None,
) -> Document:
    """Store a datastore. `account` is the bare storage account's name."""
    properties = {
        "serviceDataAccessAuthIdentity": "None",
        "tags": {},
        "properties": {},
        "description": "",
        **(given or {}),
        "datastoreType": "AzureBlob",
        "accountName": account,
        "containerName": container,
        "endpoint": STORAGE_SUFFIX,
        "protocol": "https",
        "isDefault": is_default,
        "credentials": {"credentialsType": "AccountKey"},
    }
    collection = child_id(params, "datastores")
    return change.put(KIND, f"{collection}/{name}", {"properties": properties}, collection)


def container_of(store: Store | Transaction, workspace: str, datastore: str) -> tuple[str, str]:
    """Account and container behind a datastore of a workspace (its id). Raises BadRequest where there is none."""
    found = store.get(KIND, f"{workspace}/datastores/{datastore}")
    if found is None:
        raise BadRequest("UserError", f"Could not find datastore: {datastore}.")
    return found.body["properties"]["accountName"], found.body["properties"]["containerName"]


def _answer(call: Call, document: Document) -> dict[str, Any]:
    """`accountName` is path-style: the SDK builds https://{accountName}.blob.{suffix} from it (b.5)."""
    answer = envelope(document, TYPE)
    host = call.base.removeprefix("https://")
    account = document.body["properties"]["accountName"]
    answer["properties"] = {**document.body["properties"], "accountName": f"{host}/{account}"}
    return answer
