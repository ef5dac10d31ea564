"""A job of the file as agents see it: one piece of work, one for each leg, or a deployment with its hooks."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from sandbox.pipelines import events
from sandbox.pipelines.errors import ExpressionError
from sandbox.pipelines.events import JobReference
from sandbox.pipelines.expressions.contexts import Result, RunContext
from sandbox.pipelines.model import Deployment, HookName, Matrix, Parallel
from sandbox.pipelines.planning import (
    Activity,
    JobInstance,
    PlannedJob,
    PlannedStage,
    list_instances,
    parse_matrix,
)
from sandbox.pipelines.running.context import RunState
from sandbox.pipelines.running.errors import RunRefused
from sandbox.pipelines.running.jobs import AgentJob, JobOutcome, run_agent_job
from sandbox.pipelines.running.predefined import define_job
from sandbox.pipelines.running.results import combined
from sandbox.pipelines.running.scopes import define_entries, evaluate, expand
from sandbox.pipelines.running.steps import default_name, unknown_task
from sandbox.pipelines.running.variables import Variables

DEFAULT_MINUTES = "60"
DEFAULT_CANCEL_MINUTES = "5"
# Kubernetes' words for what a canary's hook does.
ACTIONS = {HookName.ON_SUCCESS: "promote", HookName.ON_FAILURE: "reject"}


class Work(Protocol):
    """What one agent does of a job, in a thread of its own. `prefix` stands before the names of its outputs."""

    @property
    def name(self) -> JobReference: ...
    @property
    def server(self) -> bool: ...
    def run(self, run: RunState) -> JobOutcome: ...


@dataclass(frozen=True, slots=True)
class PlainWork:
    """A job, or one leg of it."""

    job: AgentJob
    prefix: str = ""

    @property
    def name(self) -> JobReference:
        return self.job.reference

    @property
    def server(self) -> bool:
        return self.job.server

    def run(self, run: RunState) -> JobOutcome:
        outcome = run_agent_job(run, self.job)
        return replace(outcome, outputs={f"{self.prefix}{name}": value for name, value in outcome.outputs.items()})


@dataclass(frozen=True, slots=True)
class DeploymentWork:
    """The hooks of a deployment, one after the other."""

    name: JobReference
    deployment: Deployment
    hooks: tuple[tuple[Activity, AgentJob], ...]
    server: bool = False
    spared: bool = False  # it starts after a cancel, because its condition held

    def run(self, run: RunState) -> JobOutcome:
        """A failing hook leaves out those after it, but for on.failure; the job stays failed."""
        where, now = self.deployment.environment, run.host.now
        about = (self.name.stage, self.name.job, where.name)
        run.emit(events.DeploymentStarted(now(), *about, where.resource_name, self.deployment.strategy))
        results: list[Result] = []
        outputs: dict[str, str] = {}
        reason = ""
        for activity, job in self.hooks:
            if not _is_due(activity, results, run.aborted or (run.cancellation.requested and not self.spared)):
                continue
            outcome = run_agent_job(run, job)
            results.append(outcome.result)
            reason = reason or outcome.reason
            prefix = _output_prefix(self.deployment, activity, self.name.job)
            outputs |= {f"{prefix}{name}": value for name, value in outcome.outputs.items()}
        result = combined(results or [Result.CANCELED if run.cancellation.requested else Result.SUCCEEDED])
        run.emit(events.DeploymentFinished(now(), *about, result, where.resource_name))
        return JobOutcome(result, outputs, reason)


def _is_due(activity: Activity, results: list[Result], canceled: bool) -> bool:
    failed = bool(set(results) & {Result.FAILED, Result.CANCELED})
    if canceled:
        return False
    return failed if activity.hook == HookName.ON_FAILURE else not failed


def _output_prefix(deployment: Deployment, activity: Activity, job: str) -> str:
    """runOnce: the job's name, as measured; canary and rolling: hook and increment or resource, as documented."""
    if deployment.strategy == "runOnce":
        return f"{job}."
    hook = activity.hook.value.replace(".", "") if activity.hook else ""
    return f"{hook}_{activity.increment or deployment.environment.resource_name or 'local'}."


