"""Builds on the wire: listed with the service's filters, queued, cancelled, kept, tagged, with their changes (3.6)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.devops import history
from sandbox.devops.builds.definitions import Definitions, queue_reference
from sandbox.devops.builds.enumerations import BUILD_ORDER, REASON, RESULT, STATUS
from sandbox.devops.builds.problems import BUILD, build_wrong_state
from sandbox.devops.builds.queueing import Queueing, RunOptions
from sandbox.devops.builds.records import LIVE, SERVICE, BuildRecords
from sandbox.devops.builds.timeline import build_address
from sandbox.devops.context import (
    Context,
    collection,
    identity,
    moment_option,
    number_option,
    project_reference,
    read_list,
    require_project,
    web_address,
    without_nulls,
)
from sandbox.devops.enumerations import name_of, names_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import invalid
from sandbox.devops.pushes import repository_address
from sandbox.devops.repositories import Repositories
from sandbox.store import Document
from sandbox.wire import Call, Reply

PAGE = 1000
ORDERS = {"finishtime": "finishTime", "queuetime": "queueTime", "starttime": "startTime"}


class Builds:
    """The build calls. `cancel` and `retry` reach the runs that are under way."""

    def __init__(
        self,
        context: Context,
        definitions: Definitions,
        records: BuildRecords,
        repositories: Repositories,
        queueing: Queueing,
    ) -> None:
        self._context = context
        self._store = context.store
        self._definitions = definitions
        self._records = records
        self._repositories = repositories
        self._queueing = queueing
        definitions.latest = self.latest

    def actions(self) -> list[Action]:
        row = location("Build", "Builds")
        return [
            Action("build_builds_list", "GET", row, self.list),
            Action("build_builds_queue", "POST", row, self.queue),
            Action("build_builds_update_many", "PATCH", row, self.update_many),
            Action("build_builds_get", "GET", row, self.get, one=True),
            Action("build_builds_update", "PATCH", row, self.update, one=True),
            Action("build_builds_delete", "DELETE", row, self.delete, one=True),
            Action("build_changes_list", "GET", location("build", "changes"), self.changes),
            *self._tag_actions(),
        ]

    def _tag_actions(self) -> Sequence[Action]:
        row = location("build", "tags")
        return [
            Action("build_tags_list", "GET", row, self.tags),
            Action("build_tags_add_many", "POST", row, self.add_tags),
            Action("build_tags_add", "PUT", row, self.add_tag, one=True),
            Action("build_tags_delete", "DELETE", row, self.delete_tag, one=True),
        ]

    # Reading

    def list(self, call: Call) -> Reply:
        """Newest queued first, unless `queryOrder` says otherwise. Unknown query names are ignored (1.1)."""
        project = require_project(self._store, call)
        found = [one for one in self._records.of_project(project) if _wanted(call, one)]
        found = _ordered(call.option("queryOrder"), found)
        found = _limited(found, number_option(call, "maxBuildsPerDefinition", 0))
        start, top = number_option(call, "continuationToken", 0), number_option(call, "$top", PAGE)
        more = {"x-ms-continuationtoken": str(start + top)} if start + top < len(found) else {}
        return collection((self.wire(call, one) for one in found[start : start + top]), more)

    def get(self, call: Call) -> Reply:
        return Reply.json(self.wire(call, self._records.require(call)))

    def latest(self, call: Call, definition: Document) -> dict[str, Any]:
        """What `includeLatestBuilds` adds to a definition."""
        builds = self._records.of_definition(definition)
        completed = [one for one in builds if one.body["status"] == "completed"]
        found = {}
        if builds:
            found["latestBuild"] = self.wire(call, builds[-1])
        if completed:
            found["latestCompletedBuild"] = self.wire(call, completed[-1])
        return found

    def changes(self, call: Call) -> Reply:
        """The commits since the build before it on the same branch, newest first."""
        build = self._records.require(call)
        definition = self._definitions.find(self._records.project_of(build), build.body["definition"])
        repository = self._definitions.repository(definition) if definition else None
        if definition is None or repository is None:
            return collection([])
        before = [
            one
            for one in self._records.of_definition(definition)
            if one.body["id"] < build.body["id"] and one.body["sourceBranch"] == build.body["sourceBranch"]
        ]
        revisions = [build.body["sourceVersion"], *([f"^{before[-1].body['sourceVersion']}"] if before else [])]
        most = f"--max-count={number_option(call, '$top', 50)}"
        folder = self._repositories.folder(repository)
        found = history.commits(self._context.git, folder, revisions, most)
        return collection(_change(call, repository, one) for one in found)

    # Changing

    def queue(self, call: Call) -> Reply:
        """`definition.id`, `sourceBranch`, `sourceVersion`, `parameters` (JSON text), `templateParameters`."""
        body, project = call.json(), require_project(self._store, call)
        wanted = call.option("definitionId") or str((body.get("definition") or {}).get("id") or "")
        definition = self._definitions.find(project, wanted)
        if definition is None:
            raise invalid(f"definition.id names the pipeline to run; '{wanted}' is none of this project.", BUILD)
        given = body.get("parameters") or "{}"
        options = RunOptions(
            branch=str(body.get("sourceBranch") or ""),
            commit=str(body.get("sourceVersion") or ""),
            parameters=dict(body.get("templateParameters") or {}),
            variables={name: {"value": value} for name, value in _parameters(given).items()},
        )
        made = self._queueing.queue_by_hand(definition, options, self._context.person(call))
        return Reply.json(self.wire(call, made))

    def update(self, call: Call) -> Reply:
        """`status: cancelling` cancels, `?retry=true` runs what failed again; keeping and tags are fields."""
        build, body = self._records.require(call), call.json()
        if call.option("retry").lower() == "true":
            return Reply.json(self.wire(call, self._queueing.retry(build, None, False)))
        return Reply.json(self.wire(call, self._updated(call, build, body)))

    def update_many(self, call: Call) -> Reply:
        project = require_project(self._store, call)
        known = {one.body["id"]: one for one in self._records.of_project(project)}
        rows = [(known.get(row.get("id")), row) for row in read_list(call)]
        if any(build is None for build, _ in rows):
            raise invalid("Each build of the list names its id.", BUILD)
        return collection([self.wire(call, self._updated(call, build, row)) for build, row in rows if build])

    def _updated(self, call: Call, build: Document, body: Mapping[str, Any]) -> Document:
        if name_of(body.get("status"), STATUS) == "cancelling":
            if build.body["status"] == "completed":
                raise build_wrong_state(f"The build {build.body['id']} is completed and cannot be cancelled any more.")
            build = self._queueing.cancel(build, self._context.person(call))
        fields = {name: body[name] for name in ("keepForever", "retainedByRelease") if isinstance(body.get(name), bool)}
        if body.get("buildNumber"):
            fields["buildNumber"] = str(body["buildNumber"])
        return self._records.update(build, **fields, lastChangedBy=self._context.person(call)) if fields else build

    def delete(self, call: Call) -> Reply:
        build = self._records.require(call)
        if build.body["status"] in LIVE:
            raise build_wrong_state(f"The build {build.body['id']} is {build.body['status']}: cancel it first.")
        if build.body["keepForever"]:
            raise build_wrong_state(f"The build {build.body['id']} is kept for ever: change keepForever first.")
        self._queueing.forget(build)
        return Reply(204)

    def tags(self, call: Call) -> Reply:
        return collection(self._records.require(call).body["tags"])

    def add_tag(self, call: Call) -> Reply:
        build = self._records.require(call)
        return collection(self._records.add_tags(build, [call.params["tag"]]).body["tags"])

    def add_tags(self, call: Call) -> Reply:
        build = self._records.require(call)
        try:
            given = json.loads(call.body.read() or b"null")
        except ValueError as error:
            raise invalid(f"The body is not JSON: {error}.", BUILD) from error
        if not isinstance(given, list) or not all(isinstance(one, str) and one.strip() for one in given):
            raise invalid("The body is a list of tags.", BUILD)
        return collection(self._records.add_tags(build, given).body["tags"])

    def delete_tag(self, call: Call) -> Reply:
        build, tag = self._records.require(call), call.params["tag"].lower()
        left = [one for one in build.body["tags"] if one.lower() != tag]
        return collection(self._records.update(build, tags=left).body["tags"])

    # On the wire

    def wire(self, call: Call, build: Document) -> dict[str, Any]:
        """A build. What is not known yet is left out (1.7)."""
        body, project = build.body, self._records.project_of(build)
        definition = self._definitions.find(project, body["definition"])
        times = {name: body[name] for name in ("result", "queueTime", "startTime", "finishTime")}
        return without_nulls(
            {
                "_links": self._links(call, build, project),
                "properties": {},
                "tags": body["tags"],
                "validationResults": body["validationResults"],
                "plans": [{"planId": body["planId"]}],
                "triggerInfo": body["triggerInfo"],
                "id": body["id"],
                "buildNumber": body["buildNumber"],
                "status": body["status"],
                **times,
                "url": build_address(call, build),
                "definition": self._definitions.reference(call, definition) if definition else None,
                "buildNumberRevision": body["buildNumberRevision"],
                "project": project_reference(call, project),
                "uri": f"vstfs:///Build/Build/{body['id']}",
                "sourceBranch": body["sourceBranch"],
                "sourceVersion": body["sourceVersion"],
                "queue": queue_reference(self._store, project, body["queue"]),
                "priority": "normal",
                "reason": body["reason"],
                **self._people(call, body),
                "lastChangedDate": body["lastChangedDate"],
                "parameters": _shown_variables(body["variables"]),
                "templateParameters": body["parameters"] or None,
                "orchestrationPlan": {"planId": body["planId"]},
                "logs": {"id": 0, "type": "Container", "url": build_address(call, build, "logs")},
                "repository": self._definitions.repository_wire(call, definition, False) if definition else None,
                "keepForever": body["keepForever"],
                "retainedByRelease": body["retainedByRelease"],
                "appendCommitMessageToRunName": body["appendCommitMessage"],
            }
        ) | {"triggeredByBuild": None}

    def _people(self, call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "requestedFor": identity(call, body["requestedFor"]),
            "requestedBy": identity(call, body["requestedBy"] or SERVICE),
            "lastChangedBy": identity(call, body["lastChangedBy"] or SERVICE),
        }

    def _links(self, call: Call, build: Document, project: Document) -> dict[str, Any]:
        own, number = build_address(call, build), str(build.body["id"])
        web = web_address(call, project.body["name"], "_build", "results") + f"?buildId={number}"
        return {
            "self": {"href": own},
            "web": {"href": web},
            "sourceVersionDisplayUri": {"href": f"{own}/sources"},
            "timeline": {"href": f"{own}/Timeline"},
            "badge": {"href": f"{own.rsplit('/builds/', 1)[0]}/status/{build.body['definition']}"},
        }


def _shown_variables(variables: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Queue-time variables as the JSON text that the service shows, without the secret ones."""
    shown = {name: one["value"] for name, one in variables.items() if not one.get("isSecret")}
    return json.dumps(shown) if shown else None


