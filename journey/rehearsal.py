"""The rehearsal: a sandbox, every step of the solution, the checker, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from journey.interruption import deferred
from journey.steps import Step, scoring_variables

FORGOTTEN = ("AZURE_", "AZUREML_", "ARM_", "MSI_", "IDENTITY_", "MLFLOW_", "SCORING_", "WORKSHOP_", "REQUESTS_", "SSL_")
GRACE_SECONDS = 10


@dataclass(frozen=True)
class StepResult:
    """How a step went. `log` holds all that it printed."""

    step: Step
    code: int
    seconds: float
    log: Path


class Runner:
    """Runs steps one after another, each a process that ends with the rehearsal."""

    def __init__(self, repository: Path, scratch: Path, release: Path, variables: Mapping[str, str]) -> None:
        self._repository = repository
        self._release = release
        self._logs = scratch / "logs"
        self._logs.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FORGOTTEN)}
        self._environment = {**kept, **variables, "PYTHONUNBUFFERED": "1"}

    def run(self, steps: Iterable[Step]) -> Iterator[StepResult]:
        """Each step's result as it ends; stops after one that failed."""
        for number, step in enumerate(steps, start=1):
            result = self._run(step, self._logs / f"{number:02}-{step.title.replace(' ', '-')}.log")
            yield result
            if result.code:
                return

    def call(self, program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> int:
        """One of the kit's programs, printing where the rehearsal prints; its exit code."""
        command = [sys.executable, "-m", program, *arguments]
        with _child(command, self._repository, {**self._environment, **(environment or {})}, None) as process:
            return process.wait()

    def write(self, file: Path, program: str, *arguments: str) -> int:
        """One of the kit's programs, whose output goes to a file; its exit code."""
        command = [sys.executable, "-m", program, *arguments]
        with _child(command, self._repository, self._environment, file) as process:
            return process.wait()

    def _run(self, step: Step, log: Path) -> StepResult:
        environment = {**self._environment, **step.environment}
        if step.scoring:
            environment |= scoring_variables(self._release, *step.scoring)
        started = time.monotonic()
        with _child(step.command, self._repository, environment, log) as process:
            code = process.wait()
        return StepResult(step, code, time.monotonic() - started, log)


@contextmanager
def _child(
    command: Iterable[str], folder: Path, environment: Mapping[str, str], log: Path | None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, ended with all its children when the block is left early."""
    process: subprocess.Popen[bytes] | None = None
    sink = log.open("wb") if log else None
    try:
        with deferred():
            process = subprocess.Popen(
                list(command),
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT if sink else None,
                start_new_session=True,
            )
        yield process
    finally:
        if process and process.poll() is None:
            _end(process)
        if sink:
            sink.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.terminate()
            else:
                os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
            return
