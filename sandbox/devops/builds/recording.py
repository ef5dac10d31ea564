"""What happens in a run, written down as it happens: the build, its timeline, logs, artifacts and deployments.

A `Recorder` reads the events of one execution. The library hands it one event at a time, already masked.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.devops.builds.artifacts import Artifacts
from sandbox.devops.builds.attachments import Attachments
from sandbox.devops.builds.deployments import Deployments
from sandbox.devops.builds.logs import BuildLogs
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.builds.timeline import Timeline, Timelines, task_reference
from sandbox.devops.context import Context, wire_time
from sandbox.devops.environments import Environments
from sandbox.ids import derived_guid
from sandbox.pipelines import events
from sandbox.pipelines.events import Event, JobReference, StepReference
from sandbox.pipelines.expressions.contexts import Result
from sandbox.pipelines.planning import Plan, PlannedStage
from sandbox.store import Document

RESULTS = {
    Result.SUCCEEDED: "succeeded",
    Result.SUCCEEDED_WITH_ISSUES: "succeededWithIssues",
    Result.FAILED: "failed",
    Result.CANCELED: "canceled",
    Result.SKIPPED: "skipped",
    Result.ABANDONED: "abandoned",
}
BUILD_RESULTS = {**RESULTS, Result.SUCCEEDED_WITH_ISSUES: "partiallySucceeded", Result.SKIPPED: "succeeded"}
BAD = (Result.FAILED, Result.CANCELED, Result.ABANDONED)
WAITING: Mapping[str, Any] = {
    "state": "pending",
    "startTime": None,
    "finishTime": None,
    "issues": [],
    "errorCount": 0,
    "warningCount": 0,
}
"""A stage's record before its first attempt, and again before the next."""
DEFAULT_LEG = "__default"


@dataclass(frozen=True)
class Books:
    """Where things are written down."""

    context: Context
    builds: BuildRecords
    timelines: Timelines
    logs: BuildLogs
    artifacts: Artifacts
    attachments: Attachments
    deployments: Deployments
    environments: Environments


class Identifiers:
    """The ids of a build's records. A stage keeps its own over all attempts; what is in it has one an attempt."""

    def __init__(self, timeline: Timeline, attempts: Mapping[str, int]) -> None:
        self._timeline = timeline
        self._attempts = {name.lower(): number for name, number in attempts.items()}

    def attempt(self, stage: str) -> int:
        return self._attempts.get(stage.lower(), 1)

    def stage(self, stage: str) -> str:
        return self._timeline.id_of("stage", stage)

    def checkpoint(self, stage: str, *parts: str) -> str:
        return self._of("checkpoint", stage, *parts)

    def phase(self, stage: str, job: str) -> str:
        return self._of("phase", stage, job)

    def job(self, job: JobReference) -> str:
        return self._of("job", job.stage, job.job, job.leg, job.hook, job.increment)

    def step(self, step: StepReference) -> str:
        job = step.job
        return self._of("task", job.stage, job.job, job.leg, job.hook, job.increment, str(step.order))

    def _of(self, kind: str, stage: str, *parts: str) -> str:
        return self._timeline.id_of(kind, str(self.attempt(stage)), stage, *(one or "-" for one in parts))


