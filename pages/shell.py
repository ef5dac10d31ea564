"""One shell that a reader keeps open: it takes block after block, and its folder, variables and functions stay."""

import os
import queue
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GRACE = 3.0


@dataclass(frozen=True)
class Answer:
    """What a block came to. `failed` is the first command that failed, `status` that of the last one; a shell that the
    block ended, or that ran out of time, has no status."""

    status: int | None
    failed: str
    output: str
    seconds: float
    timed_out: bool = False

    @property
    def succeeded(self) -> bool:
        return self.status == 0 and not self.failed


class Shell:
    """A bash of its own session. Raises OSError where there is no bash."""

    def __init__(self, folder: Path, environment: Mapping[str, str], scratch: Path) -> None:
        self._script = scratch / f"block-{uuid.uuid4().hex[:8]}.sh"
        self._mark = f"end-of-block-{uuid.uuid4().hex}"
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, name="shell", daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.decode("utf-8", "replace"))
        self._lines.put(None)

    def run(self, text: str, timeout: float) -> Answer:
        """Execute a block as if it were typed, with nothing to read from. Later commands of it run after one that
        failed, as they would for a reader."""
        began = time.monotonic()
        self._script.write_text(text, encoding="utf-8")
        self._send(
            f"__failed=; trap '__failed=${{__failed:-$BASH_COMMAND}}' ERR; . '{self._script}' </dev/null; "
            f"__status=$?; trap - ERR; printf '\\n%s %s %s\\n' {self._mark} \"$__status\" \"${{__failed//$'\\n'/ }}\"\n"
        )
        output: list[str] = []
        while True:
            left = timeout - (time.monotonic() - began)
            try:
                line = self._lines.get(timeout=max(left, 0.01))
            except queue.Empty:
                self.close()
                return Answer(None, "", "".join(output), time.monotonic() - began, timed_out=True)
            if line is None:
                return Answer(None, "", "".join(output), time.monotonic() - began)
            if line.startswith(self._mark):
                _, status, failed = [*line.rstrip("\n").split(" ", 2), ""][:3]
                return Answer(int(status), failed, "".join(output).rstrip("\n"), time.monotonic() - began)
            output.append(line)

    def _send(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            self._lines.put(None)  # an earlier block ended the shell

    def close(self) -> None:
        """End the shell and what it left in the foreground. What daemons it started is theirs to end."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._script.unlink(missing_ok=True)
