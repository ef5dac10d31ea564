"""The executor: again and again, which stages and jobs may start now?

All of a run's graph belongs to one thread, the one that calls `Schedule.run`. Agent jobs and gates have threads of
their own; when one ends it leaves a message, and the loop goes round once more.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import replace

from sandbox.pipelines import events
from sandbox.pipelines.expressions.conditions import Verdict, evaluate_condition
from sandbox.pipelines.expressions.contexts import DependencyState, Result, RunContext
from sandbox.pipelines.running.context import RunState
from sandbox.pipelines.running.errors import RunRefused
from sandbox.pipelines.running.gates import Gate, list_gates
from sandbox.pipelines.running.phases import PhaseProgress, Work, open_phase
from sandbox.pipelines.running.progress import JobProgress, StageProgress, State
from sandbox.pipelines.running.results import combined, run_result
from sandbox.pipelines.running.scopes import define_entries
from sandbox.pipelines.running.settings import RunOutcome
from sandbox.pipelines.running.variables import Variables

Message = Callable[[], None]


class Schedule:
    """One run's progress. Lives as long as the run."""

    def __init__(self, run: RunState, root: Variables) -> None:
        self._run = run
        self._root = root
        self._stages = {one.name.lower(): StageProgress(one) for one in run.request.plan.stages}
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._busy = 0
        self._threads = 0
        self._failure: BaseException | None = None
        run.cancellation.subscribe(lambda: self._messages.put(lambda: None))

    def run(self) -> RunOutcome:
        """Until every stage is finished. What a thread raised beyond a step's own failures is raised here."""
        self._leave_out()
        while True:
            while self._advance():
                pass
            if all(stage.state == State.FINISHED for stage in self._stages.values()):
                return self._outcome()
            if not self._threads:
                self._break_circle()
                continue
            self._messages.get()()
            if self._failure is not None:
                raise self._failure

    def _break_circle(self) -> None:
        """Nothing runs and nothing may start: a `dependsOn` that was known at run time only leads back to itself."""
        running = [stage for stage in self._stages.values() if stage.state == State.RUNNING]
        waiting = [(stage, job) for stage in running for job in stage.jobs.values() if job.state == State.WAITING]
        if not waiting:
            raise AssertionError("a run stands still although its graph was checked")
        for stage, job in waiting:
            self._finish_job(stage, job, Result.FAILED, "its dependsOn cannot be used: it leads back to itself")

    def _leave_out(self) -> None:
        """Stages that are finished already, or that nobody wants."""
        request = self._run.request
        only, skip = {one.lower() for one in request.only}, {one.lower() for one in request.skip}
        earlier = {name.lower(): one for name, one in request.earlier.items()}
        for key, stage in self._stages.items():
            if key in earlier:
                stage.take(earlier[key])
            elif (only and key not in only) or key in skip:
                self._finish_stage(stage, Result.SKIPPED, "it is left out of this run")
                stage.left_out = key not in skip

    def _advance(self) -> bool:
        """Whether anything changed."""
        changes = [self._advance_stage(stage) for stage in self._stages.values()]
        return any(changes)

    def _advance_stage(self, stage: StageProgress) -> bool:
        if stage.state == State.WAITING:
            return self._consider_stage(stage)
        if stage.state != State.RUNNING:
            return False
        changes = [self._advance_job(stage, job) for job in stage.jobs.values()]
        if all(job.state == State.FINISHED for job in stage.jobs.values()):
            self._finish_stage(stage, combined(job.result for job in stage.jobs.values()), "")
            return True
        return any(changes)

    def _consider_stage(self, stage: StageProgress) -> bool:
        if self._run.aborted:
            self._finish_stage(stage, Result.CANCELED, self._run.cancellation.reason)
            return True
        before = [self._stages[name.lower()] for name in stage.planned.depends_on]
        before = [one for one in before if not one.left_out]
        if any(one.state != State.FINISHED for one in before):
            return False
        context = self._context({one.name: one.as_dependency() for one in before})
        verdict = evaluate_condition(stage.planned.condition, self._seen_by(context, stage))
        shown = self._shown(verdict)
        if verdict.holds:
            stage.condition = shown
            self._open_gates(stage)
        else:
            self._finish_stage(stage, Result.FAILED if verdict.error else Result.SKIPPED, shown)
        return True

    def _open_gates(self, stage: StageProgress) -> None:
        gates = list_gates(stage.planned, self._run, self._root_with(stage, None).expanded())
        if not gates:
            self._start_stage(stage)
            return
        stage.state = State.GATED
        self._in_thread(lambda: self._ask(stage, gates), f"gate {stage.name}")

    def _ask(self, stage: StageProgress, gates: tuple[Gate, ...]) -> None:
        """In a thread: ask one gate after the other; the first refusal ends it."""
        answer = None
        for gate in gates:
            answer = gate.ask(self._run)
            if not answer.allowed:
                break
        assert answer is not None
        found = answer

        def apply() -> None:
            if self._run.cancellation.requested:
                self._finish_stage(stage, Result.CANCELED, self._run.cancellation.reason)
            elif found.allowed:
                self._start_stage(stage)
            else:
                result = Result.SKIPPED if found.timed_out else Result.FAILED
                self._finish_stage(stage, result, found.reason)

        self._messages.put(apply)

    def _start_stage(self, stage: StageProgress) -> None:
        stage.state = State.RUNNING
        shown = stage.planned.stage.display_name or stage.name
        self._run.emit(events.StageStarted(self._run.host.now(), stage.name, shown, stage.condition))

    def _finish_stage(self, stage: StageProgress, result: Result, reason: str) -> None:
        for job in stage.jobs.values():
            if job.state == State.WAITING:
                self._finish_job(stage, job, Result.SKIPPED, f"stage {stage.name} did not run")
        stage.finish(result, reason)
        self._run.emit(events.StageFinished(self._run.host.now(), stage.name, result, reason))

    def _advance_job(self, stage: StageProgress, job: JobProgress) -> bool:
        if job.state == State.WAITING:
            return self._consider_job(stage, job)
        if job.state != State.RUNNING:
            return False
        assert job.phase is not None
        changed = self._start_work(stage, job, job.phase)
        if job.phase.is_done:
            self._finish_job(stage, job, job.phase.result(), job.phase.reason, job.phase.outputs())
            return True
        return changed

    def _consider_job(self, stage: StageProgress, job: JobProgress) -> bool:
        if self._run.aborted:
            self._finish_job(stage, job, Result.CANCELED, self._run.cancellation.reason)
            return True
        try:
            names = job.depends_on(lambda: self._job_context(stage, {}), lambda: self._root_with(stage, job), self._run)
            before = {stage.jobs[name.lower()].name: stage.jobs[name.lower()] for name in names}
        except (RunRefused, KeyError) as error:
            self._finish_job(stage, job, Result.FAILED, f"its dependsOn cannot be used: {error}")
            return True
        if any(one.state != State.FINISHED for one in before.values()):
            return False
        context = self._job_context(stage, {name: one.as_dependency() for name, one in before.items()})
        verdict = evaluate_condition(job.planned.condition, self._seen_by(context, stage, job))
        if not verdict.holds:
            result = Result.ABANDONED if verdict.error else Result.SKIPPED
            self._finish_job(stage, job, result, self._shown(verdict))
            return True
        self._start_job(stage, job, context, self._shown(verdict))
        return True

    def _start_job(self, stage: StageProgress, job: JobProgress, context: RunContext, shown: str) -> None:
        job.state = State.RUNNING
        now = self._run.host.now()
        title = job.planned.job.display_name or job.name
        self._run.emit(events.PhaseStarted(now, stage.name, job.name, title, shown))
        try:
            job.phase = open_phase(self._run, stage.planned, job.planned, self._root, context)
        except RunRefused as error:
            self._run.emit(events.IssueLogged(now, "error", self._run.everything.mask(str(error))))
            self._finish_job(stage, job, Result.FAILED, str(error))

    def _start_work(self, stage: StageProgress, job: JobProgress, phase: PhaseProgress) -> bool:
        """Start what may start of a job; how many jobs run at once is limited, by the job and by the agents."""
        started = False
        while (work := phase.next_work(self._run.cancellation.requested, self._run.aborted)) is not None:
            if not work.server and self._busy >= self._run.request.agents:
                phase.put_back(work)
                break
            self._busy += 0 if work.server else 1
            self._in_thread(lambda work=work: self._do(phase, work), str(work.name))  # type: ignore[misc]
            started = True
        return started

    def _do(self, phase: PhaseProgress, work: Work) -> None:
        outcome = work.run(self._run)

        def apply() -> None:
            self._busy -= 0 if work.server else 1
            phase.take(work, outcome)

        self._messages.put(apply)

    def _finish_job(
        self, stage: StageProgress, job: JobProgress, result: Result, reason: str, outputs: dict[str, str] | None = None
    ) -> None:
        if job.planned.job.continue_on_error and result == Result.FAILED:
            result = Result.SUCCEEDED_WITH_ISSUES
        job.finish(result, outputs or {})
        reason = self._run.everything.mask(reason)
        shown = {name: self._run.everything.mask(value) for name, value in job.outputs.items()}
        now = self._run.host.now()
        self._run.emit(events.PhaseFinished(now, stage.name, job.name, result, reason, shown))

    def _in_thread(self, work: Callable[[], None], name: str) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - the edge of a thread: the loop raises it again
                self._messages.put(lambda error=error: self._fail(error))  # type: ignore[misc]
            self._messages.put(self._thread_ended)

        self._threads += 1
        threading.Thread(target=guarded, name=name, daemon=True).start()

    def _thread_ended(self) -> None:
        self._threads -= 1

    def _fail(self, error: BaseException) -> None:
        self._failure = error

    def _context(self, dependencies: dict[str, DependencyState]) -> RunContext:
        canceled = self._run.cancellation.requested
        return RunContext(dependencies=dependencies, canceled=canceled, start_time=self._run.host.now())

    def _job_context(self, stage: StageProgress, dependencies: dict[str, DependencyState]) -> RunContext:
        before = [self._stages[name.lower()] for name in stage.planned.depends_on]
        states = {one.name: {job.name: job.as_dependency() for job in one.jobs.values()} for one in before}
        return replace(self._context(dependencies), stage_dependencies=states)

    def _seen_by(self, context: RunContext, stage: StageProgress, job: JobProgress | None = None) -> RunContext:
        return replace(context, variables=self._root_with(stage, job).expanded().by_name)

    def _root_with(self, stage: StageProgress, job: JobProgress | None) -> Variables:
        """What a condition sees: nothing that a `$[ ]` of the stage or job gives."""
        variables = self._root.copy()
        define_entries(variables, stage.planned.variables, self._run, None)
        if job is not None:
            define_entries(variables, job.planned.variables, self._run, None)
        return variables

    def _shown(self, verdict: Verdict) -> str:
        outcome = verdict.error or verdict.holds
        return self._run.everything.mask(f"{verdict.text} is {outcome}: {verdict.expanded}")

    def _outcome(self) -> RunOutcome:
        stages = {one.name: one.outcome() for one in self._stages.values()}
        result = run_result((one.result for one in stages.values()), self._run.cancellation.requested)
        reason = self._run.cancellation.reason if result == Result.CANCELED else ""
        return RunOutcome(result, self._run.build_number, stages, self._run.tags, reason)
