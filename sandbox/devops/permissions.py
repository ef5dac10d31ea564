"""Which pipelines may use a resource: the Permit button (3.4).

Queues and a pipeline's own repository are open from the beginning; service connections, environments and variable
groups are closed until somebody permits them (azure-devops.md, 10.1).
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.devops.capacity import QUEUES
from sandbox.devops.context import Context, identity, organization_id, read_list, require_project
from sandbox.devops.endpoints import ENDPOINTS
from sandbox.devops.environments import ENVIRONMENTS
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import invalid, missing
from sandbox.devops.repositories import REPOSITORIES
from sandbox.devops.variablegroups import GROUPS
from sandbox.store import Document
from sandbox.wire import Call, Reply

PERMISSIONS = "devops/pipeline-permissions"
OPEN = ("queue", "repository")
NAMESPACE = "Microsoft.Azure.Pipelines.Authorization.WebApi"


class Permissions:
    """The permissions of a project's resources."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._find: Mapping[str, Callable[[Document, str], bool]] = {
            "endpoint": lambda project, guid: self._shared(ENDPOINTS, "endpoints", "references", project, guid),
            "variablegroup": lambda project, number: self._shared(
                GROUPS, "variable-groups", "projects", project, number
            ),
            "environment": lambda project, number: self._in_project(ENVIRONMENTS, "environments", project, number),
            "queue": lambda project, number: self._in_project(QUEUES, "queues", project, number),
            "repository": lambda project, pair: self._in_project(
                REPOSITORIES, "repositories", project, pair.rpartition(".")[2]
            ),
        }

    def actions(self) -> list[Action]:
        row = location("pipelinePermissions", "pipelinePermissions")
        return [
            Action("pipeline_permissions_get", "GET", row, self.get, one=True),
            Action("pipeline_permissions_update", "PATCH", row, self.update, one=True),
            Action("pipeline_permissions_update_many", "PATCH", row, self.update_many),
        ]

    def _shared(self, kind: str, folder: str, key: str, project: Document, wanted: str) -> bool:
        found = self._store.get(kind, f"{organization_id(project.id.split('/')[2])}/{folder}/{wanted}")
        return bool(found and project.body["id"] in found.body[key])

    def _in_project(self, kind: str, folder: str, project: Document, wanted: str) -> bool:
        return self._store.get(kind, f"{project.id}/{folder}/{wanted}") is not None

    def is_authorized(self, project: Document, kind: str, resource_id: str, pipeline_id: int) -> bool:
        """Whether a pipeline may use a resource without being asked about it."""
        stored = self._stored(project, kind, resource_id)
        return bool(stored["all"]) or any(one["id"] == pipeline_id for one in stored["pipelines"])

    def authorize(self, project: Document, kind: str, resource_id: str, pipeline_id: int, by: dict[str, str]) -> None:
        """Permit one pipeline."""
        self._merge(project, kind, resource_id, {"pipelines": [{"id": pipeline_id, "authorized": True}]}, by)

    def _stored(self, project: Document, kind: str, resource_id: str) -> dict[str, Any]:
        found = self._store.get(PERMISSIONS, _key(project, kind, resource_id))
        if found:
            return found.body
        is_open = kind in OPEN and not self._context.switchboard.get().closed_resources
        return {"all": {"by": None, "on": None} if is_open else None, "pipelines": []}

    def get(self, call: Call) -> Reply:
        project = require_project(self._store, call)
        kind, resource_id = self._resource(project, call.params["resourceType"], call.params["resourceId"])
        return Reply.json(self._wire(call, project, kind, resource_id))

    def update(self, call: Call) -> Reply:
        """Pipelines that the body does not name stay as they are."""
        project = require_project(self._store, call)
        kind, resource_id = self._resource(project, call.params["resourceType"], call.params["resourceId"])
        self._merge(project, kind, resource_id, call.json(), self._context.person(call))
        return Reply.json(self._wire(call, project, kind, resource_id))

    def update_many(self, call: Call) -> Reply:
        project, person = require_project(self._store, call), self._context.person(call)
        answers = []
        with self._store.write():
            for row in read_list(call):
                given = row.get("resource") or {}
                kind, resource_id = self._resource(project, str(given.get("type")), str(given.get("id")))
                self._merge(project, kind, resource_id, row, person)
                answers.append(self._wire(call, project, kind, resource_id))
        return Reply.json({"count": len(answers), "value": answers})

    def _resource(self, project: Document, kind: str, resource_id: str) -> tuple[str, str]:
        """Raises BadRequest for an unknown type and NotFound for a resource that there is not."""
        kind = kind.lower()
        if kind not in self._find:
            raise invalid(f"A resource's type is {', '.join(self._find)}; this is '{kind}'.", NAMESPACE)
        if not self._find[kind](project, resource_id):
            raise missing("Resource", f"There is no {kind} with the id {resource_id} in this project.", NAMESPACE)
        return kind, resource_id.lower()

    def _merge(
        self, project: Document, kind: str, resource_id: str, body: Mapping[str, Any], person: dict[str, str]
    ) -> None:
        with self._store.write() as change:
            stored = self._stored(project, kind, resource_id)
            stamp = {"by": person, "on": self._context.now()}
            everyone = stored["all"]
            if body.get("allPipelines"):
                everyone = stamp if body["allPipelines"].get("authorized") else None
            pipelines = {one["id"]: one for one in stored["pipelines"]}
            for row in body.get("pipelines") or []:
                number = int(row["id"])
                if row.get("authorized"):
                    pipelines.setdefault(number, {"id": number, **stamp})
                else:
                    pipelines.pop(number, None)
            fields = {"all": everyone, "pipelines": list(pipelines.values())}
            change.put(PERMISSIONS, _key(project, kind, resource_id), fields)

    def _wire(self, call: Call, project: Document, kind: str, resource_id: str) -> dict[str, Any]:
        """`allPipelines` is absent while the resource is closed (3.4)."""
        stored = self._stored(project, kind, resource_id)
        everyone = {"allPipelines": _permission(call, stored["all"])} if stored["all"] else {}
        pipelines = [{"id": one["id"], **_permission(call, one)} for one in stored["pipelines"]]
        return {"resource": {"type": kind, "id": resource_id}, **everyone, "pipelines": pipelines}


def _permission(call: Call, stamp: Mapping[str, Any]) -> dict[str, Any]:
    if not stamp["by"]:
        return {"authorized": True}
    return {"authorized": True, "authorizedBy": identity(call, stamp["by"]), "authorizedOn": stamp["on"]}


def _key(project: Document, kind: str, resource_id: str) -> str:
    return f"{project.id}/permissions/{kind}/{resource_id}"
