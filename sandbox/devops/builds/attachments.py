"""Files that steps attach to their run: summaries and whatever `task.addattachment` names."""

import shutil
from pathlib import Path
from typing import Any

from sandbox.devops.builds.problems import BUILD
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.builds.timeline import build_address
from sandbox.devops.context import Context, collection
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import missing
from sandbox.store import Document
from sandbox.wire import Call, FilePart, Reply

ATTACHMENTS = "devops/attachments"
BYTES = "application/octet-stream"


class Attachments:
    """The attachments of every build."""

    def __init__(self, context: Context, builds: BuildRecords) -> None:
        self._context = context
        self._store = context.store
        self._builds = builds

    def actions(self) -> list[Action]:
        return [
            Action("build_attachments_list", "GET", location("build", "attachments"), self.list, one=True),
            Action("build_attachments_get", "GET", location("build", "attachment"), self.get, one=True),
        ]

    def keep(self, build: Document, source: Path) -> Path:
        """A copy of the file beneath the build."""
        folder = self._builds.folder(build) / "attachments" / self._context.ids.guid()
        folder.mkdir(parents=True)
        return Path(shutil.copyfile(source, folder / source.name))

    def register(self, build: Document, record_id: str, kind: str, name: str, path: Path) -> None:
        """The copy belongs to this record. The same kind and name once more replaces it."""
        relative = path.relative_to(self._builds.folder(build)).as_posix()
        parent = f"{build.id}/attachments"
        body = {"record": record_id, "type": kind, "name": name, "file": relative}
        key = f"{parent}/{record_id}-{kind}-{name}".replace("\\", "-")
        self._store.put(ATTACHMENTS, key, body, parent)

    def of_build(self, build: Document, kind: str) -> list[Document]:
        listed = self._store.list(ATTACHMENTS, f"{build.id}/attachments")
        return [one for one in listed if one.body["type"].lower() == kind.lower()]

    def list(self, call: Call) -> Reply:
        build = self._builds.require(call)
        return collection(self._wire(call, build, one) for one in self.of_build(build, call.params["type"]))

    def get(self, call: Call) -> Reply:
        build, params = self._builds.require(call), call.params
        for one in self.of_build(build, params["type"]):
            if (one.body["record"], one.body["name"]) == (params["recordId"].lower(), params["name"]):
                path = self._builds.folder(build) / one.body["file"]
                return Reply(200, FilePart(path, 0, path.stat().st_size), {"content-type": BYTES})
        message = f"The build {build.body['id']} has no attachment {params['name']} of type {params['type']}."
        raise missing("Attachment", message, BUILD)

    def _wire(self, call: Call, build: Document, attachment: Document) -> dict[str, Any]:
        body = attachment.body
        parts = (build.body["planId"], body["record"], "attachments", body["type"], body["name"])
        return {"name": body["name"], "_links": {"self": {"href": build_address(call, build, *parts)}}}
