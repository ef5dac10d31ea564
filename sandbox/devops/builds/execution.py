"""Runs under way: a thread each, from its first event to its last; what a killed server left is brought to an end.

A run that only waits (for a person, a permission, a lock) has nothing running. It is taken up again by the next
server where it stood; one in the middle of a job has lost that job, and fails with the reason.
"""

import logging
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.devops.access import Token
from sandbox.devops.builds.host import BuildHost, clear_work
from sandbox.devops.builds.outfit import Outfit, Workshop, read_outcome, stored_outcome
from sandbox.devops.builds.preparing import MissingFile
from sandbox.devops.builds.problems import build_wrong_state, problem_text
from sandbox.devops.builds.recording import BUILD_RESULTS, Recorder, earlier_timeline_id
from sandbox.devops.builds.timeline import RECORDS, Timeline
from sandbox.devops.context import Context
from sandbox.errors import NotFound
from sandbox.log import event
from sandbox.pipelines.errors import LoadError
from sandbox.pipelines.events import Event, StageFinished
from sandbox.pipelines.expressions.contexts import Result
from sandbox.pipelines.loading import Loaded
from sandbox.pipelines.running.processes import end_left_behind
from sandbox.pipelines.running.runs import PipelineRun
from sandbox.pipelines.running.settings import RunOutcome
from sandbox.store import Document

STOPPED = "The sandbox was stopped while this run was under way. Queue it again, or retry the stage."
PROJECT_GONE = "The project was deleted."
FAILED_INSIDE = "The sandbox failed while it ran this. `sandbox logs` shows the traceback."
CLOSING_SECONDS = 15.0


@dataclass
class _Active:
    """A run in its thread. `run` is set once the library has it, `reason` by a cancel, `ending` with the last word."""

    thread: threading.Thread | None = None
    run: PipelineRun | None = None
    reason: str = ""
    ending: bool = False

    def join(self, seconds: float | None = None) -> None:
        assert self.thread is not None, "an active run has its thread"
        self.thread.join(seconds)


