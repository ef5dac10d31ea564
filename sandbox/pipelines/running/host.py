"""What a run needs from where it runs: a laptop's command line gives a little of it, a server all."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class VariableGroup:
    """Members by name; `secrets` names those that are secret."""

    values: Mapping[str, str]
    secrets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ServiceConnection:
    """An Azure identity for a step.

    `environment` is given to the step's process when there is no `az` (AZURE_CLIENT_ID, AZURE_TENANT_ID and a secret or
    token file). `login` are the `az` commands, without the word az, that sign in inside the step's own configuration
    folder. `secrets` are masked everywhere. One of `service_principal_key` and `id_token` is set.
    """

    name: str
    tenant_id: str = ""
    subscription_id: str = ""
    service_principal_id: str = ""
    service_principal_key: str = ""
    id_token: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    login: tuple[tuple[str, ...], ...] = ()
    secrets: tuple[str, ...] = ()


# Runs a command as part of the step: its output goes to the step's log, a cancel ends it; gives its exit code.
Execute = Callable[[Sequence[str], Path, Mapping[str, str]], int]


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """A repository's sources into an empty or new `folder`, in detached HEAD. `repository` is `self` or an alias;
    `depth` 0 is the whole history. `kept` is a folder of the run, where what was fetched is kept for its later jobs;
    None keeps nothing."""

    repository: str
    folder: Path
    depth: int
    tags: bool
    lfs: bool
    submodules: str
    persist_credentials: bool
    execute: Execute
    write: Callable[[str], None]
    kept: Path | None = None


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What a stage waits for before it starts, or a ManualValidation task inside it.

    `kind`: `manual` (the stage's trigger is manual), `environment` (checks of the environment that a deployment job of
    the stage names), `checkpoint` (everything at once, where the run asks for checkpoints), `validation` (a
    ManualValidation task). `timeout_seconds` 0 is the host's choice.
    """

    kind: str
    stage: str
    name: str
    instructions: str = ""
    timeout_seconds: float = 0.0
    approvers: str = ""


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """`reason` is one sentence for the log, whatever the answer. `timed_out` when nobody answered in time."""

    allowed: bool
    reason: str = ""
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """`folder` holds the artifact's content at its root, and may be read only."""

    name: str
    kind: str
    folder: Path


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test's result. `outcome` is Passed, Failed or NotExecuted."""

    name: str
    suite: str
    outcome: str
    seconds: float = 0.0
    message: str = ""
    stack_trace: str = ""


@dataclass(frozen=True, slots=True)
class TestRunResults:
    """Results of one file, or of several that were merged. `stage` and `job` are where they come from."""

    title: str
    cases: tuple[TestCase, ...]
    stage: str
    job: str
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    lines_covered: int
    lines_valid: int
    branches_covered: int = 0
    branches_valid: int = 0


class Cancellation:
    """Set once; whoever subscribed is called at that moment, in the thread that cancels."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self.reason = ""

    @property
    def requested(self) -> bool:
        return self._event.is_set()

    def request(self, reason: str) -> None:
        """Ask for the end; a second request changes nothing."""
        with self._lock:
            if self._event.is_set():
                return
            self.reason = reason
            self._event.set()
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call it when a cancel is requested, or now when it was."""
        with self._lock:
            self._callbacks.append(callback)
            requested = self._event.is_set()
        if requested:
            callback()

    def notify(self) -> None:
        """Call the subscribers once more: there is something new to look at."""
        with self._lock:
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()

    def wait(self, seconds: float) -> bool:
        """Whether a cancel was requested within that time."""
        return self._event.wait(seconds)


class RunHost(Protocol):
    """A run's surroundings. Methods are called from several threads; what they raise beyond what is said ends the run.

    `folder` is the run's own: work folders, logs and temporary files are made below it.
    """

    @property
    def folder(self) -> Path: ...

    def now(self) -> datetime: ...

    def environment(self) -> Mapping[str, str]:
        """What a step's process inherits before any variable."""
        ...

    def counter(self, prefix: str, seed: int) -> int:
        """`counter(prefix, seed)` of this pipeline, which counts once a run and prefix."""
        ...

    def revision(self, number: str) -> int:
        """`$(Rev:r)`: how many runs, this one included, have had this number apart from it."""
        ...

    def variable_group(self, name: str) -> VariableGroup | None: ...

    def service_connection(self, name: str) -> ServiceConnection | None:
        """The connection with fresh credentials, or None when this pipeline has none of that name."""
        ...

    def repository_name(self, alias: str) -> str:
        """The folder name of a repository when several are checked out. Raises StepError when there is none."""
        ...

    def checkout(self, request: CheckoutRequest) -> None:
        """Raises StepError."""
        ...

    def await_gate(self, request: GateRequest, cancellation: Cancellation) -> GateAnswer:
        """Blocks until somebody answers or the run is canceled."""
        ...

    def publish_artifact(self, name: str, source: Path, kind: str) -> StoredArtifact:
        """Copy a file, or a folder's content. Raises StepError when a pipeline artifact of that name exists; a build
        artifact (kind Container) takes more content in."""
        ...

    def list_artifacts(self) -> Sequence[StoredArtifact]: ...

    def attach(self, kind: str, name: str, source: Path) -> Path:
        """Keep a copy of a summary, log or attachment; gives its place."""
        ...

    def publish_test_results(self, results: TestRunResults) -> None: ...

    def publish_coverage(self, coverage: Coverage, report: Path) -> None: ...

    def agent(self) -> AbstractContextManager[Path | None]:
        """An agent for the length of a job: its tools folder, which it keeps; None when a job's tools are its own."""
        ...

    def find_python(self, version: str, tools: Path, execute: Execute) -> Path | None:
        """The folder with the `python` of a version range, such as `3.x` or `>=3.11`. None when there is none."""
        ...
