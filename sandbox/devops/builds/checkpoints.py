"""What a stage waits for before it starts: permission for its resources, their checks, a person, capacity.

Each wait is a record of the timeline beneath the stage's checkpoint (3.6, 5.3). A run waits in a thread of its own
that looks again whenever the bell rings, and a few times a second for what does not ring: clocks and switches.
"""

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sandbox.devops.builds.approvals import Approvals
from sandbox.devops.builds.checks import APPROVAL, EXCLUSIVE_LOCK, Checks, is_branch_control
from sandbox.devops.builds.locks import Claim, Locks, Turn
from sandbox.devops.builds.preparing import hosted_names
from sandbox.devops.builds.recording import Identifiers
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.builds.resources import Resource, Resources
from sandbox.devops.builds.signal import Bell
from sandbox.devops.builds.timeline import Timeline, Timelines
from sandbox.devops.context import Context
from sandbox.devops.permissions import Permissions
from sandbox.pipelines.events import JobReference
from sandbox.pipelines.model import DEFAULT_STAGE, Pool
from sandbox.pipelines.planning import Plan, PlannedStage
from sandbox.pipelines.running.host import Cancellation, GateAnswer
from sandbox.store import Document

LOOK_SECONDS = 0.25
PENDING = "pending"
NO_PARALLELISM = (
    "No hosted parallelism has been purchased or granted. To request a free parallelism grant, please fill out the "
    "following form https://aka.ms/azpipelines-parallelism-request"
)


@dataclass(frozen=True)
class Guards:
    """What is looked at."""

    context: Context
    builds: BuildRecords
    timelines: Timelines
    permissions: Permissions
    checks: Checks
    approvals: Approvals
    resources: Resources
    locks: Locks
    bell: Bell


@dataclass(frozen=True)
class StageOfRun:
    """A stage that wants to start. `known` are the variables of settings and queue time that may name resources."""

    build: Document
    plan: Plan
    stage: PlannedStage
    known: dict[str, str]


@dataclass(frozen=True)
class _Wait:
    """One thing to wait for: `look` gives `pending` or a result, and a sentence; `stop` is told of a cancel."""

    record: str
    look: Callable[[], tuple[str, str]]
    stop: Callable[[], None]


