"""`checker cleanup` as somebody types it: processes, their output, their exit codes, the file that is kept."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.checks.test_cleanup import STORAGE, make_all
from tests.checks.worlds import World
from tests.conftest import REPOSITORY

Start = Callable[..., "subprocess.Popen[str]"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(world: World, tmp_path: Path) -> Start:
    """Starts the command, for this attendee and with a home of its own; Azure DevOps is kept out of it."""

    def begin(*words: str) -> "subprocess.Popen[str]":
        home = {"MLOPS_CHECKER_HOME": str(tmp_path / "home"), "WORKSHOP_SUFFIX": world.suffix}
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "checker", "cleanup", *words, "--keep-devops"],
            cwd=REPOSITORY,
            env={**os.environ, **world.sandbox.environment, **home},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


@pytest.fixture
def run(start: Start) -> Run:
    """The same, to its end."""

    def to_end(*words: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
        with start(*words) as process:
            said, complained = process.communicate(answer, timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, said, complained)

    return to_end


def add_fault(world: World, **fault: object) -> None:
    """Lets the next call of an operation fail."""
    headers = {"x-sandbox-secret": world.sandbox.secret}
    address = f"{world.sandbox.base}/_sandbox/faults"
    requests.post(address, json=fault, headers=headers, timeout=30).raise_for_status()


def test_from_the_plan_to_the_certificate(world: World, run: Run, tmp_path: Path) -> None:
    make_all(world)
    planned = run("plan", "--format", "json")
    assert planned.returncode == 0, planned.stderr
    document = json.loads(planned.stdout)
    assert len(document["items"]) == 9
    assert document["usd_per_day"] > 5
    early = run("verify")
    assert early.returncode == 1
    assert "not empty yet" in early.stderr
    assert run("run", answer="yes\n").returncode == 2
    ended = run("run", answer=f"{world.suffix}\n")
    assert ended.returncode == 0, ended.stderr
    assert "removing online endpoint" in ended.stdout
    file = tmp_path / "certificate.json"
    proven = run("verify", "--output", str(file))
    assert proven.returncode == 0, proven.stderr
    assert "Clean-up certificate" in proven.stdout
    kept = json.loads(file.read_text())
    assert (kept["suffix"], kept["workspace"]) == (world.suffix, "purged by this clean-up")
    assert {one["name"] for one in kept["removed"]} >= {one["name"] for one in document["items"]}


def test_ctrl_c_ends_it_and_the_next_run_goes_on(world: World, run: Run, start: Start) -> None:
    world.make_group()
    world.make_registry()
    world.make_workspace()
    add_fault(world, operation="registries_delete", status=503, delay=3.0)
    with start("run", "--yes", world.suffix) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("removing container registry"):
                break
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "`checker cleanup run` goes on" in said
    ended = run("run", "--yes", world.suffix)
    assert ended.returncode == 0, ended.stderr
    assert "workspace" not in ended.stdout.partition("removing")[2]


def test_a_tag_of_somebody_else_stops_it_before_it_asks(world: World, run: Run) -> None:
    body = {"location": world.location, "tags": {**world.tags, "attendee": "zoe"}}
    world.call("PUT", world.group, body, "2021-04-01")
    ended = run("run", "--yes", world.suffix)
    assert ended.returncode == 2
    assert "attendee=zoe" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_refused_removal_is_named_and_the_rest_goes_on(world: World, run: Run) -> None:
    """As a lock on one resource answers; the group that holds it stays, and nothing in it is lost."""
    world.make_group()
    world.make_registry()
    path = f"{world.group}/providers/{STORAGE}/stlock{world.suffix}"
    world.call("PUT", path, {"location": world.location, "tags": world.tags}, "2023-01-01")
    add_fault(world, operation="registries_delete", status=409, code="ScopeLocked", message="The scope is locked.")
    ended = run("run", "--yes", world.suffix)
    assert ended.returncode == 1
    assert "ScopeLocked" in ended.stdout
    assert "ask who protects it" in ended.stdout
    left = json.loads(run("plan", "--format", "json").stdout)["items"]
    assert [one["kind"] for one in left] == ["container registry", "resource group"]
    assert run("run", "--yes", world.suffix).returncode == 0
