"""Compute targets: AmlCompute, ComputeInstance and attached Kubernetes. Jobs run on this machine."""

from collections.abc import Callable
from typing import Any

from sandbox.errors import BadRequest, NotImplementedHere
from sandbox.machinelearning.context import (
    NAMESPACE,
    WORKSPACE,
    WORKSPACES,
    Context,
    child_id,
    kind_of,
    properties_of,
    require_workspace,
)
from sandbox.machines import Quota
from sandbox.store import Document, begin_operation, finish_operation
from sandbox.store.resources import envelope, merge, require
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.lro import accepted, result_url
from sandbox.wire.paging import page

KIND = kind_of("computes")
TYPE = f"{WORKSPACES}/computes"
CLUSTERS = "microsoft.containerservice/managedclusters"
EXTENSIONS = f"{CLUSTERS}/providers/microsoft.kubernetesconfiguration/extensions"
EXTENSION_TYPE = "microsoft.azureml.kubernetes"


class Computes:
    """The compute resource. A Kubernetes compute needs an AKS cluster that exists."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._quota = Quota(context.store)

    def operations(self) -> list[Operation]:
        one = WORKSPACE + "/computes/{compute}"
        rows = [
            ("computes_list", "GET", WORKSPACE + "/computes", self.list),
            ("computes_get", "GET", one, self.get),
            ("computes_create_or_update", "PUT", one, self.put),
            ("computes_update", "PATCH", one, self.patch),
            ("computes_delete", "DELETE", one, self.delete),
            ("computes_list_nodes", "POST", one + "/listNodes", self.list_nodes),
            ("computes_start", "POST", one + "/start", self.start),
            ("computes_stop", "POST", one + "/stop", self.stop),
            ("computes_restart", "POST", one + "/restart", self.start),
        ]
        return [Operation(*row) for row in rows]

    def list(self, call: Call) -> Reply:
        require_workspace(self._store, call.params)
        return page(call, [envelope(one, TYPE) for one in self._store.list(KIND, child_id(call.params, "computes"))])

    def get(self, call: Call) -> Reply:
        return Reply.json(envelope(self._require(call), TYPE))

    def put(self, call: Call) -> Reply:
        """200 with Succeeded: no operation to poll, which would cost 30 s a look (Q2)."""
        body = call.json()
        with self._store.write() as change:
            workspace = require_workspace(change, call.params)
            found = change.get(KIND, self._id(call))
            properties = properties_of(body)
            properties = {**properties, **self._filled(properties, found), "provisioningState": "Succeeded"}
            location = body.get("location") or workspace.body["location"]
            self._check_quota(properties["properties"], location, self._id(call))
            fields = {**body, "location": location, "properties": properties}
            document = change.put(KIND, self._id(call), fields, child_id(call.params, "computes"))
        return Reply.json(envelope(document, TYPE))

    def _filled(self, properties: dict[str, Any], found: Document | None) -> dict[str, Any]:
        compute_type = properties.get("computeType")
        fill = FILL.get(str(compute_type))
        if fill is None:
            raise NotImplementedHere(
                "ComputeTypeNotImplemented", f"The sandbox does not implement compute type '{compute_type}'."
            )
        if compute_type == "Kubernetes":
            self._check_cluster(str(properties.get("resourceId")))
        now = self._context.clock.timestamp()
        created = found.body["properties"]["createdOn"] if found else now
        return {"properties": fill(properties.get("properties") or {}), "createdOn": created, "modifiedOn": now}

    def _check_quota(self, inner: dict[str, Any], location: str, own: str) -> None:
        minimum = (inner.get("scaleSettings") or {}).get("minNodeCount") or 0
        self._quota.check_compute(str(inner.get("vmSize", "")), int(minimum), location, own)

    def _check_cluster(self, cluster: str) -> None:
        """A cluster can be attached once it is there and has Azure ML's extension."""
        if self._store.get(CLUSTERS, cluster) is None:
            raise BadRequest("UserError", f"The Kubernetes cluster '{cluster}' was not found.")
        installed = self._store.list(EXTENSIONS, f"{cluster}/providers/Microsoft.KubernetesConfiguration/extensions")
        if EXTENSION_TYPE not in [one.body["properties"]["extensionType"].lower() for one in installed]:
            raise BadRequest(
                "UserError",
                f"The cluster '{cluster.rsplit('/', 1)[-1]}' does not have the extension Microsoft.AzureML.Kubernetes. "
                "Install it before the cluster is attached.",
            )

    def patch(self, call: Call) -> Reply:
        with self._store.write() as change:
            found = require(change, KIND, self._id(call))
            patch = call.json()
            if "scaleSettings" in (patch.get("properties") or {}):
                patch = {"properties": {"properties": patch["properties"]}}
            document = change.put(KIND, found.id, merge(found.body, patch))
        return Reply.json(envelope(document, TYPE))

    def delete(self, call: Call) -> Reply:
        self._require(call)
        self._store.delete(KIND, self._id(call))
        return Reply(200)

    def list_nodes(self, call: Call) -> Reply:
        """No nodes are allocated between jobs, and a job's node is this machine."""
        self._require(call)
        return Reply.json({"nodes": []})

    def start(self, call: Call) -> Reply:
        return self._switch(call, "Running")

    def stop(self, call: Call) -> Reply:
        return self._switch(call, "Stopped")

    def _switch(self, call: Call, state: str) -> Reply:
        """Start and stop answer 202 with Location; the SDK refuses 200 (azure-machine-learning.md, g 5)."""
        found = self._require(call)
        if found.body["properties"]["computeType"] != "ComputeInstance":
            raise BadRequest("UserError", f"Compute '{found.name}' is not a compute instance.")
        operation = self._context.ids.guid()
        with self._store.write() as change:
            change.put(KIND, found.id, merge(found.body, {"properties": {"properties": {"state": state}}}))
            begin_operation(self._store, operation, found.id)
            finish_operation(self._store, operation)
        url = result_url(call.base, call.params["subscription"], NAMESPACE, found.body["location"], operation)
        return Reply(202, headers=accepted(url))

    def _id(self, call: Call) -> str:
        return child_id(call.params, "computes", call.params["compute"])

    def _require(self, call: Call) -> Document:
        require_workspace(self._store, call.params)
        return require(self._store, KIND, self._id(call))


def _aml_compute(given: dict[str, Any]) -> dict[str, Any]:
    usual = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    scale = {**usual, **(given.get("scaleSettings") or {})}
    if int(scale["minNodeCount"]) > int(scale["maxNodeCount"]):
        raise BadRequest("UserError", "minNodeCount must not exceed maxNodeCount.")
    counts = {"idleNodeCount": 0, "runningNodeCount": 0, "preparingNodeCount": 0, "leavingNodeCount": 0}
    return {
        "vmPriority": "Dedicated",
        "osType": "Linux",
        "remoteLoginPortPublicAccess": "Disabled",
        "enableNodePublicIp": True,
        **given,
        "scaleSettings": scale,
        "currentNodeCount": 0,
        "targetNodeCount": 0,
        "nodeStateCounts": counts,
        "allocationState": "Steady",
        "errors": None,
    }


def _compute_instance(given: dict[str, Any]) -> dict[str, Any]:
    return {"applicationSharingPolicy": "Shared", **given, "state": "Running", "errors": []}


def _kubernetes(given: dict[str, Any]) -> dict[str, Any]:
    return {"namespace": "default", "instanceTypes": {}, **given}


FILL: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "AmlCompute": _aml_compute,
    "ComputeInstance": _compute_instance,
    "Kubernetes": _kubernetes,
}
