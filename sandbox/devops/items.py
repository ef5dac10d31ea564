"""Files and folders of a version, and git's own objects. The Accept header decides what a file looks like (3.2)."""

import mimetypes
from typing import Any

from sandbox.devops import history
from sandbox.devops.commits import item_address
from sandbox.devops.context import Context, collection, flag_option
from sandbox.devops.enumerations import RECURSION, name_of
from sandbox.devops.front import Action
from sandbox.devops.git import GitFailed
from sandbox.devops.locations import location
from sandbox.devops.problems import item_missing, object_missing
from sandbox.devops.pushes import check_object_id, commit_wire, repository_address
from sandbox.devops.repositories import Repositories
from sandbox.store import Document
from sandbox.wire import Call, Reply

UTF8 = 65001
BINARY = -1
BYTES = "application/octet-stream"
ZIP = "application/zip"
TEXT = "text/plain; charset=utf-8"
FORMATS = {"json": "json", "zip": "zip", "text": "text", "octetstream": "bytes"}


class Items:
    """What lies at a path, as bytes, as text, as JSON or as a zip."""

    def __init__(self, context: Context, repositories: Repositories) -> None:
        self._git = context.git
        self._repositories = repositories

    def actions(self) -> list[Action]:
        row = location("git", "items")
        blobs, trees = location("git", "blobs"), location("git", "trees")
        return [
            Action("git_items_list", "GET", row, self.get),
            Action("git_items_get", "GET", row, self.get, one=True),
            Action("git_blobs_get", "GET", blobs, self.blob, one=True),
            Action("git_trees_get", "GET", trees, self.tree, one=True),
        ]

    def get(self, call: Call) -> Reply:
        document = self._repositories.require(call)
        version = history.asked(call, "versionDescriptor.", document.body["defaultBranch"] or "")
        folder = self._repositories.folder(document)
        if not version.name:
            path = call.params.get("path") or call.option("path") or call.option("scopePath") or "/"
            raise item_missing(f"/{path.strip('/')}", document.body["name"], "Branch: none", "none")
        commit = history.resolve(self._git, folder, version, document.body["name"])
        return _Item(self, call, document, version, commit).reply()

    def blob(self, call: Call) -> Reply:
        document = self._repositories.require(call)
        sha = check_object_id(call.params["sha1"])
        data = self.read(document, sha)
        if _format(call, "json") == "json":
            url = repository_address(call, document, "blobs", sha)
            return Reply.json({"objectId": sha, "size": len(data), "url": url, "_links": {"self": {"href": url}}})
        return Reply(200, data, {"content-type": BYTES})

    def read(self, document: Document, sha: str) -> bytes:
        """Raises NotFound in the service's words."""
        try:
            return history.content(self._git, self._repositories.folder(document), sha)
        except GitFailed as error:
            raise object_missing(sha, document.body["name"]) from error

    def tree(self, call: Call) -> Reply:
        document = self._repositories.require(call)
        sha = check_object_id(call.params["sha1"])
        folder = self._repositories.folder(document)
        found = history.tree(self._git, folder, sha, "/", flag_option(call, "recursive"))
        if not found and sha != history.EMPTY_TREE:
            raise object_missing(sha, document.body["name"])
        url = repository_address(call, document, "trees", sha)
        entries = [_tree_entry(call, document, one) for one in found]
        return Reply.json(
            {
                "objectId": sha,
                "url": url,
                "treeEntries": entries,
                "size": sum(one.size for one in found),
                "_links": {"self": {"href": url}},
            }
        )

    def list_beneath(self, document: Document, commit: str, path: str, recursive: bool) -> Any:
        return history.tree(self._git, self._repositories.folder(document), commit, path, recursive)

    def require_entry(self, document: Document, commit: str, path: str, version: history.Version) -> history.Entry:
        folder = self._repositories.folder(document)
        return history.require_entry(self._git, folder, commit, path, document.body["name"], version)

    def archive(self, document: Document, commit: str, path: str) -> bytes:
        """A zip of a folder or a file, named from the folder that holds it."""
        inner = path.strip("/")
        return self._git.run(
            self._repositories.folder(document), "archive", "--format=zip", commit, *([inner] if inner else [])
        )

    def last_change(self, call: Call, document: Document, commit: str, path: str) -> dict[str, Any]:
        folder = self._repositories.folder(document)
        found = history.commits(self._git, folder, [commit], "--max-count=1", paths=[path.strip("/") or "."])
        return {"latestProcessedChange": commit_wire(call, document, found[0])} if found else {}


