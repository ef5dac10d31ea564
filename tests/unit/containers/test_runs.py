"""Builds that are canceled, wait for a slot, or were under way when the server was killed."""

import io
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.blob.files import BlobFiles
from sandbox.clock import Clock
from sandbox.compute.environments import Requirements
from sandbox.compute.images import Images
from sandbox.compute.runtime import Runtime
from sandbox.containers import Registries
from sandbox.containers.builds import Builder
from sandbox.ids import Ids
from sandbox.store import Store
from sandbox.store.resources import GROUPS
from sandbox.wire import Body, Call, Reply, Router

SUBSCRIPTION = "/subscriptions/s"
GROUP = f"{SUBSCRIPTION}/resourceGroups/g"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/lessons"
WAIT_SECONDS = 20


class Signature:
    """Signs nothing: these tests do not go through the wire."""

    def issue(self, account: str, container: str, permissions: str, expires: datetime, blob: str | None) -> str:
        return "sig=none"


class Bench:
    """A registry service whose builds stop at `RUN pip install` until `go` is set."""

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        self.at_work = threading.Semaphore(0)
        self.go = threading.Event()
        self.store = Store(folder / "sandbox.db", Clock())
        self.store.put(GROUPS, GROUP, {"location": "westeurope"})
        self.files = BlobFiles(folder / "blobs", self.store)
        self.images = Images(folder / "images")
        builder = Builder(self.images, runtime, folder / "contexts", self._wait)
        self._runtime = runtime
        self.service = Registries(self.store, Clock(), Ids(), self.images, self.files, Signature(), builder)
        self._router = Router(self.service.operations())

    def _wait(self, requirements: Requirements) -> Runtime:
        self.at_work.release()
        assert self.go.wait(WAIT_SECONDS)
        return self._runtime

    def call(self, method: str, path: str, body: bytes = b"") -> Reply:
        match = self._router.match(method, path, {})
        assert match, f"no operation for {method} {path}"
        call = Call(match.operation.name, method, path, "https://127.0.0.1:1", body=Body(body, size=len(body)))
        return match.operation.handler(replace(call, params=match.params))

    def json(self, method: str, path: str, body: str = "{}") -> Any:
        import json

        reply = self.call(method, path, body.encode())
        assert isinstance(reply.body, bytes)
        return json.loads(reply.body)

    def schedule(self) -> str:
        """Upload a context and schedule its build; returns the run's id."""
        place = self.json("POST", f"{REGISTRY}/listBuildSourceUploadUrl")
        account, container, name = place["uploadUrl"].removeprefix("https://127.0.0.1:1/").split("?")[0].split("/", 2)
        self.files.write(account.split(".")[0], container, name, _context())
        request = (
            '{"type": "DockerBuildRequest", "dockerFilePath": "Dockerfile", "imageNames": ["echo:1"],'
            f' "sourceLocation": "{place["relativePath"]}"}}'
        )
        return str(self.json("POST", f"{REGISTRY}/scheduleRun", request)["properties"]["runId"])

    def run(self, run: str) -> dict[str, Any]:
        return dict(self.json("GET", f"{REGISTRY}/runs/{run}")["properties"])

    def log(self, run: str) -> tuple[str, dict[str, str]]:
        link = self.json("POST", f"{REGISTRY}/runs/{run}/listLogSasUrl")["logLink"]
        account, container, name = link.removeprefix("https://127.0.0.1:1/").split("?")[0].split("/", 2)
        blob = self.files.get(account.split(".")[0], container, name)
        return blob.path.read_text(), dict(blob.record.metadata)


def _context() -> bytes:
    packed = io.BytesIO()
    text = b'FROM python:3.12-slim\nRUN pip install requests\nCMD ["python"]\n'
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return packed.getvalue()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return _bench(tmp_path)