@dataclass
class PhaseProgress:
    """A started job: belongs to the scheduling thread. `limit` 0 is none."""

    waiting: deque[Work]
    limit: int = 0
    spared: bool = False  # it starts after a cancel, because its condition held
    running: int = 0
    outcomes: list[JobOutcome] = field(default_factory=list)

    def next_work(self, canceled: bool, aborted: bool) -> Work | None:
        """What may start now. After a cancel nothing starts any more of a job that was there before it."""
        if self.waiting and (aborted or (canceled and not self.spared)):
            self.outcomes += [JobOutcome(Result.CANCELED)] * len(self.waiting)
            self.waiting.clear()
        if not self.waiting or (self.limit and self.running >= self.limit):
            return None
        self.running += 1
        return self.waiting.popleft()

    def put_back(self, work: Work) -> None:
        """There is no agent for it yet."""
        self.running -= 1
        self.waiting.appendleft(work)

    def take(self, work: Work, outcome: JobOutcome) -> None:
        self.running -= 1
        self.outcomes.append(outcome)

    @property
    def is_done(self) -> bool:
        return not self.waiting and not self.running

    @property
    def reason(self) -> str:
        return next((one.reason for one in self.outcomes if one.reason), "")

    def result(self) -> Result:
        return combined(one.result for one in self.outcomes)

    def outputs(self) -> dict[str, str]:
        return {name: value for one in self.outcomes for name, value in one.outputs.items()}


def open_phase(
    run: RunState, stage: PlannedStage, job: PlannedJob, root: Variables, context: RunContext
) -> PhaseProgress:
    """A job whose condition holds: its variables evaluated, its legs known. Raises RunRefused."""
    variables = root.copy()
    define_job(variables, _facts(run, stage, job))
    define_entries(variables, stage.variables, run, context)
    define_entries(variables, job.variables, run, context)
    try:
        instances = _instances(run, job, variables, context)
        times = _times(run, job, variables, context)
    except ExpressionError as error:
        raise RunRefused(f"Job '{job.name}': {error.message} {error.help}".strip()) from error
    if job.job.deployment is not None:
        work = _deployment(stage, job, instances[0], variables, times)
        spared = run.cancellation.requested
        return PhaseProgress(deque([replace(work, spared=spared)]), spared=spared)
    works = deque(_plain(stage, job, one, variables, times) for one in instances)
    return PhaseProgress(deque[Work](works), job.max_parallel, run.cancellation.requested)


def _facts(run: RunState, stage: PlannedStage, job: PlannedJob) -> Mapping[str, str]:
    attempt = str(run.request.stage_attempts.get(stage.name, 1))
    return {
        "System.StageName": stage.name,
        "System.StageDisplayName": stage.stage.display_name or stage.name,
        "System.StageAttempt": attempt,
        "System.PhaseName": job.name,
        "System.PhaseDisplayName": job.job.display_name or job.name,
        "System.PhaseAttempt": attempt,
        "System.JobAttempt": attempt,
    }


def _instances(run: RunState, job: PlannedJob, variables: Variables, context: RunContext) -> tuple[JobInstance, ...]:
    if job.instances:
        return job.instances
    if isinstance(job.job.strategy, Parallel):
        count = expand(job.job.strategy.count, variables, run, context)
        return list_instances(job.job, job.name, Parallel(count))
    if job.matrix_expression is None or not isinstance(job.job.strategy, Matrix):
        raise AssertionError("a plan without instances has a strategy that the run decides")
    text = evaluate(job.matrix_expression, variables, run, context)
    return list_instances(job.job, job.name, parse_matrix(text, job.job.strategy.max_parallel))


