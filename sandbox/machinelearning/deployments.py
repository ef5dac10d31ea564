"""Online deployments: accepted at once, provisioned by a thread that starts a real model server."""

from typing import Any

from sandbox.errors import BadRequest
from sandbox.machinelearning.assets import AssetKind
from sandbox.machinelearning.collection import checked_collector
from sandbox.machinelearning.context import NAMESPACE, Context, child_id, kind_of, properties_of
from sandbox.machinelearning.endpoints import DEPLOYMENTS, ENDPOINT, require_endpoint
from sandbox.machinelearning.serving import Serving
from sandbox.store import Document, Transaction, begin_operation, finish_operation
from sandbox.store.resources import envelope, merge, require
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.lro import accepted, in_progress, result_url, status_url
from sandbox.wire.paging import page

TYPE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"
ASSETS = {"model": "models", "environmentId": "environments"}


class Deployments:
    """The deployment resource."""

    def __init__(self, context: Context, serving: Serving, data: AssetKind) -> None:
        self._context = context
        self._store = context.store
        self._serving = serving
        self._data = data

    def operations(self) -> list[Operation]:
        one = ENDPOINT + "/deployments/{deployment}"
        rows = [
            ("online_deployments_list", "GET", ENDPOINT + "/deployments", self.list),
            ("online_deployments_get", "GET", one, self.get),
            ("online_deployments_create_or_update", "PUT", one, self.put),
            ("online_deployments_update", "PATCH", one, self.patch),
            ("online_deployments_delete", "DELETE", one, self.delete),
            ("online_deployments_get_logs", "POST", one + "/getLogs", self.get_logs),
        ]
        return [Operation(*row) for row in rows]

    def list(self, call: Call) -> Reply:
        endpoint = require_endpoint(self._context, call)
        return page(call, [envelope(one, TYPE) for one in self._store.list(DEPLOYMENTS, f"{endpoint.id}/deployments")])

    def get(self, call: Call) -> Reply:
        return Reply.json(envelope(self._require(call), TYPE))

    def put(self, call: Call) -> Reply:
        """201 and an operation to poll; the server is started by a thread (b.8)."""
        body = call.json()
        endpoint = require_endpoint(self._context, call)
        operation = self._context.ids.guid()
        with self._store.write() as change:
            found = change.get(DEPLOYMENTS, self._id(call))
            properties = self._checked(change, endpoint, properties_of(body))
            if properties.get("dataCollector"):
                named = (endpoint.name, call.params["deployment"])
                workspace, given = endpoint.id.split("/onlineEndpoints/")[0], properties["dataCollector"]
                properties["dataCollector"] = checked_collector(change, self._data, workspace, named, given)
            state = {"provisioningState": "Updating" if found else "Creating"}
            fields = {
                "location": body.get("location") or endpoint.body["location"],
                "tags": body.get("tags") or {},
                "sku": body.get("sku") or {"name": "Default", "capacity": 1},
                "kind": body.get("kind") or properties["endpointComputeType"],
                "identity": body.get("identity") or endpoint.body["identity"],
                "properties": {**properties, **state},
            }
            document = change.put(DEPLOYMENTS, self._id(call), fields, f"{endpoint.id}/deployments")
            begin_operation(self._store, operation, document.id)
        self._serving.begin_start(document.id, operation)
        url = status_url(call.base, call.params["subscription"], NAMESPACE, document.body["location"], operation)
        return Reply.json(envelope(document, TYPE), 200 if found else 201, in_progress(url))

    def _checked(self, change: Transaction, endpoint: Document, given: dict[str, Any]) -> dict[str, Any]:
        """What the service refuses at once, and the defaults without which the SDK fails (b.8 MUST)."""
        is_kubernetes = bool(endpoint.body["properties"].get("compute"))
        compute_type = given.get("endpointComputeType") or ("Kubernetes" if is_kubernetes else "Managed")
        if (compute_type == "Kubernetes") != is_kubernetes:
            raise BadRequest("UserError", f"A {compute_type} deployment does not fit the endpoint '{endpoint.name}'.")
        for name, segment in ASSETS.items():
            if given.get(name) and change.get(kind_of(segment, "versions"), given[name]) is None:
                raise BadRequest("UserError", f"The {segment[:-1]} '{given[name]}' was not found in this workspace.")
        code = (given.get("codeConfiguration") or {}).get("codeId")
        if code and change.get(kind_of("codes", "versions"), code) is None:
            raise BadRequest("UserError", f"The code '{code}' was not found in this workspace.")
        usual: dict[str, Any] = {"endpointComputeType": compute_type, "scaleSettings": {"scaleType": "Default"}}
        if is_kubernetes:
            usual["containerResourceRequirements"] = {"containerResourceRequests": {}, "containerResourceLimits": {}}
        return {**usual, **{name: value for name, value in given.items() if value is not None}}

    def patch(self, call: Call) -> Reply:
        """Tags and capacity; what is served changes by a PUT."""
        with self._store.write() as change:
            found = self._require(call)
            given = {name: value for name, value in call.json().items() if name in ("tags", "sku")}
            document = change.put(DEPLOYMENTS, found.id, merge(found.body, given))
        return Reply.json(envelope(document, TYPE))

    def delete(self, call: Call) -> Reply:
        found = self._require(call)
        endpoint = require_endpoint(self._context, call)
        share = endpoint.body["properties"]["traffic"].get(found.name, 0)
        if share:
            raise BadRequest(
                "UserError",
                f"The deployment '{found.name}' carries {share} % of the traffic. Set it to 0 before deleting.",
            )
        self._serving.stop(found.id)
        operation = self._context.ids.guid()
        with self._store.write() as change:
            change.delete(DEPLOYMENTS, found.id)
            begin_operation(self._store, operation, found.id)
            finish_operation(self._store, operation)
        url = result_url(call.base, call.params["subscription"], NAMESPACE, found.body["location"], operation)
        return Reply(202, headers=accepted(url))

    def get_logs(self, call: Call) -> Reply:
        found = self._require(call)
        given = call.json()
        lines = int(given.get("tail") or 100)
        return Reply.json({"content": self._serving.logs(found.id, lines, str(given.get("containerType") or ""))})

    def _id(self, call: Call) -> str:
        return child_id(
            call.params, "onlineEndpoints", call.params["endpoint"], "deployments", call.params["deployment"]
        )

    def _require(self, call: Call) -> Document:
        require_endpoint(self._context, call)
        return require(self._store, DEPLOYMENTS, self._id(call))