class _Item:
    """One request for an item."""

    def __init__(self, items: Items, call: Call, document: Document, version: history.Version, commit: str) -> None:
        self._items = items
        self._call = call
        self._document = document
        self._version = version
        self._commit = commit
        self._path = call.params.get("path") or call.option("path")

    def reply(self) -> Reply:
        scope = self._call.option("scopePath")
        level = name_of(self._call.option("recursionLevel", "none"), RECURSION)
        if scope or level != "none" or not self._path:
            return self._many(scope or self._path or "/", level)
        entry = self._items.require_entry(self._document, self._commit, self._path, self._version)
        form = _format(self._call, "bytes" if entry.kind == "blob" else "json")
        if form == "zip":
            data = self._items.archive(self._document, self._commit, entry.path)
            return Reply(200, data, {"content-type": ZIP})
        if form == "json" or entry.kind != "blob":
            return Reply.json(self._wire(entry, flag_option(self._call, "includeContentMetadata", True)))
        return self._file(entry, form)

    def _file(self, entry: history.Entry, form: str) -> Reply:
        name = entry.path.rsplit("/", 1)[-1]
        download = {"content-disposition": f'attachment; filename="{name}"'}
        headers = {"content-type": TEXT if form == "text" else BYTES}
        wanted = flag_option(self._call, "download")
        return Reply(200, self._items.read(self._document, entry.id), headers | (download if wanted else {}))

    def _many(self, scope: str, level: str) -> Reply:
        """The scope itself and what is beneath it: all of it, or one level."""
        top = self._items.require_entry(self._document, self._commit, scope, self._version)
        if _format(self._call, "json") == "zip":
            data = self._items.archive(self._document, self._commit, scope)
            return Reply(200, data, {"content-type": ZIP})
        found = [top]
        if top.kind == "tree" and (level != "none" or not self._path):
            found += self._items.list_beneath(self._document, self._commit, scope, level == "full")
        metadata = flag_option(self._call, "includeContentMetadata")
        return collection(self._wire(one, metadata) for one in found)

    def _wire(self, entry: history.Entry, metadata: bool) -> dict[str, Any]:
        """The JSON of an item; the content where asked for."""
        wire: dict[str, Any] = {
            "objectId": entry.id,
            "gitObjectType": entry.kind,
            "commitId": self._commit,
            "path": entry.path,
        }
        if entry.kind == "tree":
            wire["isFolder"] = True
        wants_content = flag_option(self._call, "includeContent") and entry.kind == "blob"
        data = (
            self._items.read(self._document, entry.id) if wants_content or (metadata and entry.kind == "blob") else b""
        )
        if metadata:
            wire["contentMetadata"] = _metadata(entry, data)
        if wants_content:
            wire["content"] = data.decode("utf-8", "replace")
        if flag_option(self._call, "latestProcessedChange"):
            wire |= self._items.last_change(self._call, self._document, self._commit, entry.path)
        return {**wire, "url": item_address(self._call, self._document, entry.path, self._commit)}


def _metadata(entry: history.Entry, data: bytes) -> dict[str, Any]:
    name = entry.path.rsplit("/", 1)[-1]
    if entry.kind == "tree":
        return {"fileName": name}
    guessed = mimetypes.guess_type(name)[0]
    if b"\0" in data:
        return {"encoding": BINARY, "isBinary": True, "contentType": guessed or BYTES, "fileName": name}
    return {"encoding": UTF8, "contentType": guessed or "text/plain", "fileName": name}


def _format(call: Call, default: str) -> str:
    """`$format` goes before Accept; `*/*` leaves the default."""
    asked = call.option("$format").lower()
    if asked in FORMATS:
        return FORMATS[asked]
    accept = call.headers.get("accept", "").lower()
    for mark, form in (("application/json", "json"), (ZIP, "zip"), ("text/plain", "text"), (BYTES, "bytes")):
        if mark in accept:
            return form
    return default


def _tree_entry(call: Call, document: Document, entry: history.Entry) -> dict[str, Any]:
    kind = "trees" if entry.kind == "tree" else "blobs"
    return {
        "objectId": entry.id,
        "relativePath": entry.path.lstrip("/"),
        "mode": entry.mode,
        "gitObjectType": entry.kind,
        "url": repository_address(call, document, kind, entry.id),
        "size": entry.size,
    }
