"""Runs after a stop and after a kill, and runs that print and publish a lot: the server stays up and small."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.conftest import stop_sandbox
from tests.process.test_devops_survival import kill, started
from tests.sdk.devops import Organization, wait_for
from tests.sdk.runs import APPROVAL, Pipelines

__all__ = ["started"]  # the fixture
MEBIBYTE = 1024 * 1024
GROWTH = 120 * MEBIBYTE
WORKING = """
stages:
- stage: First
  jobs:
  - job: Quick
    steps:
    - bash: echo "##vso[task.setvariable variable=x;isOutput=true]kept"
      name: s
- stage: Second
  jobs:
  - job: Long
    steps:
    - bash: echo about to sleep; sleep 345
- stage: Third
  jobs:
  - job: Never
    steps:
    - bash: echo never
"""
GUARDED = """
stages:
- stage: First
  jobs:
  - job: Quick
    steps:
    - bash: echo "##vso[task.setvariable variable=x;isOutput=true]kept"
      name: s
- stage: Second
  variables:
    x: $[ stageDependencies.First.Quick.outputs['s.x'] ]
  jobs:
  - deployment: Ship
    environment: production
    strategy:
      runOnce:
        deploy:
          steps:
          - bash: echo shipped $(x)
"""


def _pipelines(organization: Organization, name: str = "Runs") -> Pipelines:
    organization.create_project(name)
    return Pipelines(organization, name)


def _under_way(pipelines: Pipelines) -> int:
    """A run in the middle of a long step."""
    run = pipelines.run(pipelines.create(WORKING))
    wait_for(lambda: _printed(pipelines, run), lambda text: "about to sleep" in text)
    return run


def _printed(pipelines: Pipelines, run: int) -> str:
    found = [one for one in pipelines.records(run) if one["log"] and one["state"] == "inProgress"]
    texts = [
        pipelines.organization.call("GET", pipelines.path(f"build/builds/{run}/logs/{one['log']['id']}")).text
        for one in found
    ]
    return "".join(texts)


def _sleepers() -> list[int]:
    found = psutil.process_iter(["cmdline"])
    return [one.pid for one in found if (one.info["cmdline"] or [])[-2:] == ["sleep", "345"]]


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a POSIX signal")
def test_kill_in_the_middle_of_a_run(started: Any) -> None:
    organization = started()
    pipelines = _pipelines(organization)
    run = _under_way(pipelines)
    kill(organization.sandbox)
    wait_for(_sleepers, lambda found: not found)
    again = Pipelines(started(), "Runs")
    build = again.finish(run)
    assert build["result"] == "failed"
    assert "The sandbox was stopped" in build["validationResults"][0]["message"]
    job = again.record(run, "Job", "Second.Long.__default")
    assert job["result"] == "failed"
    assert "The sandbox was stopped" in job["issues"][0]["message"]
    assert again.record(run, "Stage", "First")["result"] == "succeeded"
    assert again.record(run, "Stage", "Third")["result"] == "skipped"
    assert {one["state"] for one in again.records(run)} == {"completed"}
    task = next(one for one in again.records(run) if one["name"] == "Bash" and one["parentId"] == job["id"])
    log = again.organization.get(again.path(f"build/builds/{run}/logs"))["value"]
    assert next(one for one in log if one["id"] == task["log"]["id"])["lineCount"] > 1
    text = again.organization.call("GET", again.path(f"build/builds/{run}/logs/{task['log']['id']}")).text
    assert "about to sleep" in text
    assert again.run_to_end("trigger: none\nsteps:\n- bash: echo new\n")["result"] == "succeeded"


def test_stop_in_the_middle_of_a_run(started: Any) -> None:
    organization = started()
    run = _under_way(_pipelines(organization))
    stop_sandbox(organization.sandbox.state)
    assert _sleepers() == []
    again = Pipelines(started(), "Runs")
    build = again.build(run)
    assert (build["status"], build["result"]) == ("completed", "canceled")
    assert "The sandbox was stopped" in str(again.records(run))


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a POSIX signal")
@pytest.mark.parametrize("end", [kill, lambda sandbox: stop_sandbox(sandbox.state)])
def test_run_that_waits_for_an_approval_goes_on_with_the_next_server(started: Any, end: Any) -> None:
    organization = started()
    pipelines = _pipelines(organization)
    environment = pipelines.create_environment("production")
    pipelines.add_check(environment, APPROVAL, {"approvers": [pipelines.me], "minRequiredApprovers": 1})
    run = pipelines.run(pipelines.create(GUARDED))
    approval = pipelines.await_record(run, "Checkpoint.Approval")["id"]
    first = pipelines.record(run, "Stage", "First")
    end(organization.sandbox)
    again = Pipelines(started(), "Runs")
    body = [{"approvalId": approval, "status": "approved", "comment": ""}]
    assert again.build(run)["status"] == "inProgress"
    again.organization.patch(again.path("pipelines/approvals"), body)
    assert again.finish(run)["result"] == "succeeded"
    assert again.record(run, "Stage", "First") == first
    assert "shipped kept" in again.log(run, "Bash")


# Volume


def _memory(organization: Organization) -> int:
    import json

    pid = int(json.loads((organization.sandbox.state / "server.json").read_text())["pid"])
    return int(psutil.Process(pid).memory_info().rss)


@pytest.mark.slow
def test_step_that_prints_two_hundred_megabytes(started: Any) -> None:
    pipelines = _pipelines(started())
    before = _memory(pipelines.organization)
    line = "x" * 99
    run = pipelines.run(pipelines.create(f"steps:\n- checkout: none\n- bash: yes {line} | head -n 2000000\n"))
    peak = before
    while pipelines.build(run)["status"] != "completed":
        peak = max(peak, _memory(pipelines.organization))
    assert pipelines.build(run)["result"] == "succeeded"
    log = pipelines.record(run, "Task", "Bash")["log"]["id"]
    address = f"{pipelines.organization.base}/{pipelines.path(f'build/builds/{run}/logs/{log}')}?api-version=7.1"
    count = 0
    for accept in ("text/plain", "application/json"):
        with requests.get(
            address, auth=("", pipelines.organization.token), headers={"accept": accept}, stream=True, timeout=60
        ) as answer:
            count = sum(len(piece) for piece in answer.iter_content(MEBIBYTE))
            peak = max(peak, _memory(pipelines.organization))
        assert count > 200_000_000
    assert peak - before < GROWTH
    part = pipelines.path(f"build/builds/{run}/logs/{log}?startLine=1000000&endLine=1000001")
    ranged = pipelines.organization.call("GET", part)
    assert ranged.text.count(line) == 2


@pytest.mark.slow
def test_artifact_of_three_hundred_megabytes(started: Any, tmp_path: Path) -> None:
    pipelines = _pipelines(started())
    before = _memory(pipelines.organization)
    yaml = """
