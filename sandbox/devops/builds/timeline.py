"""Timelines: what a run consists of and how far each part is. Records are flat and name their parents (3.6)."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.devops.builds.problems import BUILD
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.context import Context, address
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import missing
from sandbox.ids import derived_guid
from sandbox.store import Document
from sandbox.wire import Call, Reply

RECORDS = "devops/timeline-records"
MOST_ISSUES = 10
NEVER = "0001-01-01T00:00:00"
TASKS = {
    "AzureCLI": "46e4be58-730b-4389-8a2f-ea10b3e5e815",
    "Bash": "6c731c3c-3c68-459a-a5c9-bde6e6595b5b",
    "CmdLine": "d9bafed4-0b18-4f58-968d-86655b4d2ce9",
    "CopyFiles": "5bfb729a-a7c8-4a78-a7c3-8d717bb7c13c",
    "DownloadPipelineArtifact": "61f2a582-95ae-4948-b34d-a1b3c4f6a737",
    "PowerShell": "e213ff0f-5d5c-4791-802d-52ea3e7be1f1",
    "PublishBuildArtifacts": "2ff763a7-ce83-4e1f-bc89-0ae63477cebe",
    "PublishPipelineArtifact": "ecdc45f6-832d-4ad9-b52b-ee49e94659be",
    "PublishTestResults": "0b0f01ed-7dde-43ff-9cbb-e48954daf9b1",
    "UsePythonVersion": "33c63b11-352b-45a2-ba1b-54cb568a29ca",
}
"""The ids of well-known tasks; another task's id is made from its name."""

Fields = Mapping[str, Any]


class Timeline:
    """The records of one build. Any thread may write: each write reads and changes the record in one transaction."""

    def __init__(self, context: Context, build: Document) -> None:
        self._context = context
        self._store = context.store
        self._build = build.id
        self._plan = str(build.body["planId"])
        self._collection = f"{build.id}/timeline"

    def id_of(self, *path: str) -> str:
        """The id of a record: the same for the same path of this build."""
        return derived_guid("timeline", self._plan, *path)

    def start(self, record_id: str, fields: Fields) -> None:
        """Make a record, or bring one that was made pending into its new state."""
        self._put(record_id, lambda old: {**_blank(record_id), **old, **fields})

    def finish(self, record_id: str, result: str, fields: Fields | None = None) -> None:
        now = self._context.now()

        def changed(old: Fields) -> dict[str, Any]:
            return {**old, "state": "completed", "result": result, "finishTime": now, **(fields or {})}

        self._put(record_id, changed, must_exist=True)

    def update(self, record_id: str, **fields: Any) -> None:
        self._put(record_id, lambda old: {**old, **fields}, must_exist=True)

    def add_issue(self, record_id: str, kind: str, message: str, data: Mapping[str, str] | None = None) -> None:
        """Counts every issue and keeps the first ten of a kind (azure-pipelines.md, 2.8)."""

        def changed(old: Fields) -> dict[str, Any]:
            count = f"{kind}Count"
            fields = {**old, count: int(old.get(count) or 0) + 1}
            if fields[count] <= MOST_ISSUES:
                issue = {"type": kind, "category": "General", "message": message, "data": dict(data or {})}
                fields["issues"] = [*old.get("issues", []), issue]
            return fields

        self._put(record_id, changed, must_exist=True)

    def _put(self, record_id: str, changed: Callable[[Fields], dict[str, Any]], must_exist: bool = False) -> None:
        key = f"{self._collection}/{record_id}"
        with self._store.write() as change:
            found = change.get(RECORDS, key)
            if found is None and must_exist:
                return
            old: Fields = found.body if found else {}
            body = changed(old)
            body["changeId"] = int(old.get("changeId") or 0) + 1
            change.put(RECORDS, key, body, self._collection)

    def get(self, record_id: str) -> dict[str, Any] | None:
        found = self._store.get(RECORDS, f"{self._collection}/{record_id}")
        return found.body if found else None

    def records(self) -> list[dict[str, Any]]:
        return [one.body for one in self._store.list(RECORDS, self._collection)]

    def beneath(self, record_id: str) -> list[dict[str, Any]]:
        """Every record under one, without it."""
        children: dict[str | None, list[dict[str, Any]]] = {}
        for one in self.records():
            children.setdefault(one["parentId"], []).append(one)
        found, waiting = list[dict[str, Any]](), [record_id]
        while waiting:
            below = children.get(waiting.pop(), [])
            found += below
            waiting += [one["id"] for one in below]
        return found

    def delete(self, record_id: str) -> None:
        self._store.delete(RECORDS, f"{self._collection}/{record_id}")

    def finish_open(self, record_id: str, result: str, pending: str) -> None:
        """End what is still open under a record and the record itself: what runs with one result, what waits with
        another."""
        own = self.get(record_id)
        for one in [*self.beneath(record_id), *([own] if own else [])]:
            if one["state"] == "inProgress":
                self.finish(one["id"], result)
            elif one["state"] == "pending":
                self.finish(one["id"], pending)