class Checkpoint:
    """One stage's waiting, from its first look to the answer."""

    def __init__(self, guards: Guards, asked: StageOfRun, ids: Identifiers, cancellation: Cancellation) -> None:
        self._guards = guards
        self._asked = asked
        self._ids = ids
        self._cancellation = cancellation
        self._stage = asked.stage.name
        self._timeline: Timeline = guards.timelines.of(asked.build)
        self._project = guards.builds.project_of(asked.build)
        self._root = ids.checkpoint(self._stage)
        self._orders = 0

    def wait(self) -> GateAnswer:
        """Blocks until the stage may start, must not, or the run is canceled."""
        asked, guards = self._asked, self._guards
        self._cancellation.subscribe(guards.bell.ring)
        resources = guards.resources.of_stage(self._project, asked.plan, asked.stage, asked.known)
        steps: tuple[Callable[[], tuple[str, str]], ...] = (
            partial(self._authorization, resources),
            partial(self._checks, resources),
            self._manual,
            partial(self._lock, resources),
        )
        for step in steps:
            result, sentence = step()
            if result != "succeeded":
                return self._close(result, sentence)
        refused = self._capacity()
        if refused:
            return GateAnswer(False, refused)
        return self._close("succeeded", "")

    def _close(self, result: str, sentence: str) -> GateAnswer:
        if self._timeline.get(self._root):
            self._timeline.finish(self._root, "succeeded" if result == "succeeded" else "failed")
        self._timeline.update(self._ids.stage(self._stage), currentOperation=None)
        self._guards.builds.update(self._asked.build, waiting="")
        return GateAnswer(result == "succeeded", sentence, timed_out=result == "skipped")

    def _open(self, kind: str, name: str, record: str) -> None:
        """A record of something that is waited for, beneath the checkpoint, which is made with the first."""
        now = self._guards.context.now()
        running = {
            "state": "inProgress",
            "result": None,
            "startTime": now,
            "finishTime": None,
            "attempt": self._ids.attempt(self._stage),
        }
        if self._timeline.get(self._root) is None:
            fields = {"type": "Checkpoint", "name": "Checkpoint", "identifier": "Checkpoint"}
            parent = self._ids.stage(self._stage)
            self._timeline.start(self._root, {**fields, "parentId": parent, **running})
        self._orders += 1
        own = {"type": kind, "name": name, "identifier": name, "parentId": self._root}
        self._timeline.start(record, {**own, "order": self._orders, **running})

    def _await(self, waits: Sequence[_Wait]) -> tuple[str, str]:
        """Until all have succeeded or one has not."""
        open_waits = list(waits)
        while True:
            heard = self._guards.bell.rings
            if self._cancellation.requested:
                return self._stopped(open_waits)
            sentences = []
            for one in list(open_waits):
                result, sentence = one.look()
                if result == PENDING:
                    sentences.append(sentence)
                    continue
                self._timeline.finish(one.record, result)
                open_waits.remove(one)
                if result != "succeeded":
                    self._stopped(open_waits)
                    return result, sentence
            if not open_waits:
                return "succeeded", ""
            self._say("; ".join(sentences))
            self._guards.bell.wait(heard, LOOK_SECONDS)

    def _say(self, sentence: str) -> None:
        text = f"Stage {self._stage}: {sentence}"
        if self._guards.builds.fresh(self._asked.build).body["waiting"] != text:
            self._guards.builds.update(self._asked.build, waiting=text)
            self._timeline.update(self._ids.stage(self._stage), currentOperation=sentence)

    def _stopped(self, waits: Sequence[_Wait]) -> tuple[str, str]:
        for one in waits:
            one.stop()
            self._timeline.finish(one.record, "canceled")
        return "canceled", self._cancellation.reason

    # Permission

    def _authorization(self, resources: Sequence[Resource]) -> tuple[str, str]:
        if not resources:
            return "succeeded", ""
        record = self._ids.checkpoint(self._stage, "authorization")
        self._open("Checkpoint.Authorization", "Checkpoint.Authorization", record)
        return self._await([_Wait(record, partial(self._permitted, resources), _nothing)])

    def _permitted(self, resources: Sequence[Resource]) -> tuple[str, str]:
        pipeline = int(self._asked.build.body["definition"])
        allowed = self._guards.permissions.is_authorized
        closed = [one for one in resources if not allowed(self._project, one.kind, one.id, pipeline)]
        if not closed:
            return "succeeded", ""
        names = ", ".join(f"{one.kind} {one.name}" for one in closed)
        count = f"{len(closed)} resource{'s' if len(closed) > 1 else ''}"
        return PENDING, (
            f"This pipeline needs permission to access {count} before this run can continue: {names}. "
            "Permit it on the run's page, or PATCH pipelines/pipelinePermissions."
        )

    # Checks

    def _checks(self, resources: Sequence[Resource]) -> tuple[str, str]:
        waits = []
        for resource in resources:
            for check in self._guards.checks.of_resource(self._project, resource.kind, resource.id):
                if check.body["type"] == APPROVAL:
                    waits.append(self._approval(check))
                elif is_branch_control(check):
                    waits.append(self._branch(resource, check))
        return self._await(waits)

    def _approval(self, check: Document) -> _Wait:
        record = self._ids.checkpoint(self._stage, "approval", str(check.body["id"]))
        self._open("Checkpoint.Approval", "Checkpoint.Approval", record)
        approvals = self._guards.approvals
        opened = approvals.open(self._project, record, self._asked.build, self._stage, check)

        def look() -> tuple[str, str]:
            status, sentence = approvals.status(opened)
            results = {PENDING: PENDING, "approved": "succeeded", "timedOut": "skipped"}
            return results.get(status, "failed"), f"{sentence[0].upper()}{sentence[1:]}"

        return _Wait(record, look, partial(approvals.close, opened, "canceled"))

    def _branch(self, resource: Resource, check: Document) -> _Wait:
        """The run's branch is among those that the check allows."""
        record = self._ids.checkpoint(self._stage, "branch", str(check.body["id"]))
        self._open("Checkpoint.TaskCheck", "Branch control", record)
        inputs = check.body["settings"].get("inputs") or {}
        allowed = [one.strip() for one in str(inputs.get("allowedBranches") or "*").split(",") if one.strip()]
        branch = self._asked.build.body["sourceBranch"]
        passes = any(fnmatch.fnmatchcase(branch, pattern) for pattern in allowed)
        sentence = (
            f"Branch control on {resource.kind} {resource.name}: the run is of {branch}, allowed are "
            f"{', '.join(allowed)}."
        )
        return _Wait(record, lambda: ("succeeded" if passes else "failed", sentence), _nothing)

    def _lock(self, resources: Sequence[Resource]) -> tuple[str, str]:
        """Exclusive locks come last, so that nobody holds one while a person is asked."""
        waits = []
        for resource in resources:
            for check in self._guards.checks.of_resource(self._project, resource.kind, resource.id):
                if check.body["type"] == EXCLUSIVE_LOCK:
                    record = self._ids.checkpoint(self._stage, "lock", str(check.body["id"]))
                    self._open("Checkpoint.ExclusiveLock", "Exclusive lock", record)
                    waits.append(_Wait(record, partial(self._turn, resource), _nothing))
        return self._await(waits)

    def _turn(self, resource: Resource) -> tuple[str, str]:
        build, stage = self._asked.build, self._asked.stage.stage
        behaviour = stage.lock_behavior or self._asked.plan.pipeline.lock_behavior or "runLatest"
        claim = Claim(int(build.body["id"]), self._stage, build.key)
        key = f"{self._project.key}/{resource.kind}/{resource.id}"
        turn = self._guards.locks.claim(key, claim, behaviour)
        if turn == Turn.SUPERSEDED:
            return "skipped", f"A later run took the exclusive lock on {resource.kind} {resource.name}."
        sentence = f"waiting for the exclusive lock on {resource.kind} {resource.name}, which another run holds"
        return ("succeeded", "") if turn == Turn.MINE else (PENDING, sentence)

    # A person, and capacity

    def _manual(self) -> tuple[str, str]:
        """A stage with `trigger: manual` waits until somebody runs it."""
        if self._asked.stage.stage.trigger != "manual":
            return "succeeded", ""
        record = self._ids.checkpoint(self._stage, "manual")
        self._open("Checkpoint.ManualTrigger", "Manual trigger", record)

        def look() -> tuple[str, str]:
            started = self._guards.builds.fresh(self._asked.build).body["startedStages"]
            if self._stage in started:
                return "succeeded", ""
            return PENDING, "its trigger is manual: PATCH the build's stage with state run"

        return self._await([_Wait(record, look, _nothing)])

    def _capacity(self) -> str:
        """Why no hosted agent comes; then the first such job fails with it, without a worker (5.6)."""
        if self._guards.context.switchboard.get().hosted_parallelism:
            return ""
        hosted = [job for job in self._asked.stage.jobs if _is_hosted(job.pool)]
        for job in hosted:
            self._fail_job(job.name, job.job.display_name or job.name)
        return NO_PARALLELISM if hosted else ""

    def _fail_job(self, name: str, shown: str) -> None:
        record, phase = self._ids.job(JobReference(self._stage, name)), self._ids.phase(self._stage, name)
        identifier = f"{name}.__default" if self._stage == DEFAULT_STAGE else f"{self._stage}.{name}.__default"
        fields = {"type": "Job", "name": shown, "identifier": identifier, "parentId": phase}
        self._timeline.start(record, {**fields, "attempt": self._ids.attempt(self._stage)})
        self._timeline.add_issue(record, "error", f"##[error]{NO_PARALLELISM}")
        self._timeline.finish(record, "failed")
        self._timeline.finish(phase, "failed")


def _is_hosted(pool: Pool | None) -> bool:
    """A job without a pool goes to the hosted one; a server job needs no agent."""
    if pool is None:
        return True
    return not pool.server and (not pool.name or pool.name.lower() in hosted_names())


def _nothing() -> None:
    """There is nothing to take back."""
