"""What a run, an agent job and a step know while they run: state with a lifetime, and nothing that decides."""

import itertools
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from sandbox.pipelines import events
from sandbox.pipelines.events import Event, IssueLogged, JobReference, LogLines, Sink, StepReference
from sandbox.pipelines.expressions.contexts import Result
from sandbox.pipelines.masking import Masker
from sandbox.pipelines.model import Step
from sandbox.pipelines.running.errors import StepError, StepStopped
from sandbox.pipelines.running.host import Cancellation, RunHost
from sandbox.pipelines.running.logs import OnCommand, StepLog
from sandbox.pipelines.running.processes import LOOKUP, ProcessGroups
from sandbox.pipelines.running.settings import Patience, RunRequest
from sandbox.pipelines.running.variables import Expanded, Variables, can_be_environment

MOST_ISSUES = 10
SOURCE_VARIABLES = ("Build.SourcesDirectory", "System.DefaultWorkingDirectory", "Build.Repository.LocalPath")
WORST = (Result.SUCCEEDED, Result.SUCCEEDED_WITH_ISSUES, Result.FAILED, Result.CANCELED)


def worst(one: Result, other: Result) -> Result:
    """The worse of two results, as the agent merges them."""
    return max(one, other, key=WORST.index)


class RunState:
    """What all jobs of a run share. Any thread may call it."""

    def __init__(self, request: RunRequest, host: RunHost, sinks: Sequence[Sink]) -> None:
        self.request = request
        self.host = host
        self.cancellation = Cancellation()
        self.groups = ProcessGroups(host.folder)
        self.masker = Masker()  # what every job masks
        self.everything = Masker()  # every job's secrets: what events other than log lines are masked with
        self.aborted = False  # everything ends at once
        self.build_number = ""
        self.tags: tuple[str, ...] = ()
        self._sinks = tuple(sinks)
        self._emitting = threading.Lock()
        self._logs = itertools.count(1)
        self._workspaces = itertools.count(1)

    def emit(self, event: Event) -> None:
        """Hand an event to every reader, one event at a time."""
        with self._emitting:
            for sink in self._sinks:
                sink(event)

    def add_secret(self, value: str) -> None:
        """Mask a value in every job from now on."""
        self.masker.add(value)
        self.everything.add(value)

    def set_build_number(self, number: str) -> None:
        self.build_number = number
        self.emit(events.BuildNumberChanged(self.host.now(), self.everything.mask(number)))

    def add_tag(self, tag: str) -> None:
        with self._emitting:
            if tag in self.tags:
                return
            self.tags = (*self.tags, tag)
        self.emit(events.TagAdded(self.host.now(), self.everything.mask(tag)))

    def next_log(self) -> tuple[int, Path]:
        """A number and the file for one more log."""
        number = next(self._logs)
        return number, self.logs / f"{number}.log"

    def next_workspace(self) -> int:
        return next(self._workspaces)

    @cached_property
    def logs(self) -> Path:
        folder = self.host.folder / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass(frozen=True, slots=True)
class JobFolders:
    """The agent's folders: `workspace` is Pipeline.Workspace; `temp` and `tools` lie outside it."""

    home: Path
    work: Path
    workspace: Path
    sources: Path
    temp: Path
    tools: Path
    pythons: Path

    @property
    def artifacts(self) -> Path:
        return self.workspace / "a"

    @property
    def binaries(self) -> Path:
        return self.workspace / "b"

    @property
    def test_results(self) -> Path:
        return self.workspace / "TestResults"


