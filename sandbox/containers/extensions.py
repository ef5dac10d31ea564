"""Cluster extensions: what is installed on a Kubernetes cluster. Azure ML's is what makes a cluster attachable.

The extension is a record: there is no cluster behind it to install on. Attaching a compute asks for it, as the
service does (packages-and-classic-track.md, section 4).
"""

from collections.abc import Callable
from typing import Any

from sandbox.containers.context import GROUP
from sandbox.errors import BadRequest
from sandbox.store import Document, Store
from sandbox.store.resources import envelope, merge, require, require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

CLUSTERS = "Microsoft.ContainerService/managedClusters"
PROVIDER = "Microsoft.KubernetesConfiguration/extensions"
KIND = f"{CLUSTERS}/providers/{PROVIDER}".lower()
COLLECTION = f"{GROUP}/providers/{CLUSTERS}/{{cluster}}/providers/{PROVIDER}"


class Extensions:
    """The extensions of managed clusters."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> list[Operation]:
        one = COLLECTION + "/{extension}"
        rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = [
            ("extensions_list", "GET", COLLECTION, self.list),
            ("extensions_create", "PUT", one, self.put),
            ("extensions_get", "GET", one, self.get),
            ("extensions_update", "PATCH", one, self.patch),
            ("extensions_delete", "DELETE", one, self.delete),
        ]
        return [Operation(*row) for row in rows]

    def list(self, call: Call) -> Reply:
        self._require_cluster(call)
        return page(call, [envelope(one, PROVIDER) for one in self._store.list(KIND, call.path)])

    def put(self, call: Call) -> Reply:
        properties = call.json().get("properties") or {}
        if not properties.get("extensionType"):
            raise BadRequest("ValidationError", "An extension needs extensionType.")
        self._require_cluster(call)
        usual = {"autoUpgradeMinorVersion": True, "releaseTrain": "Stable", "configurationSettings": {}}
        fields = {**usual, **_without_secrets(properties), "provisioningState": "Succeeded"}
        with self._store.write() as change:
            found = change.get(KIND, call.path)
            document = change.put(KIND, call.path, {"properties": fields}, call.path.rsplit("/", 1)[0])
        return Reply.json(envelope(document, PROVIDER), 200 if found else 201)

    def get(self, call: Call) -> Reply:
        return Reply.json(envelope(self._require(call), PROVIDER))

    def patch(self, call: Call) -> Reply:
        with self._store.write() as change:
            found = require(change, KIND, call.path)
            given = {"properties": _without_secrets(call.json().get("properties") or {})}
            document = change.put(KIND, found.id, merge(found.body, given))
        return Reply.json(envelope(document, PROVIDER))

    def delete(self, call: Call) -> Reply:
        self._require_cluster(call)
        return Reply(200 if self._store.delete(KIND, call.path) else 204)

    def _require(self, call: Call) -> Document:
        self._require_cluster(call)
        return require(self._store, KIND, call.path)

    def _require_cluster(self, call: Call) -> Document:
        require_group(self._store, call.params)
        return require(self._store, CLUSTERS.lower(), call.path.lower().split("/providers/microsoft.kubernetes", 1)[0])


def _without_secrets(properties: dict[str, Any]) -> dict[str, Any]:
    """Protected settings go in and never come out."""
    return {name: value for name, value in properties.items() if name != "configurationProtectedSettings"}
