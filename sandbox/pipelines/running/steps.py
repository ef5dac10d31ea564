"""One step: its condition, its attempts, its time, its result (azure-pipelines contract, 2.6)."""

import time
from collections.abc import Callable

from sandbox.pipelines.commands import CommandError
from sandbox.pipelines.errors import Mark
from sandbox.pipelines.events import StepFinished, StepReference, StepStarted
from sandbox.pipelines.expressions.conditions import Verdict, evaluate_step_condition
from sandbox.pipelines.expressions.contexts import Result, RunContext
from sandbox.pipelines.model import Step, StepKind
from sandbox.pipelines.planning import PlannedStep
from sandbox.pipelines.running.context import JobState, StepContext, worst
from sandbox.pipelines.running.effects import handle_line
from sandbox.pipelines.running.errors import StepError, StepStopped
from sandbox.pipelines.running.predefined import PLACEHOLDER_TOKEN
from sandbox.pipelines.tasks import OF_KINDS, SERVER_TASKS, TASKS, Task
from sandbox.pipelines.tasks.inputs import Inputs, resolve, unknown_names

RULE = "=" * 78
MOST_RETRIES = 10
_NO_MARK = Mark("")


def run_step(job: JobState, planned: PlannedStep, order: int) -> Result:
    """Run a step if its condition holds; its result, continueOnError included. The job's status is the caller's."""
    step = planned.step
    reference = _reference(job, step, order)
    if not step.enabled:
        job.run.emit(StepFinished(job.run.host.now(), reference, Result.SKIPPED, condition="enabled: false"))
        return Result.SKIPPED
    verdict = _judge(job, planned)
    if not verdict.holds and not verdict.error:
        shown = job.run.everything.mask(f"{verdict.text} is False: {verdict.expanded}")
        job.run.emit(StepFinished(job.run.host.now(), reference, Result.SKIPPED, condition=shown))
        return Result.SKIPPED
    return _run(job, planned, reference, verdict)


def run_agent_step(job: JobState, order: int, display_name: str, work: Callable[[StepContext], None]) -> Result:
    """A step of the agent's own, such as `Initialize job`."""
    reference = StepReference(job.reference, order, display_name)
    step = Step(StepKind.TASK, _NO_MARK, implicit=True)
    context = _start(job, step, reference)
    _attempt(context, lambda: work(context))
    return _finish(context, context.result, 1)


def unknown_task(step: Step) -> str:
    """Why a step's task cannot be rehearsed here, in one sentence; empty when it can."""
    if step.kind in OF_KINDS:
        return ""
    if step.task is None:
        return f"Step '{step.kind}' is not rehearsed here."
    task = TASKS.get(step.task.name.lower())
    if task is None:
        return f"Task '{step.task}' is not rehearsed here: on Azure DevOps it would run, this run fails at it."
    if step.task.version.partition(".")[0] not in task.VERSIONS:
        known = ", ".join(f"{task.NAME}@{version}" for version in task.VERSIONS)
        return f"Task '{step.task}' is not rehearsed here in that version: known here {known}."
    return ""


def _judge(job: JobState, planned: PlannedStep) -> Verdict:
    context = RunContext(variables=job.variables.expanded().by_name, canceled=job.canceled)
    return evaluate_step_condition(planned.condition, context, job.status)


def _reference(job: JobState, step: Step, order: int) -> StepReference:
    shown = job.run.everything.mask(job.variables.expanded().expand(step.display_name or default_name(step)))
    return StepReference(job.reference, order, shown, step.name, str(step.kind), str(step.task or ""))


def default_name(step: Step) -> str:
    """What a step is called that has no displayName."""
    if step.kind == StepKind.CHECKOUT:
        return f"Checkout {step.input('repository') or 'self'}"
    if step.kind == StepKind.DOWNLOAD:
        return "Download artifacts" if step.implicit else f"Download {step.input('artifact') or 'artifacts'}"
    if step.task is None:
        return str(step.kind)
    return step.task.name


def _run(job: JobState, planned: PlannedStep, reference: StepReference, verdict: Verdict) -> Result:
    context = _start(job, planned.step, reference)
    context.on_command = lambda line: handle_line(context, line)
    context.survives_cancel = lambda: _judge(job, planned).holds
    if planned.condition.text != "succeeded()":
        context.write(*verdict.lines())
    if verdict.error:
        context.fail(f"The condition cannot be evaluated: {verdict.error}")
        return _finish(context, _final(context, context.result), 1)
    result, attempts = _attempts(context)
    return _finish(context, _final(context, result), attempts)


