"""Versioned assets: data, environments, codes, components and models share one life.

A container holds versions; its `nextVersion` is what azure-ai-ml registers under (b.5), so that two registrations
of one name become versions 1 and 2. What an asset points at never changes; tags, description and archiving do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import BadRequest
from sandbox.machinelearning.context import WORKSPACE, Context, child_id, kind_of, properties_of, require_workspace
from sandbox.store import Document, Documents, Transaction
from sandbox.store.resources import envelope, require
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

Prepare = Callable[[Transaction, str, dict[str, Any]], dict[str, Any]]


def _unprepared(change: Transaction, workspace: str, properties: dict[str, Any]) -> dict[str, Any]:
    return properties


@dataclass(frozen=True)
class AssetKind:
    """One kind of asset: its path segment, what must not change, and what the service fills in on a write."""

    segment: str
    immutable: tuple[str, ...] = ()
    prepare: Prepare = field(default=_unprepared)

    @property
    def container_kind(self) -> str:
        return kind_of(self.segment)

    @property
    def version_kind(self) -> str:
        return kind_of(self.segment, "versions")

    @property
    def type_name(self) -> str:
        return f"Microsoft.MachineLearningServices/workspaces/{self.segment}"


class Assets:
    """The operations of one kind of asset."""

    def __init__(self, context: Context, kind: AssetKind) -> None:
        self._context = context
        self._store = context.store
        self._kind = kind

    def operations(self) -> list[Operation]:
        kind = self._kind.segment
        collection = f"{WORKSPACE}/{kind}"
        container, version = collection + "/{name}", collection + "/{name}/versions/{version}"
        rows = [
            (f"{kind}_list", "GET", collection, self.list_containers),
            (f"{kind}_get_container", "GET", container, self.get_container),
            (f"{kind}_update_container", "PUT", container, self.put_container),
            (f"{kind}_delete_container", "DELETE", container, self.delete_container),
            (f"{kind}_list_versions", "GET", container + "/versions", self.list_versions),
            (f"{kind}_get_version", "GET", version, self.get_version),
            (f"{kind}_create_or_update_version", "PUT", version, self.put_version),
            (f"{kind}_delete_version", "DELETE", version, self.delete_version),
        ]
        return [Operation(*row) for row in rows]

    # Containers

    def list_containers(self, call: Call) -> Reply:
        require_workspace(self._store, call.params)
        found = self._store.list(self._kind.container_kind, child_id(call.params, self._kind.segment))
        return page(call, [self._container_answer(one) for one in _shown(call, reversed(found))])

    def get_container(self, call: Call) -> Reply:
        require_workspace(self._store, call.params)
        return Reply.json(
            self._container_answer(require(self._store, self._kind.container_kind, self._container(call)))
        )

    def put_container(self, call: Call) -> Reply:
        """Archive and restore come this way (azure-machine-learning.md, g 2)."""
        given = properties_of(call.json())
        with self._store.write() as change:
            require_workspace(change, call.params)
            found = change.get(self._kind.container_kind, self._container(call))
            kept = found.body["properties"] if found else {"nextVersion": "1", "latestVersion": None}
            versions = {name: kept.get(name) for name in ("latestVersion", "nextVersion")}
            document = self._write_container(change, call, {**kept, **given, **versions})
        return Reply.json(self._container_answer(document), 200 if found else 201)

    def delete_container(self, call: Call) -> Reply:
        with self._store.write() as change:
            change.delete_beneath(self._container(call))
            gone = change.delete(self._kind.container_kind, self._container(call))
        return Reply(200 if gone else 204)

    # Versions

    def list_versions(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        if call.option("hash"):
            found = self._with_hash(workspace.id, call.option("hash"))
        else:
            found = self._store.list(self._kind.version_kind, self._container(call) + "/versions")
        return page(call, [self._version_answer(one) for one in _shown(call, reversed(found))])

    def _with_hash(self, workspace: str, wanted: str) -> Documents:
        """By content, whatever the name: the SDK makes a new name each time and looks for the hash (contract g 4)."""
        prefix = f"{workspace}/{self._kind.segment}/".lower()
        return [
            one
            for one in self._store.list(self._kind.version_kind)
            if one.key.startswith(prefix) and one.body["properties"]["properties"].get("hash_sha256") == wanted
        ]

    def get_version(self, call: Call) -> Reply:
        require_workspace(self._store, call.params)
        return Reply.json(self._version_answer(require(self._store, self._kind.version_kind, self._version(call))))

    def put_version(self, call: Call) -> Reply:
        name, version = call.params["name"], call.params["version"]
        with self._store.write() as change:
            workspace = require_workspace(change, call.params)
            is_new = change.get(self._kind.version_kind, self._version(call)) is None
            document = register_version(change, self._kind, workspace.id, name, version, properties_of(call.json()))
        return Reply.json(self._version_answer(document), 201 if is_new else 200)

    def delete_version(self, call: Call) -> Reply:
        return Reply(200 if self._store.delete(self._kind.version_kind, self._version(call)) else 204)

    def _write_container(self, change: Transaction, call: Call, properties: dict[str, Any]) -> Document:
        collection = child_id(call.params, self._kind.segment)
        return change.put(self._kind.container_kind, self._container(call), {"properties": properties}, collection)

    def _container(self, call: Call) -> str:
        return child_id(call.params, self._kind.segment, call.params["name"])

    def _version(self, call: Call) -> str:
        return f"{self._container(call)}/versions/{call.params['version']}"

    def _container_answer(self, document: Document) -> dict[str, Any]:
        return envelope(document, self._kind.type_name)

    def _version_answer(self, document: Document) -> dict[str, Any]:
        return envelope(document, f"{self._kind.type_name}/versions")


def register_version(
    change: Transaction, kind: AssetKind, workspace: str, name: str, version: str | None, given: dict[str, Any]
) -> Document:
    """Create a version, or change the words and tags of one. No `version` means the next one.

    Raises BadRequest where what the version points at would change.
    """
    container = f"{workspace}/{kind.segment}/{name}"
    held = change.get(kind.container_kind, container)
    number = version or str(held.body["properties"]["nextVersion"] if held else "1")
    resource = f"{container}/versions/{number}"
    found = change.get(kind.version_kind, resource)
    properties = kind.prepare(change, workspace, _filled(given))
    if found:
        _refuse_change(kind, found, properties)
    fields = {"properties": {**(found.body["properties"] if found else {}), **properties}}
    document = change.put(kind.version_kind, resource, fields, f"{container}/versions")
    if found is None:
        _count_version(change, kind, workspace, name, number)
    return document


def _refuse_change(kind: AssetKind, found: Document, given: Mapping[str, Any]) -> None:
    for field_name in kind.immutable:
        if field_name in given and given[field_name] != found.body["properties"].get(field_name):
            name = found.id.split("/")[-3]
            raise BadRequest(
                "UserError",
                f"The {kind.segment} asset '{name}:{found.name}' exists, and its {field_name} cannot be changed. "
                "Register a new version.",
            )


def _count_version(change: Transaction, kind: AssetKind, workspace: str, name: str, version: str) -> None:
    """Keep `latestVersion` and `nextVersion`: the SDK registers under the latter (b.5)."""
    container = f"{workspace}/{kind.segment}/{name}"
    found = change.get(kind.container_kind, container)
    blank: dict[str, Any] = {"isArchived": False, "tags": {}, "properties": {}}
    properties = dict(found.body["properties"]) if found else blank
    following = int(properties.get("nextVersion") or 1)
    if version.isdigit():
        following = max(following, int(version) + 1)
    counted = {**properties, "latestVersion": version, "nextVersion": str(following)}
    change.put(kind.container_kind, container, {"properties": counted}, f"{workspace}/{kind.segment}")


def _filled(given: dict[str, Any]) -> dict[str, Any]:
    """What the service gives back where a client sent nothing."""
    defaults: dict[str, Any] = {"description": None, "isAnonymous": False, "isArchived": False}
    filled = {**defaults, **given}
    for name in ("tags", "properties"):
        filled[name] = filled.get(name) or {}
    return filled | {"provisioningState": "Succeeded"}


def _shown(call: Call, newest_first: Any) -> list[Document]:
    """`listViewType` hides what is archived; anonymous assets are listed by name only."""
    view = call.option("listViewType", "ActiveOnly")
    documents: list[Document] = list(newest_first)
    if view == "ActiveOnly":
        return [one for one in documents if not one.body["properties"].get("isArchived")]
    if view == "ArchivedOnly":
        return [one for one in documents if one.body["properties"].get("isArchived")]
    return documents
