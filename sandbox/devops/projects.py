"""Projects: made and deleted by operations that clients poll. A new project has a team and an empty repository."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.devops.context import (
    PROJECTS,
    Context,
    address,
    collection,
    find_project,
    flag_option,
    page,
    project_collection,
    project_reference,
    require_organization,
    require_project,
    web_address,
)
from sandbox.devops.enumerations import VISIBILITY, name_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import CORE, invalid, missing, project_exists
from sandbox.devops.processes import DEFAULT, PROCESSES
from sandbox.errors import BadRequest
from sandbox.store import Document, get_operation
from sandbox.wire import Call, Reply

UNUSABLE = re.compile(r'[\\/:*?"<>|;#$\{\},+=\[\]\x00-\x1f]|^[_.]|\.$')
LONGEST = 64
STATUSES = {"InProgress": "inProgress", "Succeeded": "succeeded", "Failed": "failed"}


class ProjectParts(Protocol):
    """Makes and removes what belongs to a project beyond its own record."""

    def create_for(self, organization: str, project: Document) -> None: ...
    def delete_for(self, project: Document) -> None: ...


@dataclass(frozen=True)
class _Wanted:
    name: str
    description: str
    visibility: str
    template: str


class Projects:
    """The projects of every organisation."""

    def __init__(self, context: Context, parts: ProjectParts) -> None:
        self._context = context
        self._store = context.store
        self._parts = parts

    def actions(self) -> list[Action]:
        row, teams = location("core", "projects"), location("core", "teams")
        return [
            Action("core_projects_list", "GET", row, self.list),
            Action("core_projects_create", "POST", row, self.create),
            Action("core_projects_get", "GET", row, self.get, one=True),
            Action("core_projects_update", "PATCH", row, self.update, one=True),
            Action("core_projects_delete", "DELETE", row, self.delete, one=True),
            Action("core_project_properties_get", "GET", location("core", "properties"), self.properties),
            Action("core_teams_list", "GET", teams, self.teams),
            Action("core_teams_get", "GET", teams, self.team, one=True),
            Action("operations_get", "GET", location("operations", "operations"), self.operation, one=True),
        ]

    def list(self, call: Call) -> Reply:
        organization = require_organization(self._store, call)
        wanted = call.option("stateFilter", "wellFormed").lower()
        listed = self._store.list(PROJECTS, project_collection(organization))
        kept = [one for one in listed if wanted == "all" or one.body["state"].lower() == wanted]
        items, headers = page(call, kept)
        return collection((project_reference(call, one) for one in items), headers)

    def get(self, call: Call) -> Reply:
        project = require_project(self._store, call, "projectId")
        return Reply.json(_wire(call, project, flag_option(call, "includeCapabilities")))

    def create(self, call: Call) -> Reply:
        wanted = _wanted(call.json())
        organization = require_organization(self._store, call)
        guid = self._context.ids.guid()
        with self._store.write() as change:
            if find_project(change, organization, wanted.name):
                raise project_exists(wanted.name)
            body = {
                "id": guid,
                "name": wanted.name,
                "description": wanted.description,
                "visibility": wanted.visibility,
                "template": wanted.template,
                "state": "createPending",
                "revision": 1,
                "team": self._context.ids.guid(),
                "lastUpdateTime": self._context.now(),
            }
            key = f"{project_collection(organization)}/{guid}"
            project = change.put(PROJECTS, key, body, project_collection(organization))
        return self._begin(call, project.id, lambda: self._finish(str(organization.body["name"]), project))

    def _finish(self, organization: str, project: Document) -> None:
        self._parts.create_for(organization, project)
        self._change(project.id, {"state": "wellFormed"})

    def _change(self, project_id: str, fields: dict[str, Any]) -> None:
        with self._store.write() as change:
            found = change.get(PROJECTS, project_id)
            if found:
                revision = int(found.body["revision"]) + 1
                body = {**found.body, **fields, "revision": revision, "lastUpdateTime": self._context.now()}
                change.put(PROJECTS, project_id, body)

    def update(self, call: Call) -> Reply:
        project, body = require_project(self._store, call, "projectId"), call.json()
        fields = {name: body[name] for name in ("name", "description", "visibility") if body.get(name) is not None}
        merged = {**project.body, **fields}
        wanted = _wanted(merged)
        fields = {**fields, "visibility": wanted.visibility}
        clash = find_project(self._store, require_organization(self._store, call), wanted.name)
        if clash and clash.id != project.id:
            raise project_exists(wanted.name)
        return self._begin(call, project.id, lambda: self._change(project.id, fields))

    def delete(self, call: Call) -> Reply:
        project = require_project(self._store, call, "projectId")
        if call.params["projectId"].lower() != project.body["id"]:
            raise invalid("A project is deleted by its id, not by its name.", CORE)
        self._change(project.id, {"state": "deleting"})
        return self._begin(call, project.id, lambda: self.remove(project))

    def remove(self, project: Document) -> None:
        """The project and all that is in it."""
        self._parts.delete_for(project)
        with self._store.write() as change:
            change.delete_beneath(project.id)
            change.delete(PROJECTS, project.id)

    def recover(self) -> None:
        """What a killed server left half-made or half-deleted is removed; its operation has failed and says so."""
        for project in self._store.list(PROJECTS):
            if project.body["state"] in ("createPending", "deleting"):
                self.remove(project)

    # Operations

    def _begin(self, call: Call, target: str, task: Callable[[], None]) -> Reply:
        """202 with the operation to poll (3.1)."""
        number = self._context.ids.guid()
        self._context.work.begin_operation(number, target, task)
        return Reply.json({"id": number, "status": "notSet", "url": address(call, "operations", number)}, 202)

    def operation(self, call: Call) -> Reply:
        number = call.params["operationId"]
        found = get_operation(self._store, number)
        beneath = require_organization(self._store, call).id.lower() + "/"
        if found is None or not found.target.lower().startswith(beneath):
            raise missing("Operation", f"VS403409: There is no operation with the id {number}.", CORE)
        url = address(call, "operations", number)
        answer = {"id": number, "status": STATUSES[found.status], "url": url, "_links": {"self": {"href": url}}}
        if found.error:
            answer |= {"resultMessage": found.error["message"], "detailedMessage": found.error["message"]}
        return Reply.json(answer)

    # Teams and properties

    def teams(self, call: Call) -> Reply:
        return collection([_team(call, require_project(self._store, call, "projectId"))])

    def team(self, call: Call) -> Reply:
        project = require_project(self._store, call, "projectId")
        team = _team(call, project)
        if call.params["teamId"].lower() not in (team["id"], team["name"].lower()):
            raise missing("Team", f"TF401349: The team '{call.params['teamId']}' does not exist.", CORE)
        return Reply.json(team)

    def properties(self, call: Call) -> Reply:
        body = require_project(self._store, call, "projectId").body
        name, _ = PROCESSES[body["template"]]
        values = {
            "System.CurrentProcessTemplateId": body["template"],
            "System.OriginalProcessTemplateId": body["template"],
            "System.Process Template": name,
            "System.SourceControlGitEnabled": "True",
            "System.SourceControlTfvcEnabled": "False",
        }
        wanted = [one for one in call.option("keys").split(",") if one]
        return collection({"name": key, "value": value} for key, value in values.items() if not wanted or key in wanted)


def _wanted(body: dict[str, Any]) -> _Wanted:
    """Raises BadRequest in the service's manner for what cannot be a project."""
    name = str(body.get("name") or "").strip()
    if not name or len(name) > LONGEST or UNUSABLE.search(name):
        raise BadRequest(
            f"{CORE}.InvalidProjectNameException",
            f"The following project name is not valid: '{name}'. A name has 1 to {LONGEST} characters, none of "
            r'\ / : * ? " < > | ; # $ { } , + = [ ], no underscore or dot at its beginning and no dot at its end.',
        )
    visibility = name_of(body.get("visibility") or "private", VISIBILITY)
    if visibility not in VISIBILITY:
        raise invalid(f"The visibility of a project is {', '.join(VISIBILITY)}; this is '{visibility}'.", CORE)
    capabilities = body.get("capabilities") or {}
    kind = (capabilities.get("versioncontrol") or {}).get("sourceControlType", "Git")
    if kind.lower() != "git":
        raise invalid(f"The sandbox keeps Git repositories only; sourceControlType is '{kind}'.", CORE)
    asked = body.get("template") or (capabilities.get("processTemplate") or {}).get("templateTypeId") or DEFAULT
    template = str(asked).lower()
    if template not in PROCESSES:
        raise invalid(f"VS402362: There is no process with the id {template}.", CORE)
    return _Wanted(name, str(body.get("description") or ""), visibility, template)


def _wire(call: Call, project: Document, capabilities: bool) -> dict[str, Any]:
    reference = project_reference(call, project)
    organization = call.params["organization"]
    links = {
        "self": {"href": reference["url"]},
        "collection": {"href": address(call, "projectCollections", organization)},
        "web": {"href": web_address(call, project.body["name"])},
    }
    team = _team(call, project)
    wire = {**reference, "_links": links, "defaultTeam": {name: team[name] for name in ("id", "name", "url")}}
    return {**wire, "capabilities": _capabilities(project.body["template"])} if capabilities else wire


def _capabilities(template: str) -> dict[str, dict[str, str]]:
    """Texts, not booleans (3.1)."""
    return {
        "processTemplate": {"templateName": PROCESSES[template][0], "templateTypeId": template},
        "versioncontrol": {"sourceControlType": "Git", "gitEnabled": "True", "tfvcEnabled": "False"},
    }


def _team(call: Call, project: Document) -> dict[str, str]:
    body = project.body
    return {
        "id": body["team"],
        "name": f"{body['name']} Team",
        "url": address(call, "projects", body["id"], "teams", body["team"]),
        "description": "The default project team.",
        "projectName": body["name"],
        "projectId": body["id"],
    }