def _blank(record_id: str) -> dict[str, Any]:
    return {
        "previousAttempts": [],
        "id": record_id,
        "parentId": None,
        "type": "Task",
        "name": "",
        "identifier": None,
        "order": 1,
        "state": "pending",
        "result": None,
        "startTime": None,
        "finishTime": None,
        "currentOperation": None,
        "percentComplete": None,
        "workerName": None,
        "errorCount": 0,
        "warningCount": 0,
        "log": None,
        "task": None,
        "attempt": 1,
        "issues": [],
    }


def task_reference(task: str) -> dict[str, str] | None:
    """`Name@2` as a record shows it: the version in three parts."""
    name, _, version = task.partition("@")
    if not name:
        return None
    guid = TASKS.get(name) or derived_guid("task", name)
    return {"id": guid, "name": name, "version": version if version.count(".") == 2 else f"{version or 1}.0.0"}


class Timelines:
    """The timeline calls."""

    def __init__(self, context: Context, builds: BuildRecords) -> None:
        self._context = context
        self._builds = builds

    def actions(self) -> list[Action]:
        row = location("build", "Timeline")
        return [
            Action("build_timeline_get", "GET", row, self.get),
            Action("build_timeline_get_by_id", "GET", row, self.get, one=True),
        ]

    def of(self, build: Document) -> Timeline:
        return Timeline(self._context, build)

    def get(self, call: Call) -> Reply:
        """All records of the run. A build that never got so far as a plan answers 204 (3.6, INF)."""
        build = self._builds.require(call)
        plan = build.body["planId"]
        wanted = call.params.get("timelineId", plan).lower()
        records = self._records(build, wanted) if wanted != plan else self.of(build).records()
        if not records and wanted != plan:
            raise missing("Timeline", f"The build {build.body['id']} has no timeline {wanted}.", BUILD)
        if not records:
            return Reply(204)
        return Reply.json(
            {
                "records": [record_wire(call, build, one) for one in records],
                "lastChangedBy": "00000002-0000-8888-8000-000000000000",
                "lastChangedOn": build.body["lastChangedDate"],
                "id": wanted,
                "changeId": sum(int(one["changeId"]) for one in records),
                "url": build_address(call, build, "Timeline", wanted),
            }
        )

    def _records(self, build: Document, timeline_id: str) -> list[dict[str, Any]]:
        """The records of an earlier attempt of a stage, which have a timeline of their own."""
        listed = self._context.store.list(RECORDS, f"{build.id}/timelines/{timeline_id}")
        return [one.body for one in listed]


def build_address(call: Call, build: Document, *segments: str) -> str:
    """An address beneath a build, by ids."""
    number = str(build.body["id"])
    return address(call, "build", "builds", number, *segments, project=build.id.split("/")[4])


def log_reference(call: Call, build: Document, log_id: int) -> dict[str, Any]:
    return {"id": log_id, "type": "Container", "url": build_address(call, build, "logs", str(log_id))}


def record_wire(call: Call, build: Document, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with explicit nulls, unlike other answers (1.7)."""
    issues = {"issues": record["issues"]} if record["issues"] else {}
    order = {"order": record["order"]} if record["order"] is not None else {}
    shown = {name: value for name, value in record.items() if name not in ("issues", "order", "log", "outputs")}
    return {
        **shown,
        **order,
        "lastModified": NEVER,
        "resultCode": None,
        "queueId": None,
        "details": None,
        "url": None,
        "log": log_reference(call, build, record["log"]) if record["log"] else None,
        **issues,
    }