def _start(job: JobState, step: Step, reference: StepReference) -> StepContext:
    log_id, path = job.run.next_log()
    context = StepContext(job, step, reference, log_id, path)
    job.run.emit(StepStarted(job.run.host.now(), reference, log_id, path))
    context.write(f"Starting: {reference.display_name}", RULE)
    if reference.task:
        context.write(f"Task         : {reference.task}", RULE)
    return context


def _final(context: StepContext, result: Result) -> Result:
    """continueOnError turns a final failure, not a cancel, into issues."""
    if result == Result.FAILED and context.step.continue_on_error:
        return Result.SUCCEEDED_WITH_ISSUES
    return result


def _finish(context: StepContext, result: Result, attempts: int) -> Result:
    context.write(f"Finishing: {context.reference.display_name}")
    context.log.close()
    now = context.host.now()
    context.emit(StepFinished(now, context.reference, result, context.log_id, context.log.lines, "", attempts))
    return result


def _attempts(context: StepContext) -> tuple[Result, int]:
    """Run the task until it does not fail, or its retries are used up."""
    try:
        minutes = _number(context, context.step.timeout_in_minutes, "timeoutInMinutes")
        retries = min(int(_number(context, context.step.retry_count_on_task_failure, "retryCount")), MOST_RETRIES)
    except StepError as error:
        context.fail(str(error))
        return context.result, 1
    if minutes > 0:
        context.deadline = time.monotonic() + minutes * context.run.request.patience.minute
    for attempt in range(1, retries + 2):
        context.result = Result.SUCCEEDED
        retriable = _attempt(context, lambda: _run_task(context))
        if context.result != Result.FAILED or not retriable or attempt > retries:
            return context.result, attempt
        if not _wait_for_retry(context, attempt, retries):
            return context.result, attempt
    raise AssertionError("the last attempt returns")


def _wait_for_retry(context: StepContext, attempt: int, retries: int) -> bool:
    """Whether there is time for another attempt. The service waits the square of the attempt's number plus one."""
    served = (attempt + 1) ** 2
    here = served * context.run.request.patience.retry_scale
    context.write(
        f"##[warning]RetryHelper encountered task failure, will retry (attempt #: {attempt} out of {retries})."
    )
    context.write(f"Waiting {here:g} s before the next attempt; the service waits {served} s.")
    return _attempt(context, lambda: context.pause(here))


def _attempt(context: StepContext, work: Callable[[], None]) -> bool:
    """Do the work; what stops it becomes the step's result. False when another attempt makes no sense."""
    try:
        work()
    except StepStopped as stop:
        context.log.write(f"##[error]{stop}")
        context.add_issue("error", str(stop), {})
        context.result = Result.FAILED if stop.timed_out else Result.CANCELED
        return False
    except (StepError, CommandError) as error:
        context.fail(str(error))
    except (OSError, UnicodeError) as error:
        context.fail(f"{type(error).__name__}: {error}")
    return True


def _run_task(context: StepContext) -> None:
    step, variables = context.step, context.variables
    task = _task(context)
    if any("$(system.accesstoken)" in text.lower() for text in (*step.inputs.values(), *step.env.values())):
        _tell_about_token(context)
    written = {name: variables.expand(value) for name, value in step.inputs.items()}
    context.env = {name: variables.expand(value) for name, value in step.env.items()}
    for name in unknown_names(task.INPUTS, written):
        context.write(f"##[warning]{task.NAME} has no input '{name}': it is not used.")
    inputs: Inputs = resolve(task.INPUTS, written)
    context.inputs = inputs.values
    task.run(context, inputs)


def _task(context: StepContext) -> Task:
    """Raises StepError for a task that is not there, or that belongs on another kind of agent."""
    reason = unknown_task(context.step)
    if reason:
        raise StepError(reason)
    if context.step.task is None or context.step.kind in OF_KINDS:
        return OF_KINDS[context.step.kind]
    name = context.step.task.name.lower()
    if context.job.server and name not in SERVER_TASKS:
        raise StepError(f"Task '{context.step.task}' cannot run in a job with `pool: server`; it needs an agent.")
    if not context.job.server and name in SERVER_TASKS:
        raise StepError(f"Task '{context.step.task}' runs in a job with `pool: server` only.")
    return TASKS[name]


def _tell_about_token(context: StepContext) -> None:
    token = context.job.variables.get("System.AccessToken")
    if token is not None and token.value == PLACEHOLDER_TOKEN:
        context.write("##[warning]System.AccessToken is a placeholder here: a local run has no access token.")


def _number(context: StepContext, text: str, name: str) -> float:
    expanded = context.variables.expand(text).strip()
    try:
        return float(expanded or "0")
    except ValueError as error:
        raise StepError(f"{name} is '{expanded}'; expected a number.") from error


def merge(status: Result, result: Result) -> Result:
    """A job's status after a step: skipped steps change nothing."""
    return status if result == Result.SKIPPED else worst(status, result)
