"""Variable groups: names and values shared by pipelines; a secret's value goes in and never comes out (3.8)."""

import fnmatch
from collections.abc import Mapping
from typing import Any

from sandbox.devops.context import (
    Context,
    View,
    collection,
    find_project,
    identity,
    next_number,
    organization_id,
    page,
    project_name,
    require_organization,
    require_project,
    wire_time,
)
from sandbox.devops.enumerations import GROUP_ORDER, name_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import TASK, exists, invalid, missing, not_here, project_missing
from sandbox.store import Document
from sandbox.wire import Call, Reply

GROUPS = "devops/variable-groups"
REFERENCES = "variableGroupProjectReferences"


class VariableGroups:
    """The variable groups of an organisation, each in one or more projects."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def actions(self) -> list[Action]:
        inside = location("distributedtask", "variablegroups")
        shared = location("distributedtask", "sharedvariablegroups")
        return [
            Action("distributedtask_variablegroups_list", "GET", inside, self.list),
            Action("distributedtask_variablegroups_get", "GET", inside, self.get, one=True),
            Action("distributedtask_variablegroups_create", "POST", shared, self.create),
            Action("distributedtask_variablegroups_update", "PUT", shared, self.update, one=True),
            Action("distributedtask_variablegroups_delete", "DELETE", shared, self.delete, one=True),
        ]

    def list(self, call: Call) -> Reply:
        """`groupName` takes `*`; newest first with `queryOrder=idDescending`."""
        project = require_project(self._store, call)
        pattern = call.option("groupName", "*").lower()
        listed = self._store.list(GROUPS, _collection(call.params["organization"]))
        mine = [one for one in listed if project.body["id"] in one.body["projects"]]
        found = [one for one in mine if fnmatch.fnmatchcase(one.body["name"].lower(), pattern)]
        descending = name_of(call.option("queryOrder"), GROUP_ORDER) == "iddescending"
        found.sort(key=lambda one: int(one.body["id"]), reverse=descending)
        rows, headers = page(call, found)
        return collection((self._wire(call, one, False) for one in rows), headers)

    def get(self, call: Call) -> Reply:
        project, found = require_project(self._store, call), self._require(call)
        if project.body["id"] not in found.body["projects"]:
            raise self._missing(call)
        return Reply.json(self._wire(call, found, False))

    def values(self, project: Document, name: str) -> Mapping[str, Mapping[str, Any]] | None:
        """A group's variables with their secret values, for the code that runs pipelines; None where there is none."""
        for one in self._store.list(GROUPS, _collection(project.id.split("/")[2])):
            if one.body["name"].lower() == name.lower() and project.body["id"] in one.body["projects"]:
                variables: Mapping[str, Mapping[str, Any]] = one.body["variables"]
                return variables
        return None

    def create(self, call: Call) -> Reply:
        body, person = call.json(), self._context.person(call)
        organization = str(require_organization(self._store, call).body["name"])
        with self._store.write() as change:
            projects = self._projects(change, call, body)
            self._check_name(change, call, str(body.get("name") or ""), projects, 0)
            number = next_number(change, organization, "variable-groups")
            record = {
                "id": number,
                **_given(body, {}),
                "projects": projects,
                "createdBy": person,
                "modifiedBy": person,
            }
            document = change.put(GROUPS, f"{_collection(organization)}/{number}", record, _collection(organization))
        return Reply.json(self._wire(call, document, True))

    def update(self, call: Call) -> Reply:
        """The whole group again; a secret that comes without a value keeps it."""
        body, person = call.json(), self._context.person(call)
        with self._store.write() as change:
            found = self._require(call)
            projects = self._projects(change, call, body) if body.get(REFERENCES) else found.body["projects"]
            self._check_name(change, call, str(body.get("name") or ""), projects, int(found.body["id"]))
            record = {
                **found.body,
                **_given(body, found.body["variables"]),
                "projects": projects,
                "modifiedBy": person,
            }
            document = change.put(GROUPS, found.id, record)
        return Reply.json(self._wire(call, document, True))

    def delete(self, call: Call) -> Reply:
        wanted = [one for one in call.option("projectIds").split(",") if one]
        if not wanted:
            raise invalid("projectIds names the projects to delete the group from.", TASK)
        with self._store.write() as change:
            found = self._require(call)
            left = {guid: one for guid, one in found.body["projects"].items() if guid not in wanted}
            if left:
                change.put(GROUPS, found.id, {**found.body, "projects": left})
            else:
                change.delete(GROUPS, found.id)
        return Reply(204)

    def forget_project(self, project: Document) -> None:
        with self._store.write() as change:
            for one in change.list(GROUPS, _collection(project.id.split("/")[2])):
                left = {guid: row for guid, row in one.body["projects"].items() if guid != project.body["id"]}
                if not left:
                    change.delete(GROUPS, one.id)
                elif left != one.body["projects"]:
                    change.put(GROUPS, one.id, {**one.body, "projects": left})

    def _require(self, call: Call) -> Document:
        key = f"{_collection(call.params['organization'])}/{call.params['groupId']}"
        found = self._store.get(GROUPS, key)
        if found is None:
            raise self._missing(call)
        return found

    def _missing(self, call: Call) -> Exception:
        return missing("VariableGroup", f"There is no variable group with the id {call.params['groupId']}.")

    def _projects(self, view: View, call: Call, body: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        organization = require_organization(view, call)
        found: dict[str, dict[str, str]] = {}
        for row in body.get(REFERENCES) or []:
            given = row.get("projectReference") or {}
            wanted = str(given.get("id") or given.get("name") or "")
            project = find_project(view, organization, wanted) if wanted else None
            if project is None:
                raise project_missing(wanted)
            name = str(row.get("name") or body.get("name") or "")
            found[project.body["id"]] = {"name": name}
        if not found:
            raise invalid(f"{REFERENCES} names at least one project.", TASK)
        return found

    def _check_name(self, view: View, call: Call, name: str, projects: Mapping[str, Any], own: int) -> None:
        if not name:
            raise invalid("A variable group needs a name.", TASK)
        for one in view.list(GROUPS, _collection(call.params["organization"])):
            same = one.body["name"].lower() == name.lower() and projects.keys() & one.body["projects"].keys()
            if same and one.body["id"] != own:
                raise exists("VariableGroup", f"The variable group '{name}' exists in the project already.")

    def _project(self, call: Call, guid: str) -> dict[str, str]:
        return {"id": guid, "name": project_name(self._store, call.params["organization"], guid)}

    def _wire(self, call: Call, document: Document, with_projects: bool) -> dict[str, Any]:
        """Lists leave the project references null, create answers fill them (3.8)."""
        body = document.body
        rows = [
            {"projectReference": self._project(call, guid), "name": one["name"], "description": None}
            for guid, one in body["projects"].items()
        ]
        return {
            "variables": {name: _shown(one) for name, one in body["variables"].items()},
            "id": body["id"],
            "type": "Vsts",
            "name": body["name"],
            "description": body["description"],
            "createdBy": identity(call, body["createdBy"]),
            "createdOn": wire_time(document.created),
            "modifiedBy": identity(call, body["modifiedBy"]),
            "modifiedOn": wire_time(document.changed),
            "isShared": len(rows) > 1,
            REFERENCES: rows if with_projects else None,
        }


def _collection(organization: str) -> str:
    return f"{organization_id(organization)}/variable-groups"


def _given(body: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    kind = str(body.get("type") or "Vsts")
    if kind.lower() != "vsts":
        raise not_here(
            f"The sandbox keeps variable groups of type Vsts; linking one of type '{kind}' is not implemented."
        )
    variables = {name: _variable(name, given or {}, before) for name, given in (body.get("variables") or {}).items()}
    return {"name": str(body.get("name")), "description": str(body.get("description") or ""), "variables": variables}


def _variable(name: str, given: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    secret, value = bool(given.get("isSecret")), given.get("value")
    if secret and value is None:
        value = before.get(name, {}).get("value")
    stored = {"value": "" if value is None else str(value)}
    return {**stored, "isSecret": True} if secret else stored


def _shown(variable: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": None, "isSecret": True} if variable.get("isSecret") else dict(variable)
