"""`make rehearse`, as a user runs it: it passes, and Ctrl-C at any point leaves no process behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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


def rehearsed(tmp_path: Path, *options: str) -> tuple[str, dict[str, Any]]:
    """What a rehearsal printed, and its timings; nothing of it is left in its folder for what is temporary."""
    timings = tmp_path / "timings.json"
    command = [*COMMAND, *options, "--timings", str(timings)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=1180, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout
    assert not list(tmp_path.glob("rehearsal-*"))
    return done.stdout, json.loads(timings.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_scripts_by_hand_pass_every_check(tmp_path: Path) -> None:
    """Without Azure DevOps."""
    _, timings = rehearsed(tmp_path, "--road", "scripts")
    assert timings["steps"]["train in a job"] > 0


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_each_module_is_done_and_checked(tmp_path: Path) -> None:
    """As far as no run is needed: `make rehearse` goes on from there, and the catch-up has runs. The table says where
    the seconds went.
    """
    said, timings = rehearsed(tmp_path, "--to", "5")
    modules = {one["module"]: one for one in timings["modules"]}
    assert list(modules) == [*(f"M{number}" for number in range(6)), "all"]
    assert all(one["passed"] == one["checks"] > 0 for one in modules.values())
    assert sum(one["own"] + one["runs"] + one["looking"] for one in modules.values()) < timings["total"]
    for name, one in modules.items():
        assert re.search(rf"^{name} .* {one['passed']}/{one['checks']}$", said, re.MULTILINE)


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