steps:
- checkout: none
- bash: |
    head -c 314572800 /dev/urandom > big.bin
    sha256sum big.bin
- publish: big.bin
  artifact: big
"""
    run = pipelines.run(pipelines.create(yaml))
    peak = before
    while pipelines.build(run)["status"] != "completed":
        peak = max(peak, _memory(pipelines.organization))
    assert pipelines.build(run)["result"] == "succeeded"
    found = re.search("[0-9a-f]{64}", pipelines.log(run, "Bash"))
    assert found
    address = f"{pipelines.organization.base}/{pipelines.path(f'build/builds/{run}/artifacts')}"
    query = {"artifactName": "big", "$format": "zip", "api-version": "7.1"}
    with (
        requests.get(
            address, params=query, auth=("", pipelines.organization.token), stream=True, timeout=120
        ) as answer,
        (tmp_path / "big.zip").open("wb") as file,
    ):
        for piece in answer.iter_content(MEBIBYTE):
            file.write(piece)
            peak = max(peak, _memory(pipelines.organization))
    import zipfile

    digest = hashlib.sha256()
    with zipfile.ZipFile(tmp_path / "big.zip") as archive, archive.open("big/big.bin") as member:
        while piece := member.read(MEBIBYTE):
            digest.update(piece)
    assert digest.hexdigest() == found.group(0)
    assert peak - before < GROWTH
