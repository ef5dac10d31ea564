"""A command job: code, inputs and outputs laid out in a fresh work folder, one command run there, results stored."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sandbox.compute.errors import TrainingError
from sandbox.compute.folders import (
    copy_tree,
    files_of,
    log_tail,
    make_read_only,
    move_files,
    remove_folder,
    removed_on_error,
)
from sandbox.compute.placeholders import Values, expand
from sandbox.compute.processes import Process, Processes
from sandbox.compute.runtime import Runtime

Status = Literal["Completed", "Failed", "Canceled"]

READ_ONLY_MODES = ("ro_mount", "eval_mount", "eval_download")
COPIED_MODES = (*READ_ONLY_MODES, "download")

# What a job leaves in these folders of its working directory becomes artifacts of its run, as on Azure.
ARTIFACT_FOLDERS = ("outputs", "logs")

STOP_GRACE_SECONDS = 5.0
MESSAGE_LINES = 12


@dataclass(frozen=True)
class LiteralInput:
    """A value that goes into the command as text; also an input of mode `direct`, whose text is the address."""

    value: str


@dataclass(frozen=True)
class AssetInput:
    """A file or a folder, and how it is delivered (azure-ai-ml's lower-case names: `ro_mount`, `download`...)."""

    path: Path
    mode: str = "ro_mount"


Input = LiteralInput | AssetInput


@dataclass(frozen=True)
class TrainingSpec:
    """One job. `outputs` maps a name to its destination folder; `timeout_seconds` None means no limit."""

    name: str
    command: str
    runtime: Runtime
    log: Path
    artifacts: Path
    code: Path | None = None
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, Path] = field(default_factory=dict)
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float | None = None


@dataclass(frozen=True)
class TrainingResult:
    """How a job ended. `exit_code` is None when its command never ran."""

    status: Status
    exit_code: int | None
    message: str
    log_tail: str


class TrainingRun:
    """One run of a job in `folder`, which must not exist yet and is removed when the run has ended."""

    def __init__(self, spec: TrainingSpec, processes: Processes, folder: Path) -> None:
        self.spec = spec
        self.folder = folder
        self._processes = processes
        self._process: Process | None = None
        self._deadline: float | None = None
        self._canceled = threading.Event()
        self._starting = threading.Lock()
        self._finishing = threading.Lock()
        self._result: TrainingResult | None = None

    def start(self) -> None:
        """Lay out the work folder and start the command.

        Raises `TrainingError` when the definition cannot be run; then nothing is left behind.
        """
        command = command_of(self.spec, self.folder)
        with removed_on_error(self.folder):
            self._lay_out()
            environment = self.spec.runtime.environment(self.folder / "home", self.spec.environment_variables)
            with self._starting:
                if not self._canceled.is_set():
                    self._process = self._processes.start(
                        self.spec.name, command, cwd=self.folder / "code", env=environment, log=self.spec.log
                    )
        if self.spec.timeout_seconds is not None:
            self._deadline = time.monotonic() + self.spec.timeout_seconds

    def cancel(self) -> None:
        """End the command and all below it, or keep it from starting. Harmless after the end."""
        with self._starting:
            self._canceled.set()
        if self._process is not None:
            self._process.stop(STOP_GRACE_SECONDS)

    def wait(self) -> TrainingResult:
        """Wait for the end, store outputs and artifacts, and say how it went. Later calls give the same answer.

        Raises `TrainingError` for a run that was neither started nor canceled.
        """
        if self._process is None and not self._canceled.is_set():
            raise TrainingError(f"Job {self.spec.name} was not started.")
        with self._finishing:
            if self._result is None:
                self._result = self._finish()
        return self._result

    def _lay_out(self) -> None:
        code = self.folder / "code"
        code.mkdir(parents=True)
        if self.spec.code is not None:
            copy_tree(self.spec.code, code)
        for name in ARTIFACT_FOLDERS:
            (code / name).mkdir(exist_ok=True)
        for name, given in self.spec.inputs.items():
            if isinstance(given, AssetInput):
                _deliver(given, input_path(self.folder, name, given))
        for name in self.spec.outputs:
            output_path(self.folder, name).mkdir(parents=True)
        self.spec.log.parent.mkdir(parents=True, exist_ok=True)
        self.spec.log.touch()

    def _finish(self) -> TrainingResult:
        timed_out = self._await_end()
        try:
            self._store()
            return self._judge(timed_out)
        finally:
            remove_folder(self.folder)

    def _await_end(self) -> bool:
        if self._process is None:
            return False
        remaining = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        if self._process.wait(remaining) is not None:
            return False
        self._process.stop(STOP_GRACE_SECONDS)
        return True

    def _store(self) -> None:
        # Also after a failure: what a failing job wrote is what one looks at to find out why.
        for name, destination in self.spec.outputs.items():
            destination.mkdir(parents=True, exist_ok=True)
            move_files(output_path(self.folder, name), destination)
        for name in ARTIFACT_FOLDERS:
            source = self.folder / "code" / name
            if any(True for _ in files_of(source)):
                move_files(source, self.spec.artifacts / name)

    def _judge(self, timed_out: bool) -> TrainingResult:
        code = None if self._process is None else self._process.returncode
        tail = log_tail(self.spec.log)
        if timed_out:
            return TrainingResult(
                "Failed", code, f"The job exceeded its limit of {self.spec.timeout_seconds:g} s.", tail
            )
        if self._canceled.is_set() and code != 0:
            return TrainingResult("Canceled", code, "The job was canceled.", tail)
        if code == 0:
            return TrainingResult("Completed", code, "", tail)
        if self._process is not None and self._process.stopped:
            return TrainingResult("Failed", code, "The sandbox stopped while the job was running.", tail)
        return TrainingResult("Failed", code, failure_message(code or 0, self.spec.log), tail)


