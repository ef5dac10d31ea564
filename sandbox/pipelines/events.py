"""What happens in a run, as frozen data in the order in which it happened. Every reader of a run reads these.

Texts are masked before an event is made. Times are aware and in UTC. A stage's job is a phase; what one agent runs of
it (the whole job, one leg of a matrix, one hook of a deployment) is what JobStarted and JobFinished speak of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sandbox.pipelines.expressions.contexts import Result


@dataclass(frozen=True, slots=True)
class JobReference:
    """One agent job. `leg` is a matrix leg's (or parallel copy's) name; `hook` and `increment` are a deployment's."""

    stage: str
    job: str
    leg: str = ""
    hook: str = ""
    increment: str = ""

    def __str__(self) -> str:
        return ".".join(one for one in (self.stage, self.job, self.leg, self.hook, self.increment) if one)


@dataclass(frozen=True, slots=True)
class StepReference:
    """One step of an agent job; `order` counts from 1. `kind` is the word it was written with, or `agent` for what the
    agent does by itself. `task` is `Name@version`, or empty."""

    job: JobReference
    order: int
    display_name: str
    name: str = ""
    kind: str = "agent"
    task: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """`graph` has the stages, and each one's jobs, as they were written."""

    run_id: int
    build_number: str
    notices: tuple[str, ...] = ()
    graph: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    result: Result
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StageWaiting(Event):
    """The stage waits for a person or a check; `what` says for which."""

    stage: str
    what: str


@dataclass(frozen=True, slots=True)
class GateAnswered(Event):
    """The end of what StageWaiting began."""

    stage: str
    what: str
    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StageStarted(Event):
    stage: str
    display_name: str = ""
    condition: str = ""  # the condition with its operands' values


@dataclass(frozen=True, slots=True)
class StageFinished(Event):
    """Also for a stage that never started: then `result` is Skipped or Canceled."""

    stage: str
    result: Result
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PhaseStarted(Event):
    stage: str
    job: str
    display_name: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class PhaseFinished(Event):
    """`outputs` are the output variables by the names that dependants use."""

    stage: str
    job: str
    result: Result
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobStarted(Event):
    job: JobReference
    display_name: str
    agent: str = ""
    pool: str = ""  # what the file asked for


@dataclass(frozen=True, slots=True)
class JobFinished(Event):
    job: JobReference
    result: Result
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """`log` is the file that the step's output goes to, one line with its time each."""

    step: StepReference
    log_id: int
    log: Path


@dataclass(frozen=True, slots=True)
class LogLines(Event):
    """A batch of a step's output; `first` is the number of its first line, from 1. One batch is at most 64 KiB."""

    step: StepReference
    log_id: int
    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProgressSet(Event):
    step: StepReference
    percent: int
    operation: str = ""


@dataclass(frozen=True, slots=True)
class StepFinished(Event):
    """`lines` counts the log's; `condition` shows why a step was skipped."""

    step: StepReference
    result: Result
    log_id: int = 0
    lines: int = 0
    condition: str = ""
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class IssueLogged(Event):
    """`kind` is error or warning. `step` None is the run's own."""

    kind: str
    message: str
    step: StepReference | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VariableSet(Event):
    """By a logging command. A secret's value is `***`."""

    step: StepReference
    name: str
    value: str
    secret: bool = False
    output: bool = False


@dataclass(frozen=True, slots=True)
class BuildNumberChanged(Event):
    build_number: str


@dataclass(frozen=True, slots=True)
class TagAdded(Event):
    tag: str


@dataclass(frozen=True, slots=True)
class ArtifactPublished(Event):
    """`kind` is PipelineArtifact or Container; `size` in bytes."""

    step: StepReference
    name: str
    kind: str
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class FileAttached(Event):
    """`kind` is an attachment's type; a summary's is Distributedtask.Core.Summary, an uploaded file's is
    Distributedtask.Core.FileAttachment. The path is the host's copy."""

    step: StepReference
    kind: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class TestResultsPublished(Event):
    step: StepReference
    title: str
    total: int
    passed: int
    failed: int
    skipped: int
    files: int = 1


@dataclass(frozen=True, slots=True)
class CoveragePublished(Event):
    """Lines and branches: covered and valid."""

    step: StepReference
    lines_covered: int
    lines_valid: int
    branches_covered: int = 0
    branches_valid: int = 0


@dataclass(frozen=True, slots=True)
class DeploymentStarted(Event):
    stage: str
    job: str
    environment: str
    resource: str = ""
    strategy: str = "runOnce"


@dataclass(frozen=True, slots=True)
class DeploymentFinished(Event):
    stage: str
    job: str
    environment: str
    result: Result
    resource: str = ""


Sink = Callable[[Event], None]
