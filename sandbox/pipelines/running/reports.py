"""The JSON document of a run, put together from its events."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.pipelines import events
from sandbox.pipelines.events import Event, JobReference, StepReference
from sandbox.pipelines.running.logs import read_tail

VERSION = 1
MOST_LINES = 1000
Document = dict[str, Any]


class RunReport:
    """Reads events and becomes a document. Logs stay on disk; of each the document gets the last thousand lines."""

    def __init__(self, file: str) -> None:
        self._document: Document = {
            "version": VERSION,
            "file": file,
            "result": None,
            "reason": None,
            "buildId": None,
            "buildNumber": None,
            "startTime": None,
            "finishTime": None,
            "stages": [],
            "artifacts": [],
            "deployments": [],
            "testRuns": [],
            "coverage": [],
            "attachments": [],
            "variables": [],
            "issues": [],
            "tags": [],
            "notices": [],
        }
        self._stages: dict[str, Document] = {}
        self._phases: dict[tuple[str, str], Document] = {}
        self._jobs: dict[JobReference, Document] = {}
        self._steps: dict[StepReference, Document] = {}
        self._logs: dict[int, Path] = {}

    def __call__(self, event: Event) -> None:
        """Take an event in."""
        reader = READERS.get(type(event))
        if reader is not None:
            reader(self, event)

    def document(self, keep_logs: bool) -> Document:
        """The whole run. `keep_logs` says that the log files stay, and names them. Call it while they are there."""
        for step in self._steps.values():
            path = self._logs.get(step["logId"])
            step["log"] = read_tail(path, MOST_LINES) if path else []
            step["logFile"] = str(path) if path and keep_logs else None
        return self._document

    def _run_started(self, event: events.RunStarted) -> None:
        self._document |= {
            "buildId": event.run_id,
            "buildNumber": event.build_number,
            "startTime": event.at.isoformat(),
            "notices": list(event.notices),
        }
        for stage, jobs in event.graph:
            self._stage(stage)
            for job in jobs:
                self._phase(stage, job)

    def _run_finished(self, event: events.RunFinished) -> None:
        self._document |= {
            "result": str(event.result),
            "reason": event.reason or None,
            "finishTime": event.at.isoformat(),
        }

    def _stage(self, name: str) -> Document:
        if name not in self._stages:
            self._stages[name] = {
                "name": name,
                "displayName": name,
                "result": None,
                "reason": None,
                "waitedFor": [],
                "jobs": [],
            }
            self._document["stages"].append(self._stages[name])
        return self._stages[name]

    def _stage_waiting(self, event: events.StageWaiting) -> None:
        self._stage(event.stage)["waitedFor"].append({"for": event.what, "allowed": None, "reason": None})

    def _gate_answered(self, event: events.GateAnswered) -> None:
        for one in self._stage(event.stage)["waitedFor"]:
            if one["for"] == event.what:
                one |= {"allowed": event.allowed, "reason": event.reason or None}

    def _stage_started(self, event: events.StageStarted) -> None:
        self._stage(event.stage).update(
            {"displayName": event.display_name, "reason": event.condition, "startTime": event.at.isoformat()}
        )

    def _stage_finished(self, event: events.StageFinished) -> None:
        _finish(self._stage(event.stage), event)

    def _phase(self, stage: str, job: str) -> Document:
        if (stage, job) not in self._phases:
            found: Document = {
                "name": job,
                "displayName": job,
                "result": None,
                "reason": None,
                "outputs": {},
                "instances": [],
            }
            self._phases[stage, job] = found
            self._stage(stage)["jobs"].append(found)
        return self._phases[stage, job]

    def _phase_started(self, event: events.PhaseStarted) -> None:
        self._phase(event.stage, event.job).update({"displayName": event.display_name, "reason": event.condition})

    def _phase_finished(self, event: events.PhaseFinished) -> None:
        phase = self._phase(event.stage, event.job)
        phase["outputs"] = dict(event.outputs)
        _finish(phase, event)

    def _job_started(self, event: events.JobStarted) -> None:
        job = event.job
        self._jobs[job] = {
            "name": job.leg or job.hook or job.job,
            "displayName": event.display_name,
            "leg": job.leg or None,
            "hook": job.hook or None,
            "increment": job.increment or None,
            "agent": event.agent,
            "pool": event.pool or None,
            "result": None,
            "reason": None,
            "startTime": event.at.isoformat(),
            "steps": [],
        }
        self._phase(job.stage, job.job)["instances"].append(self._jobs[job])

    def _job_finished(self, event: events.JobFinished) -> None:
        _finish(self._jobs[event.job], event)

    def _step(self, step: StepReference) -> Document:
        if step not in self._steps:
            self._steps[step] = {
                "order": step.order,
                "name": step.name or None,
                "displayName": step.display_name,
                "kind": step.kind,
                "task": step.task or None,
                "result": None,
                "condition": None,
                "attempts": 1,
                "logId": 0,
                "logLines": 0,
            }
            self._jobs[step.job]["steps"].append(self._steps[step])
        return self._steps[step]

    def _step_started(self, event: events.StepStarted) -> None:
        self._step(event.step).update({"logId": event.log_id, "startTime": event.at.isoformat()})
        self._logs[event.log_id] = event.log

    def _step_finished(self, event: events.StepFinished) -> None:
        self._step(event.step).update(
            {
                "result": str(event.result),
                "condition": event.condition or None,
                "attempts": event.attempts,
                "logLines": event.lines,
                "finishTime": event.at.isoformat(),
            }
        )

    def _issue(self, event: events.IssueLogged) -> None:
        where = _where(event.step) if event.step else {"stage": None, "job": None, "step": None}
        issue = {"type": event.kind, "message": event.message, **where, "data": dict(event.details)}
        self._document["issues"].append(issue)

    def _variable(self, event: events.VariableSet) -> None:
        facts = {"name": event.name, "value": event.value, "isSecret": event.secret, "isOutput": event.output}
        self._document["variables"].append({**facts, **_where(event.step)})

    def _build_number(self, event: events.BuildNumberChanged) -> None:
        self._document["buildNumber"] = event.build_number

    def _tag(self, event: events.TagAdded) -> None:
        self._document["tags"].append(event.tag)

    def _artifact(self, event: events.ArtifactPublished) -> None:
        facts = {"name": event.name, "type": event.kind, "files": event.files, "size": event.size}
        self._document["artifacts"] = [one for one in self._document["artifacts"] if one["name"] != event.name]
        self._document["artifacts"].append({**facts, **_where(event.step)})

    def _attachment(self, event: events.FileAttached) -> None:
        self._document["attachments"].append({"type": event.kind, "name": event.name, **_where(event.step)})

    def _tests(self, event: events.TestResultsPublished) -> None:
        counts = {"total": event.total, "passed": event.passed, "failed": event.failed, "notExecuted": event.skipped}
        self._document["testRuns"].append({"title": event.title, **counts, **_where(event.step)})

    def _coverage(self, event: events.CoveragePublished) -> None:
        lines = {"linesCovered": event.lines_covered, "linesValid": event.lines_valid}
        branches = {"branchesCovered": event.branches_covered, "branchesValid": event.branches_valid}
        self._document["coverage"].append({**lines, **branches, **_where(event.step)})

    def _deployment_started(self, event: events.DeploymentStarted) -> None:
        where = {"stage": event.stage, "job": event.job, "environment": event.environment}
        facts = {"resource": event.resource or None, "strategy": event.strategy, "result": None}
        self._document["deployments"].append({**where, **facts, "startTime": event.at.isoformat()})

    def _deployment_finished(self, event: events.DeploymentFinished) -> None:
        for one in self._document["deployments"]:
            if (one["stage"], one["job"]) == (event.stage, event.job):
                _finish(one, event)


def _finish(node: Document, event: Any) -> None:
    node |= {"result": str(event.result), "finishTime": event.at.isoformat()}
    if getattr(event, "reason", ""):
        node["reason"] = event.reason


def _where(step: StepReference) -> Document:
    return {"stage": step.job.stage, "job": step.job.job, "step": step.name or step.display_name}


READERS: Mapping[type[Event], Callable[[RunReport, Any], None]] = {
    events.RunStarted: RunReport._run_started,
    events.RunFinished: RunReport._run_finished,
    events.StageWaiting: RunReport._stage_waiting,
    events.GateAnswered: RunReport._gate_answered,
    events.StageStarted: RunReport._stage_started,
    events.StageFinished: RunReport._stage_finished,
    events.PhaseStarted: RunReport._phase_started,
    events.PhaseFinished: RunReport._phase_finished,
    events.JobStarted: RunReport._job_started,
    events.JobFinished: RunReport._job_finished,
    events.StepStarted: RunReport._step_started,
    events.StepFinished: RunReport._step_finished,
    events.IssueLogged: RunReport._issue,
    events.VariableSet: RunReport._variable,
    events.BuildNumberChanged: RunReport._build_number,
    events.TagAdded: RunReport._tag,
    events.ArtifactPublished: RunReport._artifact,
    events.FileAttached: RunReport._attachment,
    events.TestResultsPublished: RunReport._tests,
    events.CoveragePublished: RunReport._coverage,
    events.DeploymentStarted: RunReport._deployment_started,
    events.DeploymentFinished: RunReport._deployment_finished,
}
