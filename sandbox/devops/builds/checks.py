"""Approvals and checks as they are configured on a resource (3.7). They guard stages that use the resource."""

from collections.abc import Mapping
from typing import Any

from sandbox.devops.builds.problems import CHECKS, check_missing
from sandbox.devops.context import (
    Context,
    address,
    collection,
    identity,
    next_number,
    read_list,
    require_project,
    wire_time,
)
from sandbox.devops.endpoints import ENDPOINTS
from sandbox.devops.environments import ENVIRONMENTS
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import invalid, not_here
from sandbox.devops.repositories import project_of
from sandbox.devops.variablegroups import GROUPS
from sandbox.store import Document
from sandbox.wire import Call, Reply

CONFIGURATIONS = "devops/checks"
APPROVAL = "8c6f20a7-a545-4486-9777-f762fafe0d4d"
TASK_CHECK = "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7"
EXCLUSIVE_LOCK = "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563"
TYPES = {APPROVAL: "Approval", TASK_CHECK: "Task Check", EXCLUSIVE_LOCK: "ExclusiveLock"}
BRANCH_CONTROL = "evaluatebranchprotection"
THIRTY_DAYS = 43_200
RESOURCES = ("environment", "endpoint", "variablegroup")


class Checks:
    """The check configurations of a project."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def actions(self) -> list[Action]:
        row = location("PipelinesChecks", "configurations")
        return [
            Action("pipelines_checks_list", "GET", row, self.list),
            Action("pipelines_checks_create", "POST", row, self.create),
            Action("pipelines_checks_get", "GET", row, self.get, one=True),
            Action("pipelines_checks_update", "PATCH", row, self.update, one=True),
            Action("pipelines_checks_delete", "DELETE", row, self.delete, one=True),
            Action("pipelines_checks_query", "POST", location("PipelinesChecks", "queryconfigurations"), self.query),
        ]

    def of_resource(self, project: Document, kind: str, resource_id: str) -> list[Document]:
        """In the order they were made; those that are switched off are left out."""
        return [one for one in self._on(project, kind, resource_id) if not one.body["isDisabled"]]

    def _on(self, project: Document, kind: str, resource_id: str) -> list[Document]:
        wanted = (kind.lower(), resource_id.lower())
        listed = self._store.list(CONFIGURATIONS, f"{project.id}/checks")
        return [one for one in listed if (one.body["resource"]["type"], one.body["resource"]["id"].lower()) == wanted]

    def list(self, call: Call) -> Reply:
        project = require_project(self._store, call)
        kind, resource_id = call.option("resourceType"), call.option("resourceId")
        if not kind or not resource_id:
            raise invalid("resourceType and resourceId name the resource whose checks are listed.", CHECKS)
        return collection(self.wire(call, one) for one in self._on(project, kind, resource_id))

    def query(self, call: Call) -> Reply:
        """The checks of many resources."""
        project = require_project(self._store, call)
        pairs = [(str(row.get("type") or ""), str(row.get("id") or "")) for row in read_list(call)]
        return collection(self.wire(call, one) for kind, wanted in pairs for one in self._on(project, kind, wanted))

    def get(self, call: Call) -> Reply:
        return Reply.json(self.wire(call, self._require(call)))

    def create(self, call: Call) -> Reply:
        project, body, person = require_project(self._store, call), call.json(), self._context.person(call)
        resource = self._resource(project, body.get("resource") or {})
        fields = {**_given(body), "resource": resource, "createdBy": person, "modifiedBy": person}
        parent = f"{project.id}/checks"
        with self._store.write() as change:
            number = next_number(change, project.id.split("/")[2], "checks")
            made = change.put(CONFIGURATIONS, f"{parent}/{number}", {"id": number, **fields}, parent)
        return Reply.json(self.wire(call, made))

    def update(self, call: Call) -> Reply:
        body, person = call.json(), self._context.person(call)
        with self._store.write() as change:
            found = self._require(call)
            stored = {**found.body, "type": {"id": found.body["type"]}}
            fields = _given({**stored, **body})
            document = change.put(CONFIGURATIONS, found.id, {**found.body, **fields, "modifiedBy": person})
        return Reply.json(self.wire(call, document))

    def delete(self, call: Call) -> Reply:
        self._store.delete(CONFIGURATIONS, self._require(call).id)
        return Reply(204)

    def _require(self, call: Call) -> Document:
        project, number = require_project(self._store, call), call.params["id"]
        found = self._store.get(CONFIGURATIONS, f"{project.id}/checks/{number}")
        if found is None:
            raise check_missing(number)
        return found

    def _resource(self, project: Document, given: Mapping[str, Any]) -> dict[str, str]:
        """Type, id and name of an existing resource. Raises BadRequest."""
        kind, wanted = str(given.get("type") or "").lower(), str(given.get("id") or "")
        organization = "/".join(project.id.split("/")[:3])
        places = {
            "environment": (ENVIRONMENTS, f"{project.id}/environments/{wanted}"),
            "endpoint": (ENDPOINTS, f"{organization}/endpoints/{wanted}"),
            "variablegroup": (GROUPS, f"{organization}/variable-groups/{wanted}"),
        }
        if kind not in places:
            raise invalid(f"A check guards a resource of type {', '.join(RESOURCES)}; this is '{kind}'.", CHECKS)
        found = self._store.get(*places[kind])
        if found is None:
            raise invalid(f"There is no {kind} with the id '{wanted}' in this project.", CHECKS)
        return {"type": kind, "id": wanted, "name": str(found.body["name"])}

    def wire(self, call: Call, document: Document) -> dict[str, Any]:
        body, project = document.body, project_of(self._store, document)
        url = address(call, "pipelines", "checks", "configurations", str(body["id"]), project=project.body["id"])
        settings = {"settings": _shown(call, body)} if "settings" in call.option("$expand").lower() else {}
        if call.method != "GET":
            settings = {"settings": _shown(call, body)}
        return {
            **settings,
            "createdBy": identity(call, body["createdBy"]),
            "createdOn": wire_time(document.created),
            "modifiedBy": identity(call, body["modifiedBy"]),
            "modifiedOn": wire_time(document.changed),
            "timeout": body["timeout"],
            "isDisabled": body["isDisabled"],
            "_links": {"self": {"href": url}},
            "id": body["id"],
            "type": {"id": body["type"], "name": TYPES[body["type"]]},
            "url": url,
            "resource": body["resource"],
        }


def is_branch_control(configuration: Document) -> bool:
    settings = configuration.body["settings"]
    name = str((settings.get("definitionRef") or {}).get("name") or "")
    return bool(configuration.body["type"] == TASK_CHECK and name.lower() == BRANCH_CONTROL)


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a body as they are stored. Raises BadRequest, and 501 for a check that is not implemented."""
    given = body.get("type") or {}
    kind = str(given.get("id") or "").lower()
    if not kind:
        kind = next((key for key, name in TYPES.items() if name.lower() == str(given.get("name")).lower()), "")
    settings = dict(body.get("settings") or {})
    name = str((settings.get("definitionRef") or {}).get("name") or "").lower()
    if kind not in TYPES or (kind == TASK_CHECK and name != BRANCH_CONTROL):
        raise not_here(
            "The sandbox implements the checks Approval, ExclusiveLock and branch control (a Task Check whose "
            f"definitionRef is evaluatebranchProtection); this is '{given.get('name') or kind}' {name}".rstrip()
            + "."
        )
    if kind == APPROVAL and not settings.get("approvers"):
        raise invalid("An approval names at least one approver in settings.approvers.", CHECKS)
    timeout = body.get("timeout")
    if timeout is not None and (not isinstance(timeout, int) or timeout < 1):
        raise invalid(f"timeout is a whole number of minutes; this is {timeout!r}.", CHECKS)
    return {
        "type": kind,
        "settings": settings,
        "timeout": timeout or THIRTY_DAYS,
        "isDisabled": bool(body.get("isDisabled")),
    }


def _shown(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(body["settings"])
    if body["type"] == APPROVAL:
        settings = {
            "executionOrder": "anyOrder",
            "instructions": "",
            "blockedApprovers": [],
            "minRequiredApprovers": 0,
            "requesterCannotBeApprover": False,
            **settings,
        }
    return settings
