"""Children that never outlive the sandbox: started in their own session, recorded, and ended as whole trees.

A terminal's Ctrl-C reaches only the terminal's own process group, so the children go on until the server stops them.
When the server itself is killed, the records it left say what the next one has to end (`Processes.sweep`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from sandbox.compute.errors import ExecutableNotFoundError, ProcessesClosedError
from sandbox.compute.records import (
    MARK,
    ProcessRecord,
    create_time_of,
    descendants,
    kill_all,
    marked_processes,
    new_mark,
    read_records,
    recorded_process,
    remove_record,
    write_record,
)

WINDOWS = sys.platform == "win32"

# The child waits here until its record is on disk: the shell reads one line from the server and only then becomes the
# command, under the same pid. If the server dies first, the read meets the end of the pipe and the command never runs.
# So there is no moment at which a command runs unrecorded. Windows has no exec; there the record follows the start
# within a millisecond or so.
GATE = 'read -r go || exit 125; exec "$@" </dev/null'


class Process:
    """A running child and its descendants. `returncode` is None while it runs; -N means ended by signal N."""

    def __init__(self, popen: subprocess.Popen[bytes], record: ProcessRecord, folder: Path) -> None:
        self.pid = popen.pid
        self.owner = record.owner
        self.returncode: int | None = None
        self.stopped = False  # whether stop() ended it, as opposed to its own end
        self._popen = popen
        self._record = record
        self._folder = folder
        self._ended = threading.Event()
        self._signalling = threading.Lock()
        threading.Thread(target=self._watch, name=f"child {popen.pid}", daemon=True).start()

    def poll(self) -> int | None:
        """The exit code, or None while the child runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end, at most `timeout` seconds; the exit code, or None when it still runs."""
        self._ended.wait(timeout)
        return self.returncode

    def stop(self, grace_seconds: float = 5.0) -> None:
        """Ask the whole tree to end, and after the grace end it. Returns when nothing of it is left."""
        tree = self.request_stop()
        self.finish_stop(tree, grace_seconds)

    def request_stop(self) -> list[psutil.Process]:
        """Ask the tree to end and return at once, with the processes that were in it."""
        with self._signalling:
            if self._ended.is_set():
                return []
            self.stopped = True
            tree = descendants(recorded_process(self._record))
            self._signal_group(interrupt=True)
        return tree

    def finish_stop(self, tree: Sequence[psutil.Process], grace_seconds: float) -> None:
        """Second half of `stop`: wait out the grace, then end what is left."""
        self._ended.wait(max(0.0, grace_seconds))
        with self._signalling:
            if not self._ended.is_set():
                self._signal_group(interrupt=False)
        kill_all([process for process in tree if process.pid != self.pid and process.is_running()])
        self._ended.wait()

    def _signal_group(self, *, interrupt: bool) -> None:
        # Only under the lock and before the child is reaped: until then its pid, and so its group, cannot be reused.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._popen.send_signal(signal.CTRL_BREAK_EVENT if interrupt else signal.SIGTERM)
            else:
                os.killpg(self.pid, signal.SIGTERM if interrupt else signal.SIGKILL)

    def _watch(self) -> None:
        await_exit(self._popen)
        with self._signalling:
            if not WINDOWS:
                self._signal_group(interrupt=False)  # what the command left in the background ends with it
            self.returncode = self._popen.wait()
            kill_all(marked_processes([self._record.mark]))
            remove_record(self._folder, self._record.mark)
            self._ended.set()


class Processes:
    """All children of one server. `folder` keeps one record per live child and belongs to this object alone."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._live: list[Process] = []
        self._lock = threading.Lock()
        self._closed = False

    def start(self, owner: str, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> Process:
        """Start `command` in `cwd` with exactly the environment `env`; its output is appended to `log` unbuffered.

        Raises `ExecutableNotFoundError` when the program is not to be found, and `ProcessesClosedError` while stopping.
        """
        program = find_program(command[0], cwd, env)
        mark = new_mark()
        log.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            if self._closed:
                raise ProcessesClosedError(f"The sandbox is stopping; {owner} is not started.")
            with log.open("ab", buffering=0) as output:
                popen = spawn([program, *command[1:]], cwd, {**env, MARK: mark}, output.fileno())
            # A child that ended within this microsecond has no create time; its record then matches no process.
            record = ProcessRecord(mark, popen.pid, create_time_of(popen.pid) or 0.0, owner, tuple(command))
            write_record(self._folder, record)
            open_gate(popen)
            process = Process(popen, record, self._folder)
            self._live = [*(live for live in self._live if live.poll() is None), process]
        return process

    def live(self) -> list[Process]:
        """The children that run now."""
        with self._lock:
            return [process for process in self._live if process.poll() is None]

    def sweep(self) -> list[str]:
        """End what an earlier server left behind, and say whose it was, oldest first.

        Call it once, before the first `start`. A record whose pid now belongs to another process ends nothing.
        """
        records = read_records(self._folder)
        trees = [member for record in records for member in descendants(recorded_process(record))]
        kill_all([*trees, *marked_processes(record.mark for record in records)])
        for record in records:
            remove_record(self._folder, record.mark)
        return [record.owner for record in records]

    def stop_all(self, grace_seconds: float = 5.0) -> None:
        """End every child, all within one grace period, and start none after that."""
        with self._lock:
            self._closed = True
            live = [process for process in self._live if process.poll() is None]
        deadline = time.monotonic() + grace_seconds
        trees = [(process, process.request_stop()) for process in live]
        for process, tree in trees:
            process.finish_stop(tree, deadline - time.monotonic())


def find_program(name: str, cwd: Path, env: Mapping[str, str]) -> str:
    """The program's absolute path, searched as the child would: a path from `cwd`, a bare name along its own PATH."""
    is_path = Path(name).name != name
    found = shutil.which(str(cwd / name) if is_path else name, path=env.get("PATH", os.defpath))
    if found is None:
        raise ExecutableNotFoundError(f'exec: "{name}": executable file not found in $PATH')
    return found


def spawn(command: Sequence[str], cwd: Path, env: Mapping[str, str], output: int) -> subprocess.Popen[bytes]:
    """Start the child behind the gate (POSIX), in a session or process group of its own."""
    if sys.platform == "win32":
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
        )
    return subprocess.Popen(
        ["/bin/sh", "-c", GATE, "sh", *command],
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def open_gate(popen: subprocess.Popen[bytes]) -> None:
    """Let the recorded child become its command. A child that died at the gate already is the watcher's business."""
    if popen.stdin is not None:
        with contextlib.suppress(BrokenPipeError), popen.stdin:
            popen.stdin.write(b"go\n")


def await_exit(popen: subprocess.Popen[bytes]) -> None:
    """Wait for the end, without reaping where the system can: so the pid stays taken until the group is signalled."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
    else:
        popen.wait()