class JobState:
    """One agent job. Belongs to its thread. `deadline` is on the monotonic clock, None for no limit."""

    def __init__(
        self,
        run: RunState,
        reference: JobReference,
        variables: Variables,
        folders: JobFolders,
        deadline: float | None,
        cancel_seconds: float,
    ) -> None:
        self.run = run
        self.reference = reference
        self.variables = variables
        self.folders = folders
        self.masker = Masker(run.masker)
        self.status = Result.SUCCEEDED
        self.outputs: dict[str, str] = {}
        self.paths: tuple[str, ...] = ()
        self.checkouts = 1
        self.server = False
        self.started_processes = False
        self.groups: list[int] = []
        # What the agent does when all steps are over, the last one first: its name, and the work.
        self.after_steps: list[tuple[str, Callable[[StepContext], None]]] = []
        self.mark = f"vsts_{uuid.uuid4()}"
        self._deadline = deadline
        self._cancel_seconds = cancel_seconds
        self._canceled_at: float | None = None
        # A job that starts after the cancel, because its condition held, is none of those that were canceled.
        self._spared = run.cancellation.requested
        self.cancel_reason = ""

    @property
    def canceled(self) -> bool:
        """Whether the job is being canceled: by a person, or because its time is over."""
        if self._canceled_at is None:
            reason = self._reason_to_cancel()
            if reason:
                self._canceled_at = time.monotonic()
                self.cancel_reason = reason
        return self._canceled_at is not None

    @property
    def cancel_time_is_over(self) -> bool:
        """Whether what still runs after a cancel has had its time."""
        if self.run.aborted:
            return True
        return self.canceled and time.monotonic() > (self._canceled_at or 0.0) + self._cancel_seconds

    def _reason_to_cancel(self) -> str:
        if self.run.aborted or (self.run.cancellation.requested and not self._spared):
            return self.run.cancellation.reason or "The run was canceled."
        if self._deadline is not None and time.monotonic() > self._deadline:
            return "The job ran longer than its timeoutInMinutes allows."
        return ""

    def add_secret(self, value: str) -> None:
        """Mask a value in this job's logs, and in every event."""
        self.masker.add(value)
        self.run.everything.add(value)

    def move_sources(self, folder: Path) -> None:
        """A checkout with a path of its own: that is now where the sources are."""
        self.folders = replace(self.folders, sources=folder)
        for name in SOURCE_VARIABLES:
            self.variables.define(name, str(folder), readonly=True)

    def prepend_path(self, entry: str) -> None:
        """Put a folder first on the PATH of later steps; one that is there already moves to the front."""
        self.paths = (entry, *(one for one in self.paths if one != entry))