def _parameters(text: Any) -> dict[str, str]:
    """The `parameters` of a queued build: a JSON object in a text. Raises BadRequest."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise invalid(f"'parameters' is a JSON object in a text: {error}.", BUILD) from error
    if not isinstance(found, dict):
        raise invalid("'parameters' is a JSON object in a text.", BUILD)
    return {name: str(value) for name, value in found.items()}


def _change(call: Call, repository: Document, commit: history.Commit) -> dict[str, Any]:
    message = commit.message.strip()
    author = {"displayName": commit.author.name, "uniqueName": commit.author.email, "id": commit.author.email}
    return {
        "id": commit.id,
        "message": commit.title,
        "messageTruncated": commit.title != message,
        "type": "TfsGit",
        "author": author,
        "timestamp": commit.author.date,
        "location": repository_address(call, repository, "commits", commit.id),
    }


def _csv(call: Call, name: str) -> list[str]:
    return [one.strip().lower() for one in call.option(name).split(",") if one.strip()]


def _wanted(call: Call, build: Document) -> bool:
    body = build.body
    definitions, ids = _csv(call, "definitions"), _csv(call, "buildIds")
    branch, since, until = call.option("branchName"), moment_option(call, "minTime"), moment_option(call, "maxTime")
    moment = body["finishTime"] or body["startTime"] or body["queueTime"]
    person = call.option("requestedFor").lower()
    tests: Sequence[Callable[[], bool]] = (
        lambda: not definitions or str(body["definition"]) in definitions,
        lambda: not ids or str(body["id"]) in ids,
        lambda: not branch or body["sourceBranch"] == (branch if "/" in branch else f"refs/heads/{branch}"),
        lambda: _among(names_of(call.option("reasonFilter"), REASON), body["reason"]),
        lambda: _among(names_of(call.option("statusFilter"), STATUS), body["status"]),
        lambda: _among(names_of(call.option("resultFilter"), RESULT), body["result"] or "none"),
        lambda: _matches(call.option("buildNumber"), body["buildNumber"]),
        lambda: set(_csv(call, "tagFilters")) <= {one.lower() for one in body["tags"]},
        lambda: not since or moment >= since,
        lambda: not until or moment <= until,
        lambda: not person or person in {value.lower() for value in body["requestedFor"].values()},
        lambda: call.option("repositoryId").lower() in ("", body["repository"]),
    )
    return all(test() for test in tests)


def _among(asked: Sequence[str], value: str) -> bool:
    return not asked or "all" in asked or value.lower() in asked


def _matches(pattern: str, number: str) -> bool:
    return number.startswith(pattern[:-1]) if pattern.endswith("*") else pattern in ("", number)


def _ordered(order: str, found: list[Document]) -> list[Document]:
    folded = name_of(order, BUILD_ORDER) or "queuetimedescending"
    key = next((name for word, name in ORDERS.items() if folded.startswith(word)), "queueTime")
    return sorted(
        found, key=lambda one: (one.body[key] or "", int(one.body["id"])), reverse=folded.endswith("descending")
    )


def _limited(found: list[Document], most: int) -> list[Document]:
    if not most:
        return found
    seen: dict[int, int] = {}
    kept = []
    for one in found:
        number = one.body["definition"]
        seen[number] = seen.get(number, 0) + 1
        kept += [one] if seen[number] <= most else []
    return kept
