"""A sandbox for one rehearsal, driven by its command: started in a scratch folder, stopped whatever happens."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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
        with _no_interruption():
            down = [*COMMAND, "down", "--state", str(state)]
            subprocess.run(down, capture_output=True, timeout=STOP_SECONDS, check=False, start_new_session=True)


@contextmanager
def _no_interruption() -> Iterator[None]:
    """A second Ctrl-C must not cut the cleaning up short."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _call(*arguments: str) -> str:
    # A session of its own: Ctrl-C at the terminal is the rehearsal's to handle, in its order.
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        output, problem = process.communicate()
    except KeyboardInterrupt:
        # A start that is cut in two leaves a server that nobody knows of yet: let it end, then stop it.
        with _no_interruption():
            process.communicate(timeout=STOP_SECONDS)
        raise
    if process.returncode:
        raise SandboxError(problem.strip() or output.strip())
    return output


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
