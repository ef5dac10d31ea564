"""Programs of the learner, run as children with a limit of time and a clean environment.

A learner's script is not trusted with the checker's sign-in: no token, no AZURE_ variable and no proxy goes to it.
"""

import atexit
import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# What a program needs to start at all, here and on Windows. Everything else of this environment stays here.
HANDED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "COMSPEC", "PATHEXT", "LD_LIBRARY_PATH")
AT_ONCE = 3  # each may take a core and 200 MB; the checks ask from six threads
OUTPUT_LIMIT = 200_000  # characters of a program's output that are kept, from the end


@dataclass(frozen=True)
class Ended:
    """A program that ended: `code` is None when its time was up, `output` is stdout and stderr as they came."""

    code: int | None
    output: str
    seconds: float

    @property
    def last_line(self) -> str:
        """The last line that says something: in a traceback, the error."""
        return next((line.strip() for line in reversed(self.output.splitlines()) if line.strip()), "")


class Processes:
    """The children of one run of the checker and the folders they run in. All of them end with it, also when it is
    interrupted: then the threads that wait for a child are not heard any more, and this cleans up for them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._alive: set[subprocess.Popen[str]] = set()
        self._folders: set[Path] = set()
        self._over = False
        atexit.register(self.end)

    def run(
        self, command: Sequence[str], folder: Path, seconds: float, variables: Mapping[str, str] | None = None
    ) -> Ended:
        """Run a program in a folder, at most for so many seconds. Raises OSError when it cannot be started."""
        with self._slots:
            return self._run(command, folder, seconds, clean_environment(folder, variables or {}))

    def _run(self, command: Sequence[str], folder: Path, seconds: float, environment: Mapping[str, str]) -> Ended:
        began = time.monotonic()
        child = subprocess.Popen(
            list(command),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        with self._lock:
            self._alive.add(child)
        try:
            code, output = _wait(child, 0 if self._over else seconds)
        finally:
            child.kill()
            child.wait()
            with self._lock:
                self._alive.discard(child)
        return Ended(code, output[-OUTPUT_LIMIT:], time.monotonic() - began)

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder of their own, gone afterwards."""
        made = Path(tempfile.mkdtemp(prefix="checker-")).resolve()
        with self._lock:
            self._folders.add(made)
        try:
            yield made
        finally:
            self._remove(made)

    def end(self) -> None:
        """Kill what still runs, and remove what it ran in."""
        with self._lock:
            self._over = True
            alive, folders = tuple(self._alive), tuple(self._folders)
        for child in alive:
            child.kill()
            child.wait()
        for made in folders:
            self._remove(made)

    def _remove(self, made: Path) -> None:
        """Windows keeps a folder while a program that was just killed has a file in it open: that one is left."""
        shutil.rmtree(made, ignore_errors=os.name == "nt" or self._over)
        with self._lock:
            self._folders.discard(made)


def _wait(child: subprocess.Popen[str], seconds: float) -> tuple[int | None, str]:
    try:
        output = child.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        child.kill()
        return None, child.communicate()[0]
    return child.returncode, output


def clean_environment(home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """What a learner's program gets: the few variables that any program needs, a home of its own, and `variables`."""
    kept = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    own = {"HOME": str(home), "USERPROFILE": str(home), "TMPDIR": str(home), "TEMP": str(home), "TMP": str(home)}
    return {**kept, **own, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", "NO_PROXY": "*", **variables}