class Executions:
    """Starts, cancels, resumes and ends runs."""

    def __init__(self, parts: Workshop) -> None:
        self._parts = parts
        self._records = parts.records
        self._outfit = Outfit(parts)
        self._guard = threading.Lock()
        self._active: dict[str, _Active] = {}
        self._closing = False
        self.finished: Callable[[Document], None] = _nobody

    def ring(self) -> None:
        self._parts.guards.bell.ring()

    # Starting and ending

    def start(self, build: Document) -> None:
        """In a thread of its own, which lets an execution of the same build that is just ending go first."""
        with self._guard:
            before = self._active.get(build.key)
            if self._closing or (before and not before.ending):
                return
            active = self._active[build.key] = _Active()
            work = partial(self._guarded, build, active, before)
            active.thread = threading.Thread(target=work, name=f"run-{build.body['id']}", daemon=True)
            active.thread.start()

    def cancel(self, build: Document, reason: str, person: dict[str, str]) -> Document:
        """Ask a run to end; what waits to be started is over at once."""
        with self._guard:
            active = self._active.get(build.key)
            if active:
                active.reason = reason
        if active is None:
            return self._end(build, Result.CANCELED, reason, lastChangedBy=person)
        with self._parts.context.store.write():
            build = self._records.fresh(build)
            if build.body["status"] != "completed":
                build = self._records.update(build, status="cancelling", lastChangedBy=person)
        if active.run:
            active.run.cancel(reason)
        return build

    def again(self, build: Document, stages: list[str]) -> Document:
        """Run stages once more, and those after them that did not succeed. Raises Conflict where the file changed so
        that they are no stages any more."""
        loaded = self._outfit.load(build)
        rerun = _downstream(loaded, build.body["stages"], stages)
        if not set(stages) <= {one.name for one in loaded.plan.stages}:
            raise build_wrong_state("The pipeline's stages are not those of the first attempt any more.")
        self._set_aside(build, rerun)
        attempts = {name: int(build.body["attempts"].get(name, 1)) + 1 for name in rerun}
        kept = {name: one for name, one in build.body["stages"].items() if name not in rerun}
        build = self._records.update(
            build,
            status="inProgress",
            result=None,
            finishTime=None,
            stages=kept,
            attempts={**build.body["attempts"], **attempts},
        )
        self.start(build)
        return build

    def _set_aside(self, build: Document, stages: list[str]) -> None:
        """Move the records of an attempt to a timeline of its own; the stage's record names it."""
        timeline = self._parts.books.timelines.of(build)
        for stage in stages:
            record = timeline.get(timeline.id_of("stage", stage))
            if record is None:
                continue
            attempt = int(record["attempt"])
            earlier = earlier_timeline_id(build.body["planId"], stage, attempt)
            _move(self._parts.context, build, timeline, record, earlier)
            row = {"attempt": attempt, "timelineId": earlier, "recordId": record["id"]}
            timeline.update(record["id"], previousAttempts=[*record["previousAttempts"], row])

    # The thread

    def _guarded(self, build: Document, active: _Active, before: _Active | None) -> None:
        if before:
            before.join()
        try:
            self._execute(build, active)
        except NotFound:
            event("run without a build", build=build.id)  # it was deleted with its project
        except Exception:
            logging.getLogger("sandbox").exception("run failed", extra={"fields": {"build": build.id}})
            self._end(build, Result.FAILED, FAILED_INSIDE)
        finally:
            with self._guard:
                if self._active.get(build.key) is active:
                    del self._active[build.key]
        found = self._parts.context.store.get(build.kind, build.id)
        if found and not self._closing:
            self.finished(found)

    def _execute(self, build: Document, active: _Active) -> None:
        build = self._records.update(self._records.fresh(build), executions=int(build.body["executions"]) + 1)
        try:
            loaded = self._outfit.load(build)
        except (LoadError, MissingFile) as error:
            message = problem_text(error) if isinstance(error, LoadError) else str(error)
            self._end(build, Result.FAILED, message)
            return
        token = self._outfit.token(build)
        try:
            outcome = self._run(build, active, loaded, token)
        finally:
            clear_work(self._outfit.folder(build))
            self._parts.context.access.revoke_token(self._outfit.identity(build), token.id)
        self._finish(build, outcome)

    def _run(self, build: Document, active: _Active, loaded: Loaded, token: Token) -> RunOutcome:
        recorder = Recorder(self._parts.books, build, loaded.plan, build.body["attempts"])
        earlier = {name: read_outcome(one) for name, one in build.body["stages"].items()}
        recorder.begin(tuple(one for one in loaded.plan.stages if one.name not in earlier))
        host = BuildHost(self._parts.facilities, self._outfit.facts(build, loaded, recorder, token))
        run = PipelineRun(
            self._outfit.request(build, loaded, earlier, token), host, recorder, partial(self._release, build)
        )
        with self._guard:
            active.run = run
            reason = active.reason
        if reason:
            run.cancel(reason)
        return run.run()

    def _release(self, build: Document, event: Event) -> None:
        """A finished stage gives back its locks."""
        if isinstance(event, StageFinished):
            self._parts.guards.locks.release(build.key, event.stage)
            self.ring()

    def _finish(self, build: Document, outcome: RunOutcome) -> None:
        stages = {name: stored_outcome(one) for name, one in outcome.stages.items()}
        self._end(build, outcome.result, outcome.reason, stages=stages)

    def _end(self, build: Document, result: Result, reason: str, **fields: Any) -> Document:
        """The build is over, and nothing of it is left open."""
        parts = self._parts
        timeline = parts.books.timelines.of(build)
        for record in timeline.records():
            if record["parentId"] is None and record["state"] != "completed":
                if reason:
                    timeline.add_issue(record["id"], "error", reason)
                timeline.finish_open(record["id"], "failed" if result == Result.FAILED else "canceled", "skipped")
        for deployment in parts.books.deployments.open_of(build):
            parts.books.deployments.finish(deployment, "canceled")
        for approval in parts.approvals.of_build(build):
            parts.approvals.close(approval, "canceled")
        problems = list(self._records.fresh(build).body["validationResults"])
        if reason and result in (Result.FAILED, Result.CANCELED):
            row = {"result": "error", "message": reason}
            problems += [] if row in problems else [row]
        now = parts.context.now()
        times = {"startTime": self._records.fresh(build).body["startTime"] or now, "finishTime": now}
        ended = {"status": "completed", "result": BUILD_RESULTS[result], "waiting": "", "validationResults": problems}
        parts.guards.locks.release(build.key)
        self.ring()
        with self._guard:
            active = self._active.get(build.key)
            if active:
                active.ending = True
        return self._records.update(build, **ended, **times, **fields)

    # The server's beginning and end

    def recover(self) -> None:
        """Start what waited to be started, resume what only waited, and end what was in the middle of a job."""
        for build in self._records.unfinished():
            for leftover in (self._records.folder(build) / "agent").glob("*"):
                end_left_behind(leftover)
                clear_work(leftover)
            records = self._parts.books.timelines.of(build).records()
            working = any(one["type"] == "Job" and one["state"] == "inProgress" for one in records)
            if build.body["status"] == "notStarted" and build.body["waiting"]:
                continue
            if build.body["status"] == "cancelling":
                self._end(build, Result.CANCELED, STOPPED)
            elif working:
                self._interrupted(build, records)
            else:
                self.start(build)

    def _interrupted(self, build: Document, records: list[dict[str, Any]]) -> None:
        timeline = self._parts.books.timelines.of(build)
        for one in records:
            if one["type"] == "Job" and one["state"] == "inProgress":
                timeline.add_issue(one["id"], "error", STOPPED)
        self._end(build, Result.FAILED, STOPPED)

    def close(self) -> None:
        """End what runs. A run that only waits is left as it stands: the next server takes it up again."""
        with self._guard:
            self._closing = True
            active = dict(self._active)
        working = [one for key, one in active.items() if self._is_working(key)]
        for one in working:
            if one.run:
                one.run.abort(STOPPED)
        for one in working:
            one.join(CLOSING_SECONDS)

    def end_of_project(self, project: Document) -> None:
        """End the runs of a project that goes, and wait for them."""
        with self._guard:
            active = [one for key, one in self._active.items() if key.startswith(f"{project.key}/")]
        for one in active:
            one.reason = PROJECT_GONE
            if one.run:
                one.run.abort(PROJECT_GONE)
        for one in active:
            one.join(CLOSING_SECONDS)

    def _is_working(self, build_key: str) -> bool:
        listed = self._parts.context.store.list(RECORDS, f"{build_key}/timeline")
        return any(one.body["type"] == "Job" and one.body["state"] == "inProgress" for one in listed)

    def forget(self, build: Document) -> None:
        """Delete a build with all that it left."""
        with self._parts.context.store.write() as change:
            change.delete_beneath(build.id)
            change.delete(build.kind, build.id)
        shutil.rmtree(self._records.folder(build), ignore_errors=True)


def _nobody(build: Document) -> None:
    """Nobody waits for the end of runs while nothing is wired."""


def _downstream(loaded: Loaded, outcomes: Mapping[str, Any], stages: list[str]) -> list[str]:
    """The stages, and whatever depends on one of them and did not succeed. In the plan's order."""
    found = set(stages)
    for stage in loaded.plan.stages:
        result = outcomes.get(stage.name, {}).get("result")
        depends = any(one.lower() in {name.lower() for name in found} for one in stage.depends_on)
        if depends and result not in ("Succeeded", "SucceededWithIssues"):
            found.add(stage.name)
    return [one.name for one in loaded.plan.stages if one.name in found]


def _move(context: Context, build: Document, timeline: Timeline, stage: Mapping[str, Any], earlier: str) -> None:
    """Copy the stage's record and move those beneath it to an earlier attempt's timeline."""
    parent = f"{build.id}/timelines/{earlier}"
    with context.store.write() as change:
        change.put(RECORDS, f"{parent}/{stage['id']}", dict(stage), parent)
        for one in timeline.beneath(stage["id"]):
            change.put(RECORDS, f"{parent}/{one['id']}", one, parent)
            timeline.delete(one["id"])
