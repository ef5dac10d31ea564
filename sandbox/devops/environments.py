"""Environments that deployment jobs name, beneath `distributedtask` and its alias beneath `pipelines` (3.7)."""

import fnmatch
from typing import Any

from sandbox.devops.context import (
    Context,
    View,
    collection,
    identity,
    next_number,
    page,
    require_project,
    wire_time,
)
from sandbox.devops.enumerations import ENVIRONMENT_EXPAND, name_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import TASK, exists, invalid, missing
from sandbox.devops.repositories import project_of
from sandbox.store import Document
from sandbox.wire import Call, Reply

ENVIRONMENTS = "devops/environments"
LONGEST = 256


class Environments:
    """The environments of a project; deployment records belong to the runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def actions(self) -> list[Action]:
        found = []
        for area in ("distributedtask", "environments"):
            row, prefix = (
                location(area, "environments"),
                "distributedtask" if area == "distributedtask" else "pipelines",
            )
            found += [
                Action(f"{prefix}_environments_list", "GET", row, self.list),
                Action(f"{prefix}_environments_create", "POST", row, self.create),
                Action(f"{prefix}_environments_get", "GET", row, self.get, one=True),
                Action(f"{prefix}_environments_update", "PATCH", row, self.update, one=True),
                Action(f"{prefix}_environments_delete", "DELETE", row, self.delete, one=True),
            ]
        return found

    def list(self, call: Call) -> Reply:
        project = require_project(self._store, call)
        pattern = call.option("name").lower()
        listed = self._store.list(ENVIRONMENTS, f"{project.id}/environments")
        found = [one for one in listed if not pattern or fnmatch.fnmatchcase(one.body["name"].lower(), pattern)]
        rows, headers = page(call, found)
        return collection((self._wire(call, one) for one in rows), headers)

    def get(self, call: Call) -> Reply:
        """With `expands=resourceReferences` the resources are listed; there are no machines or clusters in one here."""
        wire = self._wire(call, self._require(call))
        wanted = name_of(call.option("expands"), ENVIRONMENT_EXPAND) == "resourcereferences"
        return Reply.json({**wire, "resources": []} if wanted else wire)

    def find(self, project: Document, name: str) -> Document | None:
        """By name, whatever the case."""
        listed = self._store.list(ENVIRONMENTS, f"{project.id}/environments")
        return next((one for one in listed if one.body["name"].lower() == name.lower()), None)

    def make(self, project: Document, name: str, description: str, person: dict[str, str]) -> Document:
        """A new environment. Raises BadRequest for its name and Conflict for one that is taken."""
        _check_name(name)
        parent = f"{project.id}/environments"
        with self._store.write() as change:
            self._check_free(change, project, name, 0)
            number = next_number(change, project.id.split("/")[2], "environments")
            body = {
                "id": number,
                "name": name,
                "description": description,
                "createdBy": person,
                "lastModifiedBy": person,
            }
            return change.put(ENVIRONMENTS, f"{parent}/{number}", body, parent)

    def _check_free(self, view: View, project: Document, name: str, own: int) -> None:
        for one in view.list(ENVIRONMENTS, f"{project.id}/environments"):
            if one.body["name"].lower() == name.lower() and one.body["id"] != own:
                raise exists("Environment", f"Environment with name {name} already exists in the project.")

    def create(self, call: Call) -> Reply:
        project, body = require_project(self._store, call), call.json()
        name, description = str(body.get("name") or ""), str(body.get("description") or "")
        return Reply.json(self._wire(call, self.make(project, name, description, self._context.person(call))))

    def update(self, call: Call) -> Reply:
        body, found = call.json(), self._require(call)
        fields = {name: str(body[name]) for name in ("name", "description") if body.get(name) is not None}
        with self._store.write() as change:
            if "name" in fields:
                _check_name(fields["name"])
                self._check_free(change, project_of(change, found), fields["name"], int(found.body["id"]))
            merged = {**found.body, **fields, "lastModifiedBy": self._context.person(call)}
            document = change.put(ENVIRONMENTS, found.id, merged)
        return Reply.json(self._wire(call, document))

    def delete(self, call: Call) -> Reply:
        found = self._require(call)
        with self._store.write() as change:
            change.delete_beneath(found.id)
            change.delete(ENVIRONMENTS, found.id)
        return Reply(204)

    def _require(self, call: Call) -> Document:
        project, number = require_project(self._store, call), call.params["environmentId"]
        found = self._store.get(ENVIRONMENTS, f"{project.id}/environments/{number}")
        if found is None:
            raise missing("Environment", f"Environment with ID {number} does not exist.")
        return found

    def _wire(self, call: Call, document: Document) -> dict[str, Any]:
        body, project = document.body, project_of(self._store, document)
        return {
            "id": body["id"],
            "name": body["name"],
            "description": body["description"],
            "createdBy": identity(call, body["createdBy"]),
            "createdOn": wire_time(document.created),
            "lastModifiedBy": identity(call, body["lastModifiedBy"]),
            "lastModifiedOn": wire_time(document.changed),
            "project": {"id": project.body["id"], "name": project.body["name"]},
        }


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > LONGEST or any(one in '"/\\[]:|<>+=;?*,' for one in name):
        raise invalid(f"An environment cannot be called '{name}'.", TASK)
