"""Build definitions, the richer view of pipelines: which YAML of which repository, and whether it may run (3.6)."""

import fnmatch
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.devops.builds.enumerations import DEFINITION_ORDER, QUEUE_STATUS
from sandbox.devops.builds.problems import (
    BUILD,
    definition_exists,
    definition_missing,
    stale_definition,
)
from sandbox.devops.capacity import find_queue, queue_wire
from sandbox.devops.context import (
    Context,
    View,
    address,
    collection,
    flag_option,
    identity,
    next_number,
    page,
    project_reference,
    require_project,
    web_address,
    wire_time,
)
from sandbox.devops.enumerations import name_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import invalid, not_here
from sandbox.devops.repositories import Repositories, project_of
from sandbox.store import Document
from sandbox.wire import Call, Reply

DEFINITIONS = "devops/definitions"
YAML = 2
DESIGNER = 1
FROM_YAML = {
    "branchFilters": [],
    "pathFilters": [],
    "settingsSourceType": 2,
    "batchChanges": False,
    "maxConcurrentBuildsPerBranch": 1,
    "triggerType": "continuousIntegration",
}
POOL = "Azure Pipelines"
LatestBuilds = Callable[[Call, Document], dict[str, Any]]


class Definitions:
    """The definitions of a project. `check` raises BadRequest for a definition whose YAML cannot be loaded."""

    def __init__(self, context: Context, repositories: Repositories) -> None:
        self._context = context
        self._store = context.store
        self._repositories = repositories
        self.check: Callable[[Document], None] = _unchecked
        self.latest: LatestBuilds = _no_builds
        self.forget: Callable[[Document], None] = _unchecked
        self.retained: Callable[[Document], None] = _unchecked
        self.changed: Callable[[Document], None] = _unchecked

    def actions(self) -> list[Action]:
        row = location("Build", "Definitions")
        return [
            Action("build_definitions_list", "GET", row, self.list),
            Action("build_definitions_create", "POST", row, self.create),
            Action("build_definitions_get", "GET", row, self.get, one=True),
            Action("build_definitions_update", "PUT", row, self.update, one=True),
            Action("build_definitions_delete", "DELETE", row, self.delete, one=True),
        ]

    # Finding

    def of_project(self, project: Document) -> list[Document]:
        found = self._store.list(DEFINITIONS, f"{project.id}/definitions")
        return sorted(found, key=lambda one: int(one.body["id"]))

    def find(self, project: Document, number: int | str) -> Document | None:
        return self._store.get(DEFINITIONS, f"{project.id}/definitions/{number}")

    def require(self, call: Call, name: str = "definitionId") -> Document:
        number = call.params[name]
        found = self.find(require_project(self._store, call), number)
        if found is None or "/" in number:
            raise definition_missing(number)
        return found

    def repository(self, definition: Document) -> Document:
        """Raises NotFound in the words of the definition where the repository was deleted."""
        found = self._repositories.by_id(definition.body["repository"])
        if found is None:
            raise definition_missing(definition.body["id"])
        return found

    # Calls

    def list(self, call: Call) -> Reply:
        """By `name` (with wildcards), `path`, `yamlFilename`, `repositoryId`, `definitionIds`, `processType`."""
        project = require_project(self._store, call)
        found = [one for one in self.of_project(project) if _wanted(call, one)]
        order = name_of(call.option("queryOrder"), DEFINITION_ORDER)
        if "name" in order:
            found.sort(key=lambda one: str(one.body["name"]).lower())
        if order.endswith("descending"):
            found.reverse()
        rows, headers = page(call, found, 10_000)
        whole = flag_option(call, "includeAllProperties")
        return collection((self.wire(call, one, whole) for one in rows), headers)

    def get(self, call: Call) -> Reply:
        return Reply.json(self.wire(call, self.require(call), True))

    def create(self, call: Call) -> Reply:
        project, body = require_project(self._store, call), call.json()
        fields = self._given(call, project, body)
        return Reply.json(self.wire(call, self.make(project, fields, self._context.person(call)), True))

    def make(self, project: Document, fields: Mapping[str, Any], person: dict[str, str]) -> Document:
        """A new definition. Raises Conflict for its name and BadRequest for a YAML that cannot be loaded."""
        parent = f"{project.id}/definitions"
        body = {
            "id": 0,
            "revision": 1,
            "queueStatus": "enabled",
            "variables": {},
            "triggers": [dict(FROM_YAML)],
            "tags": [],
            **fields,
            "authoredBy": person,
        }
        self.check(self._unsaved(f"{parent}/0", body))
        with self._store.write() as change:
            self._check_free(change, project, fields, 0)
            number = next_number(change, project.id.split("/")[2], "definitions")
            return change.put(DEFINITIONS, f"{parent}/{number}", {**body, "id": number}, parent)

    def _unsaved(self, key: str, body: dict[str, Any]) -> Document:
        """A definition as it would be, to be looked at before anything is written: git runs outside of the write."""
        now = self._context.clock.timestamp()
        return Document(DEFINITIONS, key.lower(), key, "", key.rsplit("/", 1)[-1], body, now, now)

    def update(self, call: Call) -> Reply:
        """The whole definition again, on top of the revision that the body names."""
        body, project, found = call.json(), require_project(self._store, call), self.require(call)
        fields = self._given(call, project, {**_defaults(found), **body}, found.body["variables"])
        self.check(self._unsaved(found.id, {**found.body, **fields}))
        with self._store.write() as change:
            found = self.require(call)
            stored = int(found.body["revision"])
            if int(body.get("revision") or 0) != stored:
                raise stale_definition(int(body.get("revision") or 0), stored)
            self._check_free(change, project, fields, int(found.body["id"]))
            document = change.put(DEFINITIONS, found.id, {**found.body, **fields, "revision": stored + 1})
        self.changed(document)
        return Reply.json(self.wire(call, document, True))

    def delete(self, call: Call) -> Reply:
        """A definition goes with its builds. Raises Conflict while one of them is kept."""
        found = self.require(call)
        self.retained(found)
        self.forget(found)
        with self._store.write() as change:
            change.delete_beneath(found.id)
            change.delete(DEFINITIONS, found.id)
        return Reply(204)

    def _given(
        self, call: Call, project: Document, body: Mapping[str, Any], before: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The fields of a body as they are stored. Raises BadRequest."""
        process = body.get("process") or {}
        if int(process.get("type") or YAML) == DESIGNER:
            raise not_here("The sandbox runs YAML pipelines; one made in the classic editor is not implemented.")
        path = str(process.get("yamlFilename") or "")
        if not path:
            raise invalid("A YAML definition names its file in process.yamlFilename.", BUILD)
        given = body.get("repository") or {}
        repository = self.find_repository(call, project, str(given.get("id") or given.get("name") or ""))
        queue = str((body.get("queue") or {}).get("name") or POOL)
        state = name_of(body.get("queueStatus") or "enabled", QUEUE_STATUS)
        if state not in QUEUE_STATUS:
            raise invalid(f"queueStatus is {', '.join(QUEUE_STATUS)}; this is '{body['queueStatus']}'.", BUILD)
        return {
            "name": str(body.get("name") or repository.body["name"]),
            "folder": folder_path(str(body.get("path") or "")),
            "yaml": yaml_path(path),
            "repository": repository.body["id"],
            "defaultBranch": _branch(str(given.get("defaultBranch") or "")),
            "queue": queue if find_queue(self._store, project, queue) else POOL,
            "queueStatus": state,
            "variables": _variables(body.get("variables") or {}, before or {}),
            "triggers": _triggers(body.get("triggers")),
            "tags": [str(one) for one in body.get("tags") or []],
        }

    def find_repository(self, call: Call, project: Document, wanted: str) -> Document:
        """A repository by GUID, or by name in this project. Raises BadRequest."""
        listed = self._store.list("devops/repositories", f"{project.id}/repositories")
        for one in listed:
            if wanted.lower() in (one.body["id"], one.body["name"].lower()):
                return one
        found = self._repositories.by_id(wanted) if wanted else None
        if found is None or found.id.split("/")[2] != project.id.split("/")[2]:
            names = ", ".join(one.body["name"] for one in listed) or "none"
            raise invalid(
                f"The definition's repository '{wanted}' was not found. Repositories of this project: {names}.", BUILD
            )
        return found

    def _check_free(self, view: View, project: Document, fields: Mapping[str, Any], own: int) -> None:
        wanted = (fields["name"].lower(), fields["folder"].lower())
        for one in view.list(DEFINITIONS, f"{project.id}/definitions"):
            if (one.body["name"].lower(), one.body["folder"].lower()) == wanted and one.body["id"] != own:
                raise definition_exists(fields["name"], fields["folder"])

    # On the wire

    def reference(self, call: Call, document: Document) -> dict[str, Any]:
        """What a build shows of its definition."""
        body, project = document.body, project_of(self._store, document)
        number = str(body["id"])
        return {
            "drafts": [],
            "id": body["id"],
            "name": body["name"],
            "url": address(call, "build", "Definitions", number, project=project.body["id"])
            + f"?revision={body['revision']}",
            "uri": f"vstfs:///Build/Definition/{number}",
            "path": body["folder"],
            "type": "build",
            "queueStatus": body["queueStatus"],
            "revision": body["revision"],
            "project": project_reference(call, project),
        }

    def wire(self, call: Call, document: Document, whole: bool) -> dict[str, Any]:
        body, project = document.body, project_of(self._store, document)
        queue = queue_reference(self._store, project, body["queue"])
        shown = {
            "_links": self._links(call, document, project),
            "quality": "definition",
            "authoredBy": identity(call, body["authoredBy"]),
            **self.reference(call, document),
            "createdDate": wire_time(document.created),
            **({"queue": queue} if queue else {}),
            **(self.latest(call, document) if flag_option(call, "includeLatestBuilds") else {}),
        }
        return {**shown, **self._properties(call, document, project)} if whole else shown

    def _links(self, call: Call, document: Document, project: Document) -> dict[str, Any]:
        number, guid = str(document.body["id"]), project.body["id"]
        return {
            "self": {"href": address(call, "build", "Definitions", number, project=guid)},
            "web": {"href": web_address(call, guid, "_build", "definition") + f"?definitionId={number}"},
            "editor": {"href": web_address(call, guid, "_build", "designer") + f"?id={number}"},
            "badge": {"href": address(call, "build", "status", number, project=guid)},
        }

    def _properties(self, call: Call, document: Document, project: Document) -> dict[str, Any]:
        body = document.body
        return {
            "process": {"yamlFilename": body["yaml"], "type": YAML},
            "repository": self.repository_wire(call, document, True),
            "triggers": body["triggers"],
            "variables": {name: _shown(one) for name, one in body["variables"].items()},
            "properties": {},
            "tags": body["tags"],
            "options": [],
            "jobAuthorizationScope": "project",
            "jobTimeoutInMinutes": 60,
            "jobCancelTimeoutInMinutes": 5,
        }

    def repository_wire(self, call: Call, document: Document, whole: bool) -> dict[str, Any]:
        """The repository as definitions and builds show it."""
        found = self._repositories.by_id(document.body["repository"])
        shown: dict[str, Any] = {"id": document.body["repository"], "type": "TfsGit"}
        if found:
            where = project_of(self._store, found).body["name"]
            shown |= {"name": found.body["name"], "url": web_address(call, where, "_git", found.body["name"])}
        if whole:
            branch = document.body["defaultBranch"] or (found.body["defaultBranch"] if found else None)
            shown |= {"defaultBranch": branch or "refs/heads/main", "properties": {}}
        return {**shown, "clean": None, "checkoutSubmodules": False}


def queue_reference(view: View, project: Document, name: str) -> dict[str, Any] | None:
    """The queue as definitions and builds show it."""
    queue = find_queue(view, project, name)
    if queue is None:
        return None
    shown = queue_wire(queue, project)
    pool = {key: shown["pool"][key] for key in ("id", "name", "isHosted")}
    return {"id": shown["id"], "name": shown["name"], "pool": pool}


def yaml_path(text: str) -> str:
    """With a leading slash, as it is stored (azure-devops.md, 10.7)."""
    return "/" + text.replace("\\", "/").removeprefix("./").lstrip("/")


def folder_path(text: str) -> str:
    return "\\" + text.replace("/", "\\").strip("\\")


def _branch(name: str) -> str:
    return name if not name or name.startswith("refs/") else f"refs/heads/{name}"


def _defaults(document: Document) -> dict[str, Any]:
    """The stored definition as a body, under what an update gives."""
    body = document.body
    return {
        "name": body["name"],
        "path": body["folder"],
        "process": {"type": YAML, "yamlFilename": body["yaml"]},
        "repository": {"id": body["repository"], "defaultBranch": body["defaultBranch"]},
        "queue": {"name": body["queue"]},
        "queueStatus": body["queueStatus"],
        "triggers": body["triggers"],
        "tags": body["tags"],
    }


def _variables(given: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """A secret that comes without a value keeps it."""
    found = {}
    for name, one in given.items():
        fields = one or {}
        secret, value = bool(fields.get("isSecret")), fields.get("value")
        if secret and value is None:
            value = (before.get(name) or {}).get("value")
        found[name] = {
            "value": "" if value is None else str(value),
            "isSecret": secret,
            "allowOverride": bool(fields.get("allowOverride")),
        }
    return found


def _shown(variable: Mapping[str, Any]) -> dict[str, Any]:
    """Flags that are off are left out; a secret's value never comes out."""
    flags = {name: True for name in ("isSecret", "allowOverride") if variable.get(name)}
    return {"value": None if variable.get("isSecret") else variable["value"], **flags}


def _triggers(given: Any) -> list[dict[str, Any]]:
    """Without triggers in the body the YAML's count; an empty list means that pushes start nothing."""
    if given is None:
        return [dict(FROM_YAML)]
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise invalid("triggers is a list of triggers.", BUILD)
    kept = [{**FROM_YAML, **one} for one in given if one.get("triggerType") in ("continuousIntegration", 2, None)]
    if len(kept) != len(given):
        raise not_here("The sandbox honours triggers of type continuousIntegration in a definition; this has others.")
    return [{**one, "triggerType": "continuousIntegration"} for one in kept]


def _wanted(call: Call, document: Document) -> bool:
    body = document.body
    name, path = call.option("name").lower(), call.option("path")
    ids = [one for one in call.option("definitionIds").split(",") if one]
    yaml, process = call.option("yamlFilename"), call.option("processType")
    repository = call.option("repositoryId").lower()
    return (
        (not name or fnmatch.fnmatchcase(body["name"].lower(), name))
        and (not path or folder_path(path).lower() == body["folder"].lower())
        and (not ids or str(body["id"]) in ids)
        and (not yaml or yaml_path(yaml) == body["yaml"])
        and (not process or process == str(YAML))
        and (not repository or repository == body["repository"])
    )


def _unchecked(document: Document) -> None:
    """Nothing to check or forget while no queue is wired."""


def _no_builds(call: Call, document: Document) -> dict[str, Any]:
    return {}
