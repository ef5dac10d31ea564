"""Children of a run: each in a group of its own, none of which outlives the run, however the run ends.

A small shell watches this process through a pipe. It knows every live group, and when the pipe closes before the end
was said, because this process is gone, be it by `kill -9`, it ends them. A child that left its group, or that started
in that very moment, is found by a variable that all of a job's processes inherit, the one by which the agent finds them
too; the marks of the jobs under way are files in the run's folder.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

WINDOWS = sys.platform == "win32"
MARKS = "_marks"
LOOKUP = "VSTS_PROCESS_LOOKUP_ID"
CHUNK_BYTES = 64 * 1024
# Output that waits to be read by the step's thread: beyond this the child waits.
MOST_CHUNKS = 8
LOOK_SECONDS = 0.05
# How long output is still read after the command ended, when something in the background holds its pipe: as long as
# nothing comes, and at most.
DRAIN_SECONDS = 0.25
LONGEST_DRAIN_SECONDS = 10.0
END_SECONDS = 5.0

WATCH = """
trap '' INT TERM HUP
live=" "
while read -r sign group; do
  case "$sign" in
    +) live="$live$group " ;;
    -) live="${live%% $group *} ${live#* $group }" ;;
    .) exit 0 ;;
  esac
done
for group in $live; do kill -9 "-$group"; done 2>/dev/null
exec "$@"
"""
SWEEP = (
    "import sys; from pathlib import Path; from sandbox.pipelines.running.processes import end_left_behind; "
    "end_left_behind(Path(sys.argv[1]))"
)


class ProcessGroups:
    """All groups of one run. Any thread may start, end and close; after `close` nothing starts. `folder` is the run's,
    where its jobs' marks are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._live: set[int] = set()
        self._watch: subprocess.Popen[bytes] | None = None
        self._closed = False

    def start(self, command: Sequence[str], cwd: Path, env: Mapping[str, str], separate: bool) -> "Child":
        """Start a command with exactly this environment. `separate` keeps standard error apart. Raises OSError, and
        RuntimeError after `close`."""
        with self._lock:
            if self._closed:
                raise RuntimeError("the run is over: no process is started any more")
            if self._watch is None and not WINDOWS:
                self._watch = _start_watch(self._folder)
            popen = _spawn(command, cwd, env, separate)
            self._live.add(popen.pid)
            self._tell(f"+ {popen.pid}")
        return Child(popen)

    def is_alive(self, group: int) -> bool:
        """Whether a process of the group is left; a group without any is forgotten. Call it once the leader is reaped:
        while a member lives, nobody else gets the number."""
        try:
            if WINDOWS:
                return False
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            self._forget(group)
            return False
        return True

    def end(self, group: int) -> None:
        """End what is left of a group, at once."""
        signal_group(group, getattr(signal, "SIGKILL", signal.SIGTERM))
        self._forget(group)

    def close(self) -> None:
        """End every group, and start none after that."""
        with self._lock:
            self._closed = True
            live, watch = tuple(self._live), self._watch
        for group in live:
            self.end(group)
        if watch is not None and watch.stdin is not None:
            self._tell(".")
            watch.stdin.close()
            watch.wait()

    def _forget(self, group: int) -> None:
        with self._lock:
            if group in self._live:
                self._live.discard(group)
                self._tell(f"- {group}")

    def _tell(self, line: str) -> None:
        if self._watch is not None and self._watch.stdin is not None:
            # Somebody ended the watch: the run goes on without it.
            with contextlib.suppress(BrokenPipeError, ValueError):
                self._watch.stdin.write(f"{line}\n".encode())


def _spawn(command: Sequence[str], cwd: Path, env: Mapping[str, str], separate: bool) -> subprocess.Popen[bytes]:
    """Start a command in a group of its own. Raises OSError."""
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if separate else subprocess.STDOUT,
        bufsize=0,
        start_new_session=not WINDOWS,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _start_watch(folder: Path) -> subprocess.Popen[bytes]:
    home = str(Path(__file__).resolve().parents[3])  # where the package `sandbox` is
    sweep = [sys.executable, "-c", SWEEP, str(folder.absolute())]
    return subprocess.Popen(
        ["/bin/sh", "-c", WATCH, "watch", *sweep],
        env={**os.environ, "PYTHONPATH": home},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        start_new_session=True,
    )


