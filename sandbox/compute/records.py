"""One JSON record per live child, so that a server that was killed can be tidied up after by the next one."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

# Every descendant inherits this variable, so a child that left its parent and its process group is still found.
MARK = "SANDBOX_PROCESS"

# psutil derives a create time from the boot time and clock ticks; two readings of it may differ by a rounding.
CREATE_TIME_TOLERANCE_SECONDS = 1.0

NO_PID = 2**31 - 1  # above every pid limit in use


@dataclass(frozen=True)
class ProcessRecord:
    """A live child. `mark` is unique for ever; `pid` with `create_time` (seconds since the epoch) names it too."""

    mark: str
    pid: int
    create_time: float
    owner: str
    command: tuple[str, ...]


def new_mark() -> str:
    """A mark no other child of any server has had."""
    return secrets.token_hex(12)


def write_record(folder: Path, record: ProcessRecord) -> None:
    """Store the record; a reader sees all of it or none of it."""
    temporary = folder / f"{record.mark}.writing"
    temporary.write_text(json.dumps(asdict(record)), encoding="utf-8")
    os.replace(temporary, record_path(folder, record.mark))  # noqa: PTH105 - the atomic one, by its usual name


def remove_record(folder: Path, mark: str) -> None:
    """Forget the record; a record that is gone already is what was wanted."""
    record_path(folder, mark).unlink(missing_ok=True)


def read_records(folder: Path) -> list[ProcessRecord]:
    """All records, oldest first; half-written leftovers of a crash are removed on the way."""
    for leftover in folder.glob("*.writing"):
        leftover.unlink(missing_ok=True)
    paths = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [_read(path) for path in paths]


def _read(path: Path) -> ProcessRecord:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        # A power cut can empty a file that was just renamed. The mark, which is the file's name, still finds the child.
        return ProcessRecord(path.stem, NO_PID, 0.0, "unknown", ())
    return ProcessRecord(**{**fields, "command": tuple(fields["command"])})


def record_path(folder: Path, mark: str) -> Path:
    """Where the record of that mark is kept."""
    return folder / f"{mark}.json"


def create_time_of(pid: int) -> float | None:
    """When the process was created, in seconds since the epoch, or None when it is gone already."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def recorded_process(record: ProcessRecord) -> psutil.Process | None:
    """The process the record is about, or None when it ended and its pid is free or somebody else's."""
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.create_time) <= CREATE_TIME_TOLERANCE_SECONDS
    except psutil.NoSuchProcess:
        return None
    return process if same else None


def descendants(process: psutil.Process | None) -> list[psutil.Process]:
    """The process and everything below it; empty when it is gone."""
    if process is None:
        return []
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def marked_processes(marks: Iterable[str]) -> list[psutil.Process]:
    """Every process of this user that carries one of the marks, wherever in the process tree it went."""
    wanted = frozenset(marks)
    if not wanted:
        return []
    return [process for process in psutil.process_iter() if _mark_of(process) in wanted]


def _mark_of(process: psutil.Process) -> str | None:
    # Another user's process, a zombie or a kernel thread has no environment to read: none of ours.
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def kill_all(processes: Sequence[psutil.Process], seconds: float = 5.0) -> None:
    """End the processes at once and wait until they are gone; psutil refuses to signal a pid that was reused."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + seconds
    while any(_alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.005)


def _alive(process: psutil.Process) -> bool:
    # A zombie runs nothing any more; an orphan stays one for as long as the machine's init does not reap it.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
