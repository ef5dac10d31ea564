"""A sandbox for one rehearsal, driven by its command: started in a scratch folder, stopped whatever happens."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from journey.interruption import deferred

COMMAND = (sys.executable, "-m", "sandbox")
STOP_SECONDS = 60


class SandboxError(Exception):
    """The sandbox did not start; the text is what it said."""


@contextmanager
def running_sandbox(state: Path) -> Iterator[Mapping[str, str]]:
    """The variables of a sandbox that runs for as long as the block does. Raises SandboxError."""
    try:
        _call("up", "--detach", "--port", str(_free_port()), "--state", str(state))
        yield json.loads(_call("env", "--format", "json", "--state", str(state)))
    finally:
        # Also when the start was interrupted half-way: the server may be there without having said so.
        with deferred():
            down = [*COMMAND, "down", "--state", str(state)]
            subprocess.run(down, capture_output=True, timeout=STOP_SECONDS, check=False, start_new_session=True)


def _call(*arguments: str) -> str:
    # A session of its own and no interruption: a start that is cut in two leaves a server that nobody knows of.
    with deferred():
        done = subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, start_new_session=True, check=False
        )
    if done.returncode:
        raise SandboxError(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
