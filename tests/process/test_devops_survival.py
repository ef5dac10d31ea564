"""Azure DevOps after a stop and after a kill: nothing is lost, nothing stays half-done, children end."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import Sandbox, free_port, start_sandbox, stop_sandbox
from tests.sdk.devops import Organization, wait_for


def first_token(state: Path) -> str:
    """The PAT that the first start makes."""
    row = sqlite3.connect(state / "sandbox.db").execute(
        "SELECT json_extract(body, '$.secret') FROM documents WHERE kind = 'devops/first-token'"
    )
    return str(row.fetchone()[0])


def kill(sandbox: Sandbox) -> None:
    pid = int(json.loads((sandbox.state / "server.json").read_text())["pid"])
    server = psutil.Process(pid)
    os.kill(pid, signal.SIGKILL)
    server.wait(10)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Any]:
    """Starts sandboxes on one state folder; stops the last one."""
    state = tmp_path / "state"
    port = free_port()

    def start() -> Organization:
        sandbox = start_sandbox(state, port=port)
        os.environ["REQUESTS_CA_BUNDLE"] = sandbox.environment["REQUESTS_CA_BUNDLE"]
        return Organization(sandbox, first_token(state))

    before = os.environ.get("REQUESTS_CA_BUNDLE")
    yield start
    stop_sandbox(state)
    os.environ.pop("REQUESTS_CA_BUNDLE")
    if before:
        os.environ["REQUESTS_CA_BUNDLE"] = before


def test_everything_is_there_after_a_stop(started: Any) -> None:
    devops = started()
    project = devops.create_project("Kept")
    pushed = devops.push_files("Kept", {"a.txt": "a"})
    devops.post("Kept/_apis/distributedtask/environments", {"name": "staging"})
    devops.switch(hosted_parallelism=False)
    stop_sandbox(devops.sandbox.state)
    again = started()
    assert again.token == devops.token
    assert again.get("_apis/projects/Kept")["id"] == project["id"]
    tip = again.get("Kept/_apis/git/repositories/Kept/refs?filter=heads/main")["value"][0]["objectId"]
    assert tip == pushed["refUpdates"][0]["newObjectId"]
    assert again.get("Kept/_apis/distributedtask/environments")["count"] == 1
    usage = again.get("_apis/distributedtask/resourceusage", version="7.1-preview")
    assert usage["resourceLimit"]["totalCount"] == 0
    assert again.push_files("Kept", {"b.txt": "b"})["pushId"] > pushed["pushId"]


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a POSIX signal")
def test_a_kill_in_the_middle_of_an_import(started: Any, tmp_path: Path) -> None:
    """The import is shown as failed with the reason; a new one works."""
    devops = started()
    devops.create_project("Target")
    source = tmp_path / "source"
    subprocess.run(["git", "init", "-q", "-b", "main", str(source)], check=True)
    (source / "a").write_text("a")
    devops.plain_git("add", ".", folder=source)
    devops.plain_git("commit", "-q", "-m", "a", folder=source)
    path = "Target/_apis/git/repositories/Target/importRequests"
    slow = SlowSource()
    number = devops.post(path, {"parameters": {"gitSource": {"url": slow.address}}})["importRequestId"]
    wait_for(lambda: devops.get(f"{path}/{number}"), lambda one: one["status"] == "inProgress")
    wait_for(lambda: slow.asked(), bool)
    kill(devops.sandbox)
    slow.close()
    again = started()
    assert git_processes(again.sandbox.state) == []
    failed = again.get(f"{path}/{number}")
    assert failed["status"] == "failed"
    assert "stopped while this import was under way" in failed["detailedStatus"]["errorMessage"]
    second = again.post(path, {"parameters": {"gitSource": {"url": source.as_uri()}}})["importRequestId"]
    done = wait_for(lambda: again.get(f"{path}/{second}"), lambda one: one["status"] in ("completed", "failed"))
    assert done["status"] == "completed"


def git_processes(state: Path) -> list[int]:
    """What runs in the folders of the sandbox's repositories."""
    home = str(state / "devops")
    return [one.pid for one in psutil.process_iter(["cwd"]) if str(one.info["cwd"]).startswith(home)]


class SlowSource:
    """A port of this machine that takes a connection and never answers."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self._listener.settimeout(0)
        self._taken: list[Any] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/x"

    def asked(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            self._taken.append(self._listener.accept()[0])
        return bool(self._taken)

    def close(self) -> None:
        for one in (*self._taken, self._listener):
            one.close()


def test_a_stop_ends_an_import_and_its_git(started: Any) -> None:
    """`sandbox down` does not wait for a source that never answers, and leaves no git behind."""
    devops = started()
    devops.create_project("Target")
    slow = SlowSource()
    path = "Target/_apis/git/repositories/Target/importRequests"
    number = devops.post(path, {"parameters": {"gitSource": {"url": slow.address}}})["importRequestId"]
    wait_for(lambda: slow.asked(), bool)
    begun = time.monotonic()
    stop_sandbox(devops.sandbox.state)
    assert time.monotonic() - begun < 20
    assert git_processes(devops.sandbox.state) == []
    slow.close()
    again = started()
    assert again.get(f"{path}/{number}")["status"] == "failed"


def test_half_made_and_half_deleted_projects_are_cleared_away(started: Any) -> None:
    devops = started()
    whole, half = devops.create_project("Whole"), devops.create_project("Half")
    stop_sandbox(devops.sandbox.state)
    database = sqlite3.connect(devops.sandbox.state / "sandbox.db")
    with database:
        database.execute(
            "UPDATE documents SET body = json_set(body, '$.state', 'createPending') "
            "WHERE kind = 'devops/projects' AND key LIKE ?",
            (f"%{half['id']}",),
        )
    database.close()
    folders = devops.sandbox.state / "devops" / "repositories"
    assert len(list(folders.iterdir())) == 2
    again = started()
    names = [one["name"] for one in again.get("_apis/projects?stateFilter=all")["value"]]
    assert names == ["Whole"]
    assert again.get("Whole/_apis/git/repositories")["count"] == 1
    assert whole["id"]
    assert len(list(folders.iterdir())) == 1
    assert again.create_project("Half")["id"] != half["id"]