def _times(run: RunState, job: PlannedJob, variables: Variables, context: RunContext) -> tuple[float, float]:
    """Seconds for the job, and for what goes on after a cancel."""
    minute = run.request.patience.minute
    found = []
    pairs = (
        (job.job.timeout_in_minutes, DEFAULT_MINUTES),
        (job.job.cancel_timeout_in_minutes, DEFAULT_CANCEL_MINUTES),
    )
    for written, default in pairs:
        text = expand(written or default, variables, run, context).strip()
        try:
            found.append(float(text or default) * minute)
        except ValueError as error:
            raise ExpressionError(f"a timeout is '{text}'; expected a number of minutes.") from error
    return (found[0], found[1])


def _plain(
    stage: PlannedStage, job: PlannedJob, instance: JobInstance, variables: Variables, times: tuple[float, float]
) -> PlainWork:
    is_leg = instance.identifier != job.name
    reference = JobReference(stage.name, job.name, instance.name if is_leg else "")
    own = variables.copy()
    for name, value in instance.variables.items():
        own.define(name, value)
    _define_instance(own, instance, instance.identifier)
    activity = job.activities[0]
    remarks = tuple(_remarks(job, activity))
    work = AgentJob(reference, instance.display_name, activity.steps, own, activity.pool, *times, remarks)
    return PlainWork(work, f"{instance.name}." if is_leg else "")


def _define_instance(variables: Variables, instance: JobInstance, identifier: str) -> None:
    facts = {
        "System.JobName": instance.name,
        "System.JobDisplayName": instance.display_name,
        "System.JobIdentifier": identifier,
        "System.JobPositionInPhase": str(instance.position),
        "System.TotalJobsInPhase": str(instance.total),
    }
    define_job(variables, facts)


def _deployment(
    stage: PlannedStage, job: PlannedJob, instance: JobInstance, variables: Variables, times: tuple[float, float]
) -> DeploymentWork:
    deployment = job.job.deployment
    assert deployment is not None
    environment = replace(deployment.environment, name=variables.expanded().expand(deployment.environment.name))
    deployment = replace(deployment, environment=environment)
    hooks = tuple((one, _hook(stage, job, one, deployment, instance, variables, times)) for one in job.activities)
    return DeploymentWork(JobReference(stage.name, job.name), deployment, hooks)


def _hook(
    stage: PlannedStage,
    job: PlannedJob,
    activity: Activity,
    deployment: Deployment,
    instance: JobInstance,
    variables: Variables,
    times: tuple[float, float],
) -> AgentJob:
    hook = activity.hook
    assert hook is not None
    own = variables.copy()
    _define_instance(own, instance, f"{instance.identifier}.{hook.value}")
    facts = {
        "Environment.Name": deployment.environment.name,
        "Environment.ResourceName": deployment.environment.resource_name,
        "Environment.ResourceId": deployment.environment.resource_id,
        "Strategy.Name": deployment.strategy,
        "Strategy.CycleName": hook.value,
        "Strategy.Action": ACTIONS.get(hook, "deploy"),
        "Strategy.Increment": activity.increment,
    }
    define_job(own, {name: value for name, value in facts.items() if value})
    reference = JobReference(stage.name, job.name, "", hook.value, activity.increment)
    title = " ".join(part for part in (instance.display_name, hook.value, activity.increment) if part)
    return AgentJob(reference, title, activity.steps, own, activity.pool, *times, tuple(_remarks(job, activity)))


def _remarks(job: PlannedJob, activity: Activity) -> Iterator[str]:
    """What this machine does not give to a job, said in its first log."""
    if job.job.container:
        yield f"##[warning]Container '{job.job.container}' is not honoured: the steps run on this machine."
    if job.job.services:
        yield f"##[warning]Service containers are not started: {', '.join(job.job.services)}."
    for planned in activity.steps:
        reason = unknown_task(planned.step)
        if reason and planned.step.enabled:
            yield f"##[warning]{planned.step.display_name or default_name(planned.step)}: {reason}"
