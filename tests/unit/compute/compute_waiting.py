"""Waiting for a condition instead of a time."""

import time
from collections.abc import Callable

import psutil

PATIENCE_SECONDS = 30


def wait_until(condition: Callable[[], object]) -> None:
    """Return when the condition holds; fail when it does not come to hold."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"this did not come to hold within {PATIENCE_SECONDS} s"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether the process does anything; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