def _bench(folder: Path) -> Bench:
    import sys

    made = Bench(folder, Runtime(Path(sys.executable)))
    if made.store.get("microsoft.containerregistry/registries", REGISTRY) is None:
        made.json("PUT", REGISTRY, '{"location": "westeurope", "sku": {"name": "Basic"}}')
    return made


def until(look: Callable[[], bool]) -> None:
    """Waits in small steps for something that another thread does."""
    waited = threading.Event()
    for _ in range(WAIT_SECONDS * 100):
        if look():
            return
        waited.wait(0.01)
    pytest.fail("it has not come true")


def test_a_running_build_is_canceled_at_its_next_line(bench: Bench) -> None:
    run = bench.schedule()
    assert bench.at_work.acquire(timeout=WAIT_SECONDS)
    assert bench.run(run)["status"] == "Running"
    bench.call("POST", f"{REGISTRY}/runs/{run}/cancel")
    assert bench.run(run)["status"] == "Canceled"
    bench.go.set()
    until(lambda: "finishTime" in bench.run(run))
    assert bench.run(run)["status"] == "Canceled"
    text, metadata = bench.log(run)
    assert text.endswith(f"Run ID: {run} canceled\n")
    assert metadata == {"complete": "canceled"}
    assert bench.service.resolve("lessons.azurecr.io/echo:1") is None


def test_the_third_build_waits(bench: Bench) -> None:
    runs = [bench.schedule() for _ in range(3)]
    assert all(bench.at_work.acquire(timeout=WAIT_SECONDS) for _ in range(2))
    states = sorted(bench.run(run)["status"] for run in runs)
    assert states == ["Queued", "Running", "Running"]
    waiting = next(run for run in runs if bench.run(run)["status"] == "Queued")
    bench.call("POST", f"{REGISTRY}/runs/{waiting}/cancel")
    bench.go.set()
    until(lambda: all("finishTime" in bench.run(run) for run in runs))
    assert sorted(bench.run(run)["status"] for run in runs) == ["Canceled", "Succeeded", "Succeeded"]
    assert bench.run(waiting)["status"] == "Canceled"


def test_builds_of_a_killed_server_are_failed(bench: Bench, tmp_path: Path) -> None:
    """The first service is simply abandoned, as by kill -9; a second one opens the same folder."""
    run = bench.schedule()
    assert bench.at_work.acquire(timeout=WAIT_SECONDS)
    again = _bench(tmp_path)
    own = again.schedule()
    again.service.recover()
    assert again.run(run)["status"] == "Failed"
    assert "was stopped" in again.run(run)["runErrorMessage"]
    assert again.log(run)[1] == {"complete": "failed"}
    again.go.set()
    until(lambda: "finishTime" in again.run(own))
    assert again.run(own)["status"] == "Succeeded"
    assert list((tmp_path / "images").glob("building-*")) == []
    bench.go.set()


def test_a_deleted_registry_takes_its_build_along(bench: Bench, tmp_path: Path) -> None:
    bench.schedule()
    assert bench.at_work.acquire(timeout=WAIT_SECONDS)
    bench.call("DELETE", REGISTRY)
    bench.go.set()
    bench.service.close()
    assert bench.service.resolve("lessons.azurecr.io/echo:1") is None
    assert _bench(tmp_path).images.list() == []


def test_images_go_with_the_last_registry_that_has_them(bench: Bench) -> None:
    bench.go.set()
    run = bench.schedule()
    until(lambda: "finishTime" in bench.run(run))
    digest = bench.run(run)["outputImages"][0]["digest"]
    assert bench.images.list() == [digest]
    found = bench.service.resolve(f"lessons.azurecr.io/echo@{digest}")
    assert found
    assert found.digest == digest
    assert bench.service.resolve(f"lessons.azurecr.io/other@{digest}") is None
    assert bench.service.registry_of("LESSONS.azurecr.io/echo") == "lessons"
    assert bench.service.registry_of("mcr.microsoft.com/echo") is None
    bench.call("DELETE", REGISTRY)
    assert bench.images.list() == []
