"""A run from outside: start it, cancel it, get its outcome."""

from collections.abc import Sequence

from sandbox.pipelines.events import IssueLogged, RunFinished, RunStarted, Sink
from sandbox.pipelines.expressions.contexts import Result
from sandbox.pipelines.planning import Plan
from sandbox.pipelines.running.context import RunState
from sandbox.pipelines.running.errors import RunRefused
from sandbox.pipelines.running.host import RunHost
from sandbox.pipelines.running.numbers import build_number
from sandbox.pipelines.running.predefined import define_build_number
from sandbox.pipelines.running.processes import end_left_behind
from sandbox.pipelines.running.schedule import Schedule
from sandbox.pipelines.running.scopes import root_scope
from sandbox.pipelines.running.settings import RunOutcome, RunRequest
from sandbox.pipelines.running.steps import unknown_task

BROKEN_OFF = "The run was broken off by an error that is not the pipeline's."


class PipelineRun:
    """One run. `run` blocks in the calling thread; `cancel` may be called from any other, and from a signal handler's
    thread. Sinks get every event, one at a time, in the thread where it happens; they must not call back."""

    def __init__(self, request: RunRequest, host: RunHost, *sinks: Sink) -> None:
        self._state = RunState(request, host, sinks)

    def cancel(self, reason: str = "The run was canceled.") -> None:
        """Running steps are stopped, but for those whose condition still holds."""
        self._state.cancellation.request(reason)

    def abort(self, reason: str = "The run was ended.") -> None:
        """Cancel without waiting for anything: every process is ended, and no later step, job or stage starts,
        whatever its condition says."""
        self._state.aborted = True
        self._state.cancellation.request(reason)
        self._state.cancellation.notify()

    def run(self) -> RunOutcome:
        """Run to the end. No process that it started is left when it returns or raises. Run it once."""
        state = self._state
        host, request = state.host, state.request
        outcome = None
        try:
            outcome = self._run()
        except RunRefused as error:
            message = state.everything.mask(str(error))
            state.emit(IssueLogged(host.now(), "error", message))
            outcome = RunOutcome(Result.FAILED, state.build_number or str(request.run_id), {}, (), message)
        finally:
            state.groups.close()
            end_left_behind(host.folder)
            result, reason = (outcome.result, outcome.reason) if outcome else (Result.FAILED, BROKEN_OFF)
            state.emit(RunFinished(host.now(), result, reason))
        return outcome

    def _run(self) -> RunOutcome:
        state = self._state
        request, host = state.request, state.host
        try:
            root = root_scope(state)
        except RunRefused:
            self._announce(str(request.run_id))
            raise
        name = request.plan.pipeline.name
        number = request.build_number or build_number(name, root.expanded(), host.now(), host.revision)
        state.build_number = number
        define_build_number(root, number)
        self._announce(state.everything.mask(state.build_number))
        return Schedule(state, root).run()

    def _announce(self, number: str) -> None:
        state = self._state
        request = state.request
        graph = tuple((stage.name, tuple(job.name for job in stage.jobs)) for stage in request.plan.stages)
        state.emit(RunStarted(state.host.now(), request.run_id, number, notices(request.plan), graph))


def notices(plan: Plan) -> tuple[str, ...]:
    """What is not rehearsed: the plan's own notices, and every task that will fail here."""
    found = [f"{one.mark}: {one.message}" if one.mark else one.message for one in plan.notices]
    return tuple(dict.fromkeys((*found, *unknown_tasks(plan))))


def unknown_tasks(plan: Plan) -> Sequence[str]:
    """One sentence for each task that cannot be rehearsed here, in document order."""
    steps = (
        planned.step
        for stage in plan.stages
        for job in stage.jobs
        for activity in job.activities
        for planned in activity.steps
    )
    return [f"{step.mark}: {reason}" for step in steps if step.enabled and (reason := unknown_task(step))]
