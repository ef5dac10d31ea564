"""Online endpoints, managed and Kubernetes: the resource, its keys and its traffic."""

from typing import Any

from sandbox.errors import BadRequest, Conflict, NotFound
from sandbox.ids import derived_guid
from sandbox.machinelearning.context import (
    NAMESPACE,
    WORKSPACE,
    Context,
    child_id,
    kind_of,
    properties_of,
    require_workspace,
)
from sandbox.machinelearning.serving import Serving
from sandbox.store import Document, Transaction, begin_operation, finish_operation
from sandbox.store.resources import envelope, merge, require
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.lro import accepted, result_url
from sandbox.wire.paging import page

KIND = kind_of("onlineEndpoints")
DEPLOYMENTS = kind_of("onlineEndpoints", "deployments")
TYPE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
KEYS = "endpoint-keys"
NAMES = "endpoint-name"
ENDPOINT = WORKSPACE + "/onlineEndpoints/{endpoint}"
AUTH_MODES = ("Key", "AMLToken", "AADToken")


class Endpoints:
    """The endpoint resource."""

    def __init__(self, context: Context, serving: Serving) -> None:
        self._context = context
        self._store = context.store
        self._serving = serving

    def operations(self) -> list[Operation]:
        rows = [
            ("online_endpoints_list", "GET", WORKSPACE + "/onlineEndpoints", self.list),
            ("online_endpoints_get", "GET", ENDPOINT, self.get),
            ("online_endpoints_create_or_update", "PUT", ENDPOINT, self.put),
            ("online_endpoints_update", "PATCH", ENDPOINT, self.patch),
            ("online_endpoints_delete", "DELETE", ENDPOINT, self.delete),
            ("online_endpoints_list_keys", "POST", ENDPOINT + "/listKeys", self.list_keys),
            ("online_endpoints_regenerate_keys", "POST", ENDPOINT + "/regenerateKeys", self.regenerate_keys),
        ]
        return [Operation(*row) for row in rows]

    def list(self, call: Call) -> Reply:
        require_workspace(self._store, call.params)
        found = self._store.list(KIND, child_id(call.params, "onlineEndpoints"))
        return page(call, [_answer(call, one) for one in found])

    def get(self, call: Call) -> Reply:
        return Reply.json(_answer(call, require_endpoint(self._context, call)))

    def put(self, call: Call) -> Reply:
        body = call.json()
        given = properties_of(body)
        with self._store.write() as change:
            workspace = require_workspace(change, call.params)
            found = change.get(KIND, self._id(call))
            self._check(change, call, given, found)
            location = body.get("location") or workspace.body["location"]
            if found is None:
                self._claim_name(change, call, location)
            document = change.put(
                KIND,
                self._id(call),
                {
                    "location": location,
                    "tags": body.get("tags") or {},
                    "kind": body.get("kind") or ("K8S" if given.get("compute") else "Managed"),
                    "identity": self._identity(call, body),
                    "properties": self._properties(given),
                },
                child_id(call.params, "onlineEndpoints"),
            )
        return Reply.json(_answer(call, document), 200 if found else 201)

    def _properties(self, given: dict[str, Any]) -> dict[str, Any]:
        usual = {"authMode": "Key", "publicNetworkAccess": "Enabled", "description": "", "properties": {}}
        return {
            **usual,
            **{name: value for name, value in given.items() if value is not None},
            "traffic": given.get("traffic") or {},
            "mirrorTraffic": given.get("mirrorTraffic") or {},
            "provisioningState": "Succeeded",
        }

    def _identity(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        identity = dict(body.get("identity") or {"type": "SystemAssigned"})
        identity.setdefault("principalId", derived_guid("principal", self._id(call)))
        identity.setdefault("tenantId", derived_guid("tenant", call.params["subscription"]))
        return identity

    def _check(self, change: Transaction, call: Call, given: dict[str, Any], found: Document | None) -> None:
        if given.get("authMode", "Key") not in AUTH_MODES:
            raise BadRequest("UserError", f"authMode must be one of {', '.join(AUTH_MODES)}.")
        compute = given.get("compute")
        if compute and change.get(kind_of("computes"), compute) is None:
            raise BadRequest("UserError", f"The compute '{compute.rsplit('/', 1)[-1]}' was not found.")
        if found and (found.body["properties"].get("compute") or "").lower() != (compute or "").lower():
            raise BadRequest("UserError", "The compute of an endpoint cannot be changed. Make another endpoint.")
        self._check_traffic(change, call, given)

    def _check_traffic(self, change: Transaction, call: Call, given: dict[str, Any]) -> None:
        traffic: dict[str, int] = given.get("traffic") or {}
        if traffic and sum(traffic.values()) not in (0, 100):
            raise BadRequest(
                "BadTraffic", f"The traffic of an endpoint adds up to 0 or 100, not {sum(traffic.values())}."
            )
        for name in (*traffic, *(given.get("mirrorTraffic") or {})):
            if change.get(DEPLOYMENTS, f"{self._id(call)}/deployments/{name}") is None:
                raise BadRequest(
                    "UserError", f"Traffic names the deployment '{name}', which this endpoint does not have."
                )

    def _claim_name(self, change: Transaction, call: Call, location: str) -> None:
        """An endpoint's name is its address, so it is unique in a region, whatever the workspace."""
        taken = change.get(NAMES, call.params["endpoint"])
        if taken and change.get(KIND, taken.body["endpoint"]):
            raise Conflict(
                "UserError",
                f"An endpoint with name '{call.params['endpoint']}' exists already in region {location}. "
                "Names are unique in a region: choose another.",
            )
        change.put(NAMES, call.params["endpoint"], {"endpoint": self._id(call)})
        change.put(
            KEYS, self._id(call), {"primaryKey": self._context.ids.secret(), "secondaryKey": self._context.ids.secret()}
        )

    def patch(self, call: Call) -> Reply:
        given = call.json()
        with self._store.write() as change:
            found = require_endpoint(self._context, call)
            merged = merge(found.body, given)
            self._check_traffic(change, call, merged["properties"])
            document = change.put(KIND, found.id, merged)
        return Reply.json(_answer(call, document))

    def delete(self, call: Call) -> Reply:
        """Deployments first. 202 and a result to look at, as clients expect."""
        found = require_endpoint(self._context, call)
        self._serving.stop_beneath(found.id)
        operation = self._context.ids.guid()
        with self._store.write() as change:
            change.delete_beneath(found.id)
            for kind, resource in ((KIND, found.id), (KEYS, found.id), (NAMES, found.name)):
                change.delete(kind, resource)
            begin_operation(self._store, operation, found.id)
            finish_operation(self._store, operation)
        url = result_url(call.base, call.params["subscription"], NAMESPACE, found.body["location"], operation)
        return Reply(202, headers=accepted(url))

    def list_keys(self, call: Call) -> Reply:
        found = require_endpoint(self._context, call)
        if found.body["properties"]["authMode"] != "Key":
            raise BadRequest("UserError", f"The endpoint '{found.name}' does not use keys.")
        return Reply.json(require(self._store, KEYS, found.id).body)

    def regenerate_keys(self, call: Call) -> Reply:
        found = require_endpoint(self._context, call)
        given = call.json()
        name = f"{str(given.get('keyType', 'Primary')).lower()}Key"
        with self._store.write() as change:
            keys = require(change, KEYS, found.id)
            # azure-ai-ml sends the key that is to be replaced: a value that changes nothing asks for a new one.
            value = given.get("keyValue")
            if value in (None, "", keys.body.get(name)):
                value = self._context.ids.secret()
            change.put(KEYS, found.id, {**keys.body, name: value})
        return Reply(200)

    def _id(self, call: Call) -> str:
        return child_id(call.params, "onlineEndpoints", call.params["endpoint"])


def require_endpoint(context: Context, call: Call) -> Document:
    """The endpoint of a call. Raises NotFound, workspace first."""
    require_workspace(context.store, call.params)
    return require(context.store, KIND, child_id(call.params, "onlineEndpoints", call.params["endpoint"]))


def endpoint_by_name(context: Context, name: str) -> Document:
    """The endpoint behind a scoring address. Raises NotFound."""
    index = context.store.get(NAMES, name)
    found = context.store.get(KIND, index.body["endpoint"]) if index else None
    if found is None:
        raise NotFound("EndpointNotFound", f"There is no endpoint '{name}'.")
    return found


def _answer(call: Call, document: Document) -> dict[str, Any]:
    answer = envelope(document, TYPE)
    address = f"{call.base}/endpoint/{document.name}"
    addresses = {"scoringUri": f"{address}/score", "swaggerUri": f"{address}/swagger.json"}
    answer["properties"] = {**document.body["properties"], **addresses}
    return answer
