"""Builds as they are stored, found and shown. A build's id is its run's id; ids are counted in the organisation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.devops.builds.problems import build_missing
from sandbox.devops.context import PROJECTS, Context, View, project_collection, require_project
from sandbox.devops.repositories import project_of
from sandbox.store import Document
from sandbox.wire import Call

BUILDS = "devops/builds"
LIVE = ("notStarted", "inProgress", "cancelling", "postponed")
SERVICE = {
    "displayName": "Microsoft.VisualStudio.Services.TFS",
    "id": "00000002-0000-8888-8000-000000000000",
    "uniqueName": "00000002-0000-8888-8000-000000000000@2c895908-04e0-4952-89fd-54b0046d6288",
}
"""Who asks for runs that nobody asked for: the service's own identity (azure-devops.md, 3.6)."""


class BuildRecords:
    """The stored builds of every project, and the folder of each."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def of_project(self, project: Document) -> list[Document]:
        """Oldest first."""
        found = self._store.list(BUILDS, f"{project.id}/builds")
        return sorted(found, key=lambda one: int(one.body["id"]))

    def of_definition(self, definition: Document) -> list[Document]:
        project = project_of(self._store, definition)
        return [one for one in self.of_project(project) if one.body["definition"] == definition.body["id"]]

    def unfinished(self) -> list[Document]:
        return [one for one in self._store.list(BUILDS) if one.body["status"] in LIVE]

    def require(self, call: Call, name: str = "buildId") -> Document:
        """The build that a call names. Raises NotFound."""
        project, number = require_project(self._store, call), call.params[name]
        found = self._store.get(BUILDS, f"{project.id}/builds/{number}")
        if found is None or "/" in number:
            raise build_missing(number)
        return found

    def fresh(self, build: Document) -> Document:
        """The build as it is stored now. Raises NotFound where it was deleted."""
        found = self._store.get(BUILDS, build.id)
        if found is None:
            raise build_missing(build.body["id"])
        return found

    def create(self, view: View, project: Document, number: int, body: Mapping[str, Any]) -> Document:
        parent = f"{project.id}/builds"
        with self._store.write() as change:
            return change.put(BUILDS, f"{parent}/{number}", {"id": number, **body}, parent)

    def update(self, build: Document, **fields: Any) -> Document:
        """Change some fields; whatever others changed meanwhile stays. A deleted build stays deleted."""
        with self._store.write() as change:
            found = change.get(BUILDS, build.id)
            if found is None:
                return build
            return change.put(BUILDS, found.id, {**found.body, "lastChangedDate": self._context.now(), **fields})

    def add_tags(self, build: Document, tags: list[str]) -> Document:
        with self._store.write():
            known = self.fresh(build).body["tags"]
            added = [one for one in dict.fromkeys(tags) if one.lower() not in {old.lower() for old in known}]
            return self.update(build, tags=[*known, *added])

    def folder(self, build: Document) -> Path:
        """Where the logs, artifacts and attachments of a build lie."""
        organization, project = build.id.split("/")[2], build.id.split("/")[4]
        return self._context.folder / "builds" / organization / project / str(build.body["id"])

    def project_of(self, build: Document) -> Document:
        return project_of(self._store, build)


def find_project_by_id(view: View, organization_key: str, guid: str) -> Document | None:
    """A project by the GUID that pushes carry."""
    return view.get(PROJECTS, f"{organization_key}/projects/{guid}")


def list_projects(view: View, organization: Document) -> list[Document]:
    return view.list(PROJECTS, project_collection(organization))