class Child:
    """A running command. Its output is read by threads of its own into a short queue, so that the step's thread can
    look at its time limit while nothing comes."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self.pid = popen.pid
        self.wrote_error = False
        self._popen = popen
        self._abandoned = False
        self._chunks: queue.Queue[bytes] = queue.Queue(MOST_CHUNKS)
        pipes = [pipe for pipe in (popen.stdout, popen.stderr) if pipe is not None]
        self._open = len(pipes)
        for pipe in pipes:
            threading.Thread(target=self._pump, args=(pipe, pipe is popen.stderr), daemon=True).start()

    def wait(self, write: Callable[[bytes], None], look: Callable[[], None]) -> int:
        """Pass the output on until the command has ended; its exit code, -N after signal N. `look` is called often and
        may raise to give up waiting: then the command still runs."""
        ended_at, last_at = None, time.monotonic()
        while self._open:
            look()
            now = time.monotonic()
            if ended_at is None and self._popen.poll() is not None:
                ended_at = last_at = now
            if ended_at is not None and (now - last_at > DRAIN_SECONDS or now - ended_at > LONGEST_DRAIN_SECONDS):
                self.abandon()
                break
            with contextlib.suppress(queue.Empty):
                self._take(self._chunks.get(timeout=LOOK_SECONDS), write)
                last_at = time.monotonic()
        return self._code(look)

    def abandon(self) -> None:
        """Nobody reads the output any more; what still comes is dropped, so that its writer does not block."""
        self._abandoned = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._chunks.get_nowait()

    def stop(self, write: Callable[[bytes], None], interrupt_seconds: float, terminate_seconds: float) -> None:
        """As the agent does: interrupt the group, later ask it to terminate, then end it."""
        for number, seconds in ((signal.SIGINT, interrupt_seconds), (signal.SIGTERM, terminate_seconds)):
            signal_group(self.pid, number)
            if self._ends_within(seconds, write):
                break
        signal_group(self.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self._popen.wait()
        self.abandon()

    def _ends_within(self, seconds: float, write: Callable[[bytes], None]) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self._take(self._chunks.get(timeout=LOOK_SECONDS), write)
            except queue.Empty:
                if self._popen.poll() is not None:
                    return True
            if not self._open and self._popen.poll() is not None:
                return True
        return self._popen.poll() is not None

    def _take(self, chunk: bytes, write: Callable[[bytes], None]) -> None:
        if chunk:
            write(chunk)
        else:
            self._open -= 1

    def _code(self, look: Callable[[], None]) -> int:
        while True:
            try:
                return self._popen.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                look()

    def _pump(self, pipe: object, is_error: bool) -> None:
        descriptor = pipe.fileno()  # type: ignore[attr-defined]
        while True:
            try:
                chunk = os.read(descriptor, CHUNK_BYTES)
            except OSError:
                chunk = b""
            self.wrote_error |= is_error and bool(chunk)
            if not self._abandoned:
                self._chunks.put(chunk)
            if not chunk:
                pipe.close()  # type: ignore[attr-defined]
                return


def signal_group(group: int, number: int) -> None:
    """Send a signal to a group that may be gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if WINDOWS:
            os.kill(group, signal.CTRL_BREAK_EVENT if number == signal.SIGINT else signal.SIGTERM)  # type: ignore[attr-defined,unused-ignore]
        else:
            os.killpg(group, number)


def write_mark(folder: Path, mark: str) -> None:
    """Remember a job's mark for as long as its processes may live."""
    (folder / MARKS).mkdir(exist_ok=True)
    (folder / MARKS / mark).touch()


def remove_mark(folder: Path, mark: str) -> None:
    (folder / MARKS / mark).unlink(missing_ok=True)


def end_left_behind(folder: Path) -> list[psutil.Process]:
    """End what the jobs of a run left behind that was broken off, be it by `kill -9`; `folder` is the run's host's.
    Gives the processes. Call it when the run does not run."""
    marks = [path.name for path in (folder / MARKS).glob("*")]
    found = [process for mark in marks for process in end_marked(mark)]
    for mark in marks:
        remove_mark(folder, mark)
    return found


def end_marked(mark: str) -> list[psutil.Process]:
    """End every process that inherited the mark, wherever it went; gives them. Also for what an earlier process of
    this library left behind: the mark then is the one of the interrupted job."""
    found = [process for process in psutil.process_iter() if _mark_of(process) == mark]
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill()
    deadline = time.monotonic() + END_SECONDS
    while any(map(_is_alive, found)) and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


def _is_alive(process: psutil.Process) -> bool:
    # Not psutil's own wait: that would take a child's exit code from the thread that waits for it.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _mark_of(process: psutil.Process) -> str | None:
    # Another user's process, a zombie or a kernel thread has no environment to read: none of ours.
    try:
        return process.environ().get(LOOKUP)
    except (psutil.Error, OSError):
        return None
