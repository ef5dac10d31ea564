"""The Azure DevOps half from outside: from a push to the first line of a log, and a large artifact there and back."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

from bench.measure import seconds_of
from bench.server import sandbox
from journey.git import Access
from journey.organization import Organization

PROJECT = "bench"
PUSHES = 5
LARGE_BYTES = 300_000_000
PATIENCE = 120
PIPELINE = """
trigger: [main]
steps:
- script: echo the first line
- ${{ if eq(variables['Build.Reason'], 'Manual') }}:
  - script: head -c %d /dev/urandom > $(Build.ArtifactStagingDirectory)/large.bin
  - publish: $(Build.ArtifactStagingDirectory)/large.bin
    artifact: large
"""


def measure(folder: Path) -> dict[str, Any]:
    """Seconds from `git push` returning to the run's first log line (median), and what 300 MB do to the server."""
    folder.mkdir()
    with sandbox(folder / "state") as environment, patch.dict(os.environ, environment):
        organization = Organization(environment["AZURE_DEVOPS_ORG_URL"], environment["AZURE_DEVOPS_EXT_PAT"])
        clone = _make_project(organization, environment, folder / "clone")
        definition = _make_definition(organization)
        waits = sorted(_push_and_wait(organization, clone, environment, number) for number in range(PUSHES))
        large = _large_artifact(organization, definition, environment, folder)
        organization.close()
    return {"push_to_first_log_line_seconds": waits[len(waits) // 2], **large}


def _make_project(organization: Organization, environment: Mapping[str, str], clone: Path) -> Path:
    """A project whose repository holds the pipeline; the clone that pushes to it."""
    processes = {one["name"]: one["id"] for one in organization.list("_apis/process/processes")}
    capabilities = {
        "versioncontrol": {"sourceControlType": "Git"},
        "processTemplate": {"templateTypeId": processes["Agile"]},
    }
    body = {"name": PROJECT, "visibility": "private", "capabilities": capabilities}
    operation = organization.post("_apis/projects", body)["id"]
    _wait(lambda: organization.get(f"_apis/operations/{operation}")["status"] == "succeeded")
    clone.mkdir()
    (clone / "azure-pipelines.yml").write_text(PIPELINE % LARGE_BYTES)
    remote = f"{environment['AZURE_DEVOPS_ORG_URL']}/{PROJECT}/_git/{PROJECT}"
    for command in (("init", "--quiet", "--initial-branch", "main"), ("remote", "add", "origin", remote)):
        _git(clone, environment, *command)
    _commit_and_push(clone, environment, "begin")
    return clone


def _make_definition(organization: Organization) -> int:
    repository = organization.get(f"{PROJECT}/_apis/git/repositories/{PROJECT}")
    queue = organization.list(f"{PROJECT}/_apis/distributedtask/queues")[0]
    body = {
        "name": "bench",
        "type": "build",
        "process": {"type": 2, "yamlFilename": "azure-pipelines.yml"},
        "repository": {"id": repository["id"], "type": "TfsGit", "defaultBranch": "refs/heads/main"},
        "queue": {"id": queue["id"]},
        "triggers": [{"triggerType": "continuousIntegration", "settingsSourceType": 2}],
    }
    return int(organization.post(f"{PROJECT}/_apis/build/definitions", body)["id"])


def _push_and_wait(organization: Organization, clone: Path, environment: Mapping[str, str], number: int) -> float:
    """Seconds from the push's return until the log of the run it started has its first line."""
    commit = _commit_and_push(clone, environment, f"change {number}")
    pushed = time.perf_counter()
    _wait(lambda: _has_line(organization, commit))
    taken = time.perf_counter() - pushed
    _wait(lambda: all(one["status"] == "completed" for one in organization.list(f"{PROJECT}/_apis/build/builds")))
    return taken


def _has_line(organization: Organization, commit: str) -> bool:
    builds = organization.list(f"{PROJECT}/_apis/build/builds")
    run = next((one for one in builds if one["sourceVersion"] == commit), None)
    if run is None:
        return False
    logs = organization.list(f"{PROJECT}/_apis/build/builds/{run['id']}/logs")
    return any(one["lineCount"] for one in logs)


def _large_artifact(
    organization: Organization, definition: int, environment: Mapping[str, str], folder: Path
) -> dict[str, Any]:
    server = psutil.Process(json.loads((folder / "state" / "server.json").read_text())["pid"])
    before = server.memory_info().rss
    peak, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak.append(server.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        queued = organization.post(f"{PROJECT}/_apis/build/builds", {"definition": {"id": definition}})
        path = f"{PROJECT}/_apis/build/builds/{queued['id']}"
        published = seconds_of(lambda: _wait(lambda: organization.get(path)["status"] == "completed"))
        address = organization.get(f"{path}/artifacts", {"artifactName": "large"})["resource"]["downloadUrl"]
        size: list[int] = []
        downloaded = seconds_of(lambda: size.append(_download(address, environment)))
    finally:
        done.set()
        watcher.join()
    assert size[0] >= LARGE_BYTES, f"{size[0]} bytes came back"
    return {
        "artifact_300_mb_made_and_published_seconds": published,
        "artifact_300_mb_downloaded_seconds": downloaded,
        "artifact_300_mb_server_growth_megabytes": round((max(peak) - before) / 1e6),
    }


def _download(address: str, environment: Mapping[str, str]) -> int:
    import requests

    token = ("", environment["AZURE_DEVOPS_EXT_PAT"])
    with requests.get(address, auth=token, verify=environment["REQUESTS_CA_BUNDLE"], stream=True, timeout=60) as answer:
        answer.raise_for_status()
        return sum(len(chunk) for chunk in answer.iter_content(1024 * 1024))


def _commit_and_push(clone: Path, environment: Mapping[str, str], message: str) -> str:
    """The commit that was pushed."""
    (clone / "note.txt").write_text(message)
    _git(clone, environment, "add", "--all")
    _git(clone, environment, "commit", "--quiet", "--message", message)
    _git(clone, environment, "push", "--quiet", "origin", "main")
    return _git(clone, environment, "rev-parse", "HEAD").strip()


def _git(clone: Path, environment: Mapping[str, str], *arguments: str) -> str:
    access = Access(environment["AZURE_DEVOPS_EXT_PAT"], environment["REQUESTS_CA_BUNDLE"])
    variables = {**os.environ, **access.variables()}
    done = subprocess.run(["git", *arguments], cwd=clone, env=variables, capture_output=True, text=True, check=True)
    return done.stdout


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the sandbox did not get there")
        time.sleep(0.02)
