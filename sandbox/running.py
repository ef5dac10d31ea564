"""The server of a state folder, seen from outside: light enough for every command to ask."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox.settings import HOST

STAY = b"stay"


@dataclass(frozen=True)
class Running:
    """A server that answers, with what signs its owner in.

    `created` is the process's creation time: a pid alone may be somebody else's by now.
    """

    pid: int
    created: float
    port: int
    secret: str
    organization: str = ""
    devops_token: str = ""

    @property
    def base(self) -> str:
        return f"https://{HOST}:{self.port}"


def get_running(state: Path) -> Running | None:
    """The server of a state folder, or None. A record whose process is gone does not count."""
    try:
        record = Running(**json.loads((state / "server.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return record if is_alive(record) else None


def is_alive(running: Running) -> bool:
    """Whether the server's process is there, and still the same one."""
    try:
        process = psutil.Process(running.pid)
        return abs(process.create_time() - running.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Look every 20 ms until it is so, or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def is_locked(state: Path) -> bool:
    """Whether a server holds the state folder, be it only starting or still ending."""
    try:
        with (state / "lock").open("a+") as lock:
            return not try_lock(lock.fileno())
    except OSError:
        return False


def try_lock(descriptor: int) -> bool:
    """Take the lock behind an open file; False where another process has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