def _deliver(given: AssetInput, target: Path) -> None:
    # A copy, never the stored asset itself: a version of an asset must not change under a job, nor through one.
    copy_tree(given.path, target)
    if given.mode in READ_ONLY_MODES:
        make_read_only(target)


def input_path(folder: Path, name: str, given: AssetInput) -> Path:
    """Where the input lies for the job: a folder, or a file under its own name."""
    place = folder / "inputs" / name
    return place if given.path.is_dir() else place / given.path.name


def output_path(folder: Path, name: str) -> Path:
    """Where the job writes that output."""
    return folder / "outputs" / name


def command_of(spec: TrainingSpec, folder: Path) -> list[str]:
    """The command line that runs the job's command text, its placeholders replaced by local paths and values.

    Raises `TrainingError` for a placeholder without a value, an input that is not there, or a mode that is not served.
    """
    for name, given in spec.inputs.items():
        _check_input(name, given)
    literals = {f"inputs.{name}": item.value for name, item in spec.inputs.items() if isinstance(item, LiteralInput)}
    paths = {
        f"inputs.{name}": str(input_path(folder, name, item))
        for name, item in spec.inputs.items()
        if isinstance(item, AssetInput)
    }
    paths |= {f"outputs.{name}": str(output_path(folder, name)) for name in spec.outputs}
    return shell_command(expand(spec.command, Values(literals, paths)))


def _check_input(name: str, given: Input) -> None:
    if isinstance(given, LiteralInput):
        return
    if given.mode not in COPIED_MODES:
        served = ", ".join(COPIED_MODES)
        raise TrainingError(f"Input {name} asks for mode {given.mode}, which is not implemented here ({served} are).")
    if not given.path.exists():
        raise TrainingError(f"Input {name}: nothing is stored at {given.path.name}.")


def shell_command(text: str) -> list[str]:
    """The shell that runs a command text: bash where there is one, as in Azure's images, else sh; cmd on Windows."""
    if sys.platform == "win32":
        return ["cmd", "/d", "/c", text]
    return [shutil.which("bash") or "/bin/sh", "-c", text]


def failure_message(code: int, log: Path) -> str:
    """One line on how the command ended, then the last lines of its log."""
    ended = f"ended by signal {signal_name(-code)}" if code < 0 else f"failed with exit code {code}"
    tail = log_tail(log, MESSAGE_LINES)
    said = f" The last lines of its log:\n{tail}" if tail else " It wrote nothing to its log."
    return f"The command {ended}.{said}"


def signal_name(number: int) -> str:
    """`9 (SIGKILL)`, or the bare number for one this system does not know."""
    known = {item.value: item.name for item in signal.Signals}
    return f"{number} ({known[number]})" if number in known else str(number)