class Recorder:
    """Writes down one execution of a build."""

    def __init__(self, books: Books, build: Document, plan: Plan, attempts: Mapping[str, int]) -> None:
        self._books = books
        self._build = build
        self._plan = plan
        self._timeline = books.timelines.of(build)
        self.ids = Identifiers(self._timeline, attempts)
        self._numbers = itertools.count(books.logs.next_number(build))
        self._logs: dict[int, int] = {}
        self._lines: dict[str, list[tuple[Any, int]]] = {}
        self._orders: dict[str, int] = {}
        self._deployments: dict[tuple[str, str, str], Document] = {}
        self._outputs: dict[str, dict[str, Any]] = {}
        self._loose_issues: list[tuple[str, str]] = []
        self._handlers: Mapping[type[Event], Callable[[Any], None]] = {
            events.RunStarted: self._run_started,
            events.StageStarted: self._stage_started,
            events.StageFinished: self._stage_finished,
            events.PhaseStarted: self._phase_started,
            events.PhaseFinished: self._phase_finished,
            events.JobStarted: self._job_started,
            events.JobFinished: self._job_finished,
            events.StepStarted: self._step_started,
            events.StepFinished: self._step_finished,
            events.ProgressSet: self._progress_set,
            events.IssueLogged: self._issue_logged,
            events.BuildNumberChanged: self._number_changed,
            events.TagAdded: self._tag_added,
            events.ArtifactPublished: self._artifact_published,
            events.FileAttached: self._file_attached,
            events.DeploymentStarted: self._deployment_started,
            events.DeploymentFinished: self._deployment_finished,
            events.RunFinished: self._run_finished,
        }

    def __call__(self, event: Event) -> None:
        handler = self._handlers.get(type(event))
        if handler:
            handler(event)

    def begin(self, stages: tuple[PlannedStage, ...]) -> None:
        """The records of stages and their jobs, waiting."""
        for stage in stages:
            order = 1 + next(index for index, one in enumerate(self._plan.stages) if one.name == stage.name)
            shown = stage.stage.display_name or stage.name
            fields = {"type": "Stage", "name": shown, "identifier": stage.name, "order": order, "result": None}
            attempt = self.ids.attempt(stage.name)
            self._timeline.start(self.ids.stage(stage.name), {**fields, **WAITING, "attempt": attempt})
            for index, job in enumerate(stage.jobs, 1):
                self._begin_phase(stage.name, job.name, job.job.display_name or job.name, index)

    def _begin_phase(self, stage: str, job: str, name: str, order: int) -> None:
        identifier = job if stage == DEFAULT_LEG else f"{stage}.{job}"
        fields = {"type": "Phase", "name": name, "identifier": identifier, "order": order}
        attempt = self.ids.attempt(stage)
        self._timeline.start(
            self.ids.phase(stage, job), {**fields, "parentId": self.ids.stage(stage), "attempt": attempt}
        )

    # The run

    def _run_started(self, event: events.RunStarted) -> None:
        now = wire_time(_text(event))
        fields = {"startTime": self._books.builds.fresh(self._build).body["startTime"] or now}
        self._books.builds.update(self._build, status="inProgress", buildNumber=event.build_number, **fields)

    def _run_finished(self, event: events.RunFinished) -> None:
        """The end is written by whoever ran it: what follows the last event belongs to the run as well."""
        for kind, message in self._loose_issues:
            self.add_result(kind, message)

    def add_result(self, kind: str, message: str) -> None:
        """A problem of the run as a whole: it is among the build's validation results."""
        with self._books.context.store.write():
            known = self._books.builds.fresh(self._build).body["validationResults"]
            row = {"result": kind, "message": message}
            if row not in known:
                self._books.builds.update(self._build, validationResults=[*known, row])

    def _number_changed(self, event: events.BuildNumberChanged) -> None:
        self._books.builds.update(self._build, buildNumber=event.build_number)

    def _tag_added(self, event: events.TagAdded) -> None:
        self._books.builds.add_tags(self._build, [event.tag])

    # Stages and jobs

    def _stage_started(self, event: events.StageStarted) -> None:
        self._start(self.ids.stage(event.stage), event)

    def _stage_finished(self, event: events.StageFinished) -> None:
        record = self.ids.stage(event.stage)
        if event.result in BAD and event.reason:
            self._timeline.add_issue(record, "error", event.reason)
        self._timeline.finish(record, RESULTS[event.result])
        outcome = {"result": str(event.result), "reason": event.reason, "jobs": self._outputs.pop(event.stage, {})}
        with self._books.context.store.write():
            stages = self._books.builds.fresh(self._build).body["stages"]
            self._books.builds.update(self._build, stages={**stages, event.stage: outcome})

    def _phase_started(self, event: events.PhaseStarted) -> None:
        self._start(self.ids.phase(event.stage, event.job), event)

    def _phase_finished(self, event: events.PhaseFinished) -> None:
        record = self.ids.phase(event.stage, event.job)
        if event.result in BAD and event.reason:
            self._timeline.add_issue(record, "error", event.reason)
        if (self._timeline.get(record) or {}).get("state") != "completed":  # a refused job is finished already
            self._timeline.finish(record, RESULTS[event.result])
        jobs = self._outputs.setdefault(event.stage, {})
        jobs[event.job] = {"result": str(event.result), "outputs": dict(event.outputs)}

    def _start(self, record: str, event: Event) -> None:
        self._timeline.update(record, state="inProgress", startTime=wire_time(_text(event)))

    def _job_started(self, event: events.JobStarted) -> None:
        job = event.job
        parent = self.ids.phase(job.stage, job.job)
        last = ".".join(one for one in (job.leg, job.hook, job.increment) if one) or DEFAULT_LEG
        identifier = f"{job.job}.{last}" if job.stage == DEFAULT_LEG else f"{job.stage}.{job.job}.{last}"
        fields = {"type": "Job", "name": event.display_name, "identifier": identifier, "workerName": event.agent}
        self._begin(self.ids.job(job), parent, event, fields, self.ids.attempt(job.stage))

    def _begin(self, record: str, parent: str, event: Event, fields: Mapping[str, Any], attempt: int) -> None:
        order = self._orders[parent] = self._orders.get(parent, 0) + 1
        times = {"state": "inProgress", "startTime": wire_time(_text(event))}
        self._timeline.start(record, {"parentId": parent, "order": order, "attempt": attempt, **times, **fields})

    def _job_finished(self, event: events.JobFinished) -> None:
        """A job's log is those of its steps, one after the other."""
        record = self.ids.job(event.job)
        if event.result in BAD and event.reason:
            self._timeline.add_issue(record, "error", event.reason)
            self._loose_issues = [one for one in self._loose_issues if one[1] != event.reason]
        parts = self._lines.pop(record, [])
        log: dict[str, Any] = {}
        if parts:
            number = next(self._numbers)
            self._books.logs.register(self._build, number, [path for path, _ in parts])
            self._books.logs.close(self._build, number, sum(lines for _, lines in parts))
            log = {"log": number}
        self._timeline.finish(record, RESULTS[event.result], log)

    # Steps

    def _step_started(self, event: events.StepStarted) -> None:
        number = self._logs[event.log_id] = next(self._numbers)
        self._books.logs.register(self._build, number, [event.log])
        fields = {**self._step_fields(event.step), "log": number}
        self._begin_step(event.step, event, fields)
        self._lines.setdefault(self.ids.job(event.step.job), []).append((event.log, 0))

    def _step_fields(self, step: StepReference) -> dict[str, Any]:
        identifier = f"{step.job}.{step.name}" if step.name else None
        return {
            "type": "Task",
            "name": step.display_name,
            "identifier": identifier,
            "task": task_reference(step.task),
            "order": step.order,
        }

    def _begin_step(self, step: StepReference, event: Event, fields: Mapping[str, Any]) -> None:
        parent, attempt = self.ids.job(step.job), self.ids.attempt(step.job.stage)
        self._begin(self.ids.step(step), parent, event, fields, attempt)

    def _step_finished(self, event: events.StepFinished) -> None:
        record, job = self.ids.step(event.step), self.ids.job(event.step.job)
        number = self._logs.pop(event.log_id, 0) if event.log_id else 0
        if number:
            self._books.logs.close(self._build, number, event.lines)
            self._lines[job] = _with_lines(self._lines[job], event.lines)
        if self._timeline.get(record) is None:
            self._begin_step(event.step, event, {**self._step_fields(event.step), "startTime": None})
        self._timeline.finish(record, RESULTS[event.result])

    def _progress_set(self, event: events.ProgressSet) -> None:
        operation = event.operation or None
        self._timeline.update(self.ids.step(event.step), percentComplete=event.percent, currentOperation=operation)

    def _issue_logged(self, event: events.IssueLogged) -> None:
        if event.step is None:
            self._loose_issues.append((event.kind, event.message))
            return
        self._timeline.add_issue(self.ids.step(event.step), event.kind, event.message, event.details)
        self._count(self.ids.job(event.step.job), event.kind)

    def _count(self, record: str, kind: str) -> None:
        """A job counts the issues of its steps."""
        found = self._timeline.get(record)
        if found:
            self._timeline.update(record, **{f"{kind}Count": int(found[f"{kind}Count"]) + 1})

    def _artifact_published(self, event: events.ArtifactPublished) -> None:
        self._books.artifacts.set_source(self._build, event.name, self.ids.job(event.step.job))

    def _file_attached(self, event: events.FileAttached) -> None:
        record = self.ids.step(event.step)
        self._books.attachments.register(self._build, record, event.kind, event.name, event.path)

    # Deployments

    def _deployment_started(self, event: events.DeploymentStarted) -> None:
        project = self._books.builds.project_of(self._build)
        environment = self._books.environments.find(project, event.environment)
        if environment:
            attempt = self.ids.attempt(event.stage)
            record = self._books.deployments.begin(environment, self._build, event.stage, event.job, attempt)
            self._deployments[event.stage, event.job, event.environment] = record

    def _deployment_finished(self, event: events.DeploymentFinished) -> None:
        record = self._deployments.pop((event.stage, event.job, event.environment), None)
        if record:
            self._books.deployments.finish(record, RESULTS[event.result])


def _text(event: Event) -> str:
    return event.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _with_lines(parts: list[tuple[Any, int]], lines: int) -> list[tuple[Any, int]]:
    path, _ = parts[-1]
    return [*parts[:-1], (path, lines)]


def earlier_timeline_id(plan_id: str, stage: str, attempt: int) -> str:
    """The id of the timeline that an earlier attempt of a stage was moved to."""
    return derived_guid("earlier", plan_id, stage, str(attempt))
