"""Artifacts of builds: a folder each, downloaded as a zip that is written to disk and streamed (3.6)."""

import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sandbox.devops.builds.problems import artifact_missing
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.builds.timeline import build_address
from sandbox.devops.context import Context, collection
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import invalid
from sandbox.ids import derived_guid
from sandbox.store import Document
from sandbox.wire import Call, FilePart, Reply

ARTIFACTS = "devops/artifacts"
PIPELINE = "PipelineArtifact"
CONTAINER = "Container"
ZIP = "application/zip"
BYTES = "application/octet-stream"


class Artifacts:
    """The artifacts of every build."""

    def __init__(self, context: Context, builds: BuildRecords) -> None:
        self._context = context
        self._store = context.store
        self._builds = builds
        self._publishing = threading.Lock()
        self._scratch = context.folder / "outgoing-artifacts"
        self._scratch.mkdir(parents=True, exist_ok=True)

    def actions(self) -> list[Action]:
        row = location("build", "artifacts")
        return [
            Action("build_artifacts_list", "GET", row, self.list),
            Action("build_artifacts_get_by_name", "GET", row, self.get, one=True),
        ]

    def recover(self) -> None:
        """Answers that a killed server did not finish."""
        for leftover in self._scratch.iterdir():
            leftover.unlink(missing_ok=True)

    # Publishing

    def publish(self, build: Document, name: str, source: Path, kind: str) -> Document | None:
        """Keep a file, or what is in a folder. A container artifact takes more content in; None where a pipeline
        artifact of that name is there already."""
        with self._publishing:
            found = self.find(build, name)
            if found and (kind == PIPELINE or found.body["type"] == PIPELINE):
                return None
            number = found.body["id"] if found else self._next_number(build)
            folder = self.folder_of(build, number)
            for path, relative in _files(source):
                _place(path, folder / relative)
            folder.mkdir(parents=True, exist_ok=True)
            size = sum(path.stat().st_size for path, _ in _files(folder))
            parent = f"{build.id}/artifacts"
            body = {**(found.body if found else {}), "id": number, "name": name, "type": kind, "size": size}
            return self._store.put(ARTIFACTS, f"{parent}/{number}", {"source": None, **body}, parent)

    def set_source(self, build: Document, name: str, record_id: str) -> None:
        """The job's record that published it."""
        with self._store.write() as change:
            found = self.find(build, name)
            if found:
                change.put(ARTIFACTS, found.id, {**found.body, "source": record_id})

    def _next_number(self, build: Document) -> int:
        return max((int(one.body["id"]) for one in self.of_build(build)), default=0) + 1

    # Reading

    def folder_of(self, build: Document, number: int) -> Path:
        return self._builds.folder(build) / "artifacts" / str(number)

    def of_build(self, build: Document) -> list[Document]:
        found = self._store.list(ARTIFACTS, f"{build.id}/artifacts")
        return sorted(found, key=lambda one: int(one.body["id"]))

    def find(self, build: Document, name: str) -> Document | None:
        return next((one for one in self.of_build(build) if one.body["name"].lower() == name.lower()), None)

    def list(self, call: Call) -> Reply:
        """All, or with `artifactName` that one, as JSON or as a zip."""
        build = self._builds.require(call)
        wanted = call.option("artifactName")
        if wanted:
            return self._one(call, build, wanted)
        return collection(self.wire(call, build, one) for one in self.of_build(build))

    def get(self, call: Call) -> Reply:
        return self._one(call, self._builds.require(call), call.params["artifactName"])

    def _one(self, call: Call, build: Document, name: str) -> Reply:
        found = self.require(build, name)
        accept = call.headers.get("accept", "").lower()
        if call.option("$format").lower() == "zip" or ZIP in accept:
            return self.zip(build, found, call.option("subPath"))
        if call.option("$format").lower() == "file" or BYTES in accept:
            return self._file(build, found, call.option("subPath") or call.option("fileName"))
        return Reply.json(self.wire(call, build, found))

    def require(self, build: Document, name: str) -> Document:
        found = self.find(build, name)
        if found is None:
            raise artifact_missing(name, build.body["id"])
        return found

    def zip(self, build: Document, artifact: Document, sub_path: str = "") -> Reply:
        """The artifact's content beneath a folder named like it, as the service packs it. Nothing is compressed: on
        one machine that costs more than it saves."""
        root = self.folder_of(build, artifact.body["id"])
        within = sub_path.strip("/")
        path = self._scratch / self._context.ids.guid()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for file, relative in _files(root):
                if not within or relative.as_posix() == within or relative.as_posix().startswith(f"{within}/"):
                    archive.write(file, f"{artifact.body['name']}/{relative.as_posix()}")
        name = quote(f"{artifact.body['name']}.zip")
        headers = {"content-type": ZIP, "content-disposition": f"attachment; filename={name}"}
        return Reply(200, FilePart(path, 0, path.stat().st_size, scratch=True), headers)

    def _file(self, build: Document, artifact: Document, sub_path: str) -> Reply:
        root = self.folder_of(build, artifact.body["id"])
        for file, relative in _files(root):
            if relative.as_posix() == sub_path.strip("/"):
                headers = {"content-type": BYTES, "content-disposition": f'attachment; filename="{quote(file.name)}"'}
                return Reply(200, FilePart(file, 0, file.stat().st_size), headers)
        raise invalid(f"The artifact {artifact.body['name']} has no file '{sub_path}'.")

    def wire(self, call: Call, build: Document, artifact: Document) -> dict[str, Any]:
        body = artifact.body
        url = build_address(call, build, "artifacts") + f"?artifactName={quote(body['name'])}&api-version=7.1"
        return {
            "id": body["id"],
            "name": body["name"],
            **({"source": body["source"]} if body["source"] else {}),
            "resource": {
                "type": body["type"],
                "data": self._data(build, body),
                "properties": self._properties(build, body),
                "url": url,
                "downloadUrl": f"{url}&%24format=zip",
            },
        }

    def _data(self, build: Document, body: dict[str, Any]) -> str:
        """A container's number and folder, or the id of a pipeline artifact's content."""
        if body["type"] == CONTAINER:
            return f"#/{build.body['id']}/{body['name']}"
        return derived_guid("content", build.body["planId"], str(body["id"])).replace("-", "").upper() * 2 + "02"

    def _properties(self, build: Document, body: dict[str, Any]) -> dict[str, str]:
        if body["type"] == CONTAINER:
            return {"localpath": body["name"], "artifactsize": str(body["size"])}
        root = derived_guid("root", build.body["planId"], str(body["id"])).replace("-", "").upper()
        return {"RootId": root, "artifactsize": str(body["size"]), "HashType": "DEDUPNODEORCHUNK"}


def _files(source: Path) -> Iterator[tuple[Path, Path]]:
    """Every file with its path from the root; a single file is named by itself. Links lead to what they mean."""
    if source.is_file():
        yield source, Path(source.name)
        return
    for path in sorted(source.rglob("*")):
        if path.is_file():
            yield path, path.relative_to(source)


def _place(source: Path, target: Path) -> None:
    """A copy that later changes of the source do not reach: linking would let a step change what it published."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    shutil.copyfile(source, partial)
    partial.replace(target)