class StepContext:
    """One step, and what its task may do. Belongs to the job's thread.

    `inputs` and `env` have their macros replaced. `result` is the worst that the step's commands said so far.
    """

    def __init__(self, job: JobState, step: Step, reference: StepReference, log_id: int, path: Path) -> None:
        self.job = job
        self.step = step
        self.reference = reference
        self.log_id = log_id
        self.result = Result.SUCCEEDED
        self.inputs: Mapping[str, str] = {}
        self.env: Mapping[str, str] = {}
        self.deadline: float | None = None
        self.on_command: OnCommand = lambda line: line
        self.survives_cancel: Callable[[], bool] = lambda: False
        self._issues: dict[str, int] = {}
        self.log = StepLog(path, job.masker, job.run.host.now, self._emit_lines, lambda line: self.on_command(line))

    @property
    def run(self) -> RunState:
        return self.job.run

    @property
    def host(self) -> RunHost:
        return self.job.run.host

    @property
    def folders(self) -> JobFolders:
        return self.job.folders

    @property
    def variables(self) -> Expanded:
        return self.job.variables.expanded()

    def write(self, *lines: str) -> None:
        """Lines of the log."""
        self.log.write(*lines)

    def warn(self, message: str, **details: str) -> None:
        """A warning: it is in the log and among the run's issues."""
        self.log.write(f"##[warning]{message}")
        self.add_issue("warning", message, details)

    def fail(self, message: str) -> None:
        """The step fails in the end, whatever else happens."""
        self.log.write(f"##[error]{message}")
        self.add_issue("error", message, {})
        self.result = worst(self.result, Result.FAILED)

    def add_issue(self, kind: str, message: str, details: Mapping[str, str]) -> None:
        """Keep an issue; beyond ten of a kind in one step they are in the log only."""
        self._issues[kind] = self._issues.get(kind, 0) + 1
        if self._issues[kind] <= MOST_ISSUES:
            masked = {key: self.mask(value) for key, value in details.items()}
            self.emit(IssueLogged(self.host.now(), kind, self.mask(message), self.reference, masked))

    def mask(self, text: str) -> str:
        return self.run.everything.mask(text)

    def emit(self, event: Event) -> None:
        self.run.emit(event)

    def path(self, text: str) -> Path:
        """A path input: relative ones are beneath System.DefaultWorkingDirectory."""
        return self.folders.sources / text if text else self.folders.sources

    def check(self) -> None:
        """Raises StepStopped when this step must not go on."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise StepStopped("The task has timed out: it ran longer than its timeoutInMinutes allows.", True)
        if self.job.canceled and (self.job.cancel_time_is_over or not self.survives_cancel()):
            raise StepStopped(f"The operation was canceled. {self.job.cancel_reason}", False)

    def pause(self, seconds: float) -> None:
        """Wait. Raises StepStopped."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, 0.05))
        self.check()

    def environment(self) -> dict[str, str]:
        """What the step's process gets: the host's, every variable that is no secret, the step's own `env`, the PATH
        that earlier steps extended, and the mark by which the agent finds its processes."""
        base = dict(self.host.environment())
        own = {name: value for name, value in self.env.items() if can_be_environment(name, value)}
        found = {**base, **own, **self.variables.environment}
        if self.job.paths:
            path = base.get("PATH", "")
            found["PATH"] = os.pathsep.join((*self.job.paths, *((path,) if path else ())))
        found |= {LOOKUP: self.job.mark, "TF_BUILD": "True", "AGENT_JOBSTATUS": str(self.job.status)}
        found["agent.jobstatus"] = str(self.job.status)
        return found

    def execute(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], *, fail_on_error_stream: bool = False
    ) -> int:
        """Run a command to its end; its exit code. Its output goes to the log. Raises StepStopped, and StepError when
        it cannot be started or, with the flag, when it wrote to its standard error."""
        try:
            child = self.run.groups.start(command, cwd, env, separate=fail_on_error_stream)
            self.job.started_processes = True
        except (OSError, ValueError) as error:
            raise StepError(f"'{command[0]}' cannot be started in '{cwd}': {error}.") from error
        try:
            code = child.wait(self.log.feed, self.check)
        except BaseException:
            patience = Patience(interrupt=0.0, terminate=0.5) if self.run.aborted else self.run.request.patience
            child.stop(self.log.feed, patience.interrupt, patience.terminate)
            self.run.groups.end(child.pid)
            raise
        finally:
            self.log.flush()
        if self.run.groups.is_alive(child.pid):
            self.job.groups.append(child.pid)
        if fail_on_error_stream and child.wrote_error and code == 0:
            raise StepError("Bash wrote one or more lines to the standard error stream.")
        return code if code >= 0 else 128 - code  # ended by a signal: as a shell says it

    def run_agent_command(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> int:
        """`execute` as the host may use it: a command of the agent's own."""
        return self.execute(command, cwd, env)

    def temporary_file(self, suffix: str, text: str) -> Path:
        """A file in Agent.TempDirectory, readable by this user only."""
        path = self.folders.temp / f"{uuid.uuid4()}{suffix}"
        path.touch(0o600)
        path.write_text(text, encoding="utf-8", newline="\n")
        return path

    def set_output(self, name: str, value: str) -> None:
        """An output variable of the step's task; without a step name nobody could refer to it."""
        if self.step.name:
            self.job.variables.define(f"{self.step.name}.{name}", value, readonly=True)
            self.job.outputs[f"{self.step.name}.{name}"] = value

    def _emit_lines(self, first: int, lines: tuple[str, ...]) -> None:
        self.emit(LogLines(self.host.now(), self.reference, self.log_id, first, lines))
