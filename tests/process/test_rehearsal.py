"""`make rehearse`, as a user runs it: it passes, and Ctrl-C at any point leaves no process behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "journey", "rehearse"]


def started_by(process: psutil.Process, scratch: str) -> list[psutil.Process]:
    """The rehearsal's children, and whatever else names its scratch folder: the sandbox left its session."""
    found = {child.pid: child for child in process.children(recursive=True)}
    for other in psutil.process_iter(["cmdline"]):
        if scratch in " ".join(other.info["cmdline"] or []):
            found[other.pid] = other
            found |= {child.pid: child for child in other.children(recursive=True)}
    found.pop(os.getpid(), None)
    return list(found.values())


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("road", ["scripts", "pipeline"])
def test_the_rehearsal_passes_every_check(tmp_path: Path, road: str) -> None:
    """By hand, and as an attendee does it: from an import and a push."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [*COMMAND, "--road", road]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=1180, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout
    assert ("comes from run" in done.stdout) == (road == "pipeline")
    assert not list(tmp_path.glob("rehearsal-*"))


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("road", "after"),
    [
        ("scripts", ""),
        ("scripts", "sandbox "),
        ("scripts", "provision the workspace"),
        ("scripts", "train in a job"),
        ("pipeline", "import the repository"),
        ("pipeline", "Register data and hold-out"),
    ],
)
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, road: str, after: str) -> None:
    """Interrupted while the sandbox starts, while a step or a pipeline runs, and while model servers are up."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    rehearsal = subprocess.Popen(
        [*COMMAND, "--road", road],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    assert rehearsal.stdout is not None
    if after:
        for line in rehearsal.stdout:
            if after in line:
                break
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("rehearsal-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    began = started_by(psutil.Process(rehearsal.pid), str(tmp_path))
    rehearsal.send_signal(signal.SIGINT)
    output = rehearsal.stdout.read()
    assert rehearsal.wait(60) == 130, output
    assert re.search("Interrupted", output)
    _, alive = psutil.wait_procs(began, timeout=10)
    left = [process for process in started_by(psutil.Process(), str(tmp_path)) if process.is_running()]
    assert alive == []
    assert [process.cmdline() for process in left if str(tmp_path) in " ".join(process.cmdline())] == []
