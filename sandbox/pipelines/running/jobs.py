"""One agent job from its folders to its last step. Runs in a thread of its own."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sandbox.pipelines.events import IssueLogged, JobFinished, JobReference, JobStarted
from sandbox.pipelines.expressions.contexts import Result
from sandbox.pipelines.model import Pool, StepKind
from sandbox.pipelines.planning import PlannedStep
from sandbox.pipelines.running.context import JobFolders, JobState, RunState, StepContext
from sandbox.pipelines.running.predefined import define_agent, define_build_number
from sandbox.pipelines.running.processes import end_marked, remove_mark, write_mark
from sandbox.pipelines.running.pythons import distrust_environments
from sandbox.pipelines.running.steps import merge, run_agent_step, run_step
from sandbox.pipelines.running.variables import Variables

PYTHONS = "Python"


@dataclass(frozen=True, slots=True)
class AgentJob:
    """What an agent is handed: `variables` are complete but for the agent's own. Times in seconds; 0 is no limit."""

    reference: JobReference
    display_name: str
    steps: tuple[PlannedStep, ...]
    variables: Variables
    pool: Pool | None = None
    timeout_seconds: float = 3600.0
    cancel_seconds: float = 300.0
    remarks: tuple[str, ...] = ()

    @property
    def server(self) -> bool:
        return self.pool is not None and self.pool.server


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """`outputs` are named `step.variable`."""

    result: Result
    outputs: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


def run_agent_job(run: RunState, agent_job: AgentJob) -> JobOutcome:
    """Run it to its end on an agent of the host; processes that its steps left behind end with it."""
    with run.host.agent() as tools:
        outcome = _run_on_agent(run, agent_job, tools)
        if tools and outcome.result is Result.CANCELED:  # a step that failed has ended; one that was ended has not
            distrust_environments(tools / PYTHONS)
        return outcome


def _run_on_agent(run: RunState, agent_job: AgentJob, tools: Path | None) -> JobOutcome:
    job = _prepare(run, agent_job, tools)
    pool = agent_job.pool
    asked = (pool.vm_image or pool.name or ("server" if pool.server else "")) if pool else ""
    asked = run.everything.mask(job.variables.expanded().expand(asked))
    now = run.host.now()
    run.emit(JobStarted(now, agent_job.reference, agent_job.display_name, run.request.agent_name, asked))
    try:
        order = _run_steps(job, agent_job, asked)
    finally:
        _end_leftovers(job)
    if agent_job.server:
        remove_mark(run.host.folder, job.mark)
    else:
        run_agent_step(job, order, "Finalize Job", partial(_finalize, job=job))
    if job.canceled and job.status != Result.FAILED:
        job.status = Result.CANCELED
    if job.cancel_reason and job.status == Result.CANCELED:
        run.emit(IssueLogged(run.host.now(), "error", job.cancel_reason))
    run.emit(JobFinished(run.host.now(), agent_job.reference, job.status, job.cancel_reason))
    _clean(job, run)
    return JobOutcome(job.status, dict(job.outputs), job.cancel_reason)


def _prepare(run: RunState, agent_job: AgentJob, tools: Path | None) -> JobState:
    folders = _make_folders(run, tools)
    variables = agent_job.variables.copy()
    define_agent(variables, run, folders)
    define_build_number(variables, run.build_number)
    deadline = time.monotonic() + agent_job.timeout_seconds if agent_job.timeout_seconds else None
    job = JobState(run, agent_job.reference, variables, folders, deadline, agent_job.cancel_seconds)
    job.server = agent_job.server
    write_mark(run.host.folder, job.mark)
    job.checkouts = sum(
        one.step.kind == StepKind.CHECKOUT and one.step.enabled for one in agent_job.steps if not _is_none(one)
    )
    return job


def _make_folders(run: RunState, tools: Path | None) -> JobFolders:
    number = run.next_workspace()
    work = run.host.folder / "_work"
    workspace = work / str(number)
    temp, kept = work / "_temp" / str(number), tools or work / "_tool"
    pythons = (tools or temp) / PYTHONS
    folders = JobFolders(run.host.folder, work, workspace, workspace / "s", temp, kept, pythons)
    made = (folders.sources, folders.artifacts, folders.binaries, folders.test_results, folders.temp, folders.tools)
    for folder in made:
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def _run_steps(job: JobState, agent_job: AgentJob, asked: str) -> int:
    """Run all steps; the order number of what comes after them."""
    order = 1
    if not agent_job.server:
        run_agent_step(job, order, "Initialize job", partial(_initialize, job=agent_job, asked=asked))
        order += 1
    for planned in agent_job.steps:
        if _is_none(planned):
            continue
        job.variables.define("Agent.JobStatus", str(job.status), readonly=True)
        if job.cancel_time_is_over:
            break
        job.status = merge(job.status, run_step(job, planned, order))
        order += 1
    for name, work in reversed(job.after_steps):
        job.status = merge(job.status, run_agent_step(job, order, name, work))
        order += 1
    return order


def _is_none(planned: PlannedStep) -> bool:
    """`checkout: none` and `download: none`: nothing is done, and nothing is shown."""
    step = planned.step
    return (step.kind == StepKind.CHECKOUT and step.input("repository").lower() == "none") or (
        step.kind == StepKind.DOWNLOAD and step.input("alias").lower() == "none"
    )


def _initialize(step: StepContext, job: AgentJob, asked: str) -> None:
    step.write(f"Agent name: '{step.run.request.agent_name}'")
    step.write(f"Working directory: {step.folders.workspace}")
    if asked:
        step.write(f"The job asks for the pool '{asked}'. It runs on this machine, with what is installed here.")
    step.write(*job.remarks)


def _finalize(step: StepContext, job: JobState) -> None:
    step.write("Cleaning up task key", "Start cleaning up orphan processes.")
    if job.started_processes:
        for process in end_marked(job.mark):
            step.write(f"Terminate orphan process: pid ({process.pid})")
    remove_mark(job.run.host.folder, job.mark)


def _end_leftovers(job: JobState) -> None:
    for group in job.groups:
        if job.run.groups.is_alive(group):
            job.run.groups.end(group)


def _clean(job: JobState, run: RunState) -> None:
    if not run.request.keep_workspaces:
        shutil.rmtree(job.folders.workspace, ignore_errors=True)
    shutil.rmtree(job.folders.temp, ignore_errors=True)
