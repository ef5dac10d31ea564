"""The model servers behind deployments: started by threads, found by the scoring proxy, back after a restart."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.compute.errors import ComputeError, ProcessesClosedError
from sandbox.compute.processes import Processes
from sandbox.compute.serving import ModelServer
from sandbox.errors import ApiError
from sandbox.log import event
from sandbox.machinelearning.collection import Sidecar, open_sidecar
from sandbox.machinelearning.context import Context, kind_of
from sandbox.machinelearning.launch import Launcher
from sandbox.store import Document, finish_operation
from sandbox.store.resources import merge

DEPLOYMENTS = kind_of("onlineEndpoints", "deployments")
RECORDS = "serving"
READY_SECONDS = 300.0


@dataclass
class _Slot:
    """The server of one deployment; `settled` is set when the last start has ended, well or not."""

    settled: threading.Event
    server: ModelServer | None = None
    sidecar: Sidecar | None = None


class Serving:
    """The servers of this process, by deployment."""

    def __init__(self, context: Context, launcher: Launcher, processes: Processes, logs: Path) -> None:
        self._context = context
        self._store = context.store
        self._launcher = launcher
        self._processes = processes
        self._logs = logs
        self._lock = threading.Lock()
        self._slots = {one.key: _Slot(threading.Event()) for one in self._expected()}
        self._closing = threading.Event()

    def _expected(self) -> list[Document]:
        """Deployments that serve as soon as `recover` has started them: a request that comes earlier waits."""
        found = self._store.list(DEPLOYMENTS)
        return [one for one in found if one.body["properties"]["provisioningState"] == "Succeeded"]

    def begin_start(self, deployment_id: str, operation: str | None) -> None:
        """Start the deployment's server in a thread; `operation` is finished with the outcome."""
        slot = self._slot(deployment_id)
        slot.settled.clear()
        arguments = (deployment_id, operation, slot)
        threading.Thread(
            target=self._guarded, args=arguments, name=f"deploy-{deployment_id[-10:]}", daemon=True
        ).start()

    def get(self, deployment_id: str, wait_seconds: float) -> ModelServer | None:
        """The live server of a deployment; waits for one that is starting."""
        with self._lock:
            slot = self._slots.get(deployment_id.lower())
        if slot is None:
            return None
        slot.settled.wait(wait_seconds)
        server = slot.server
        return server if server and server.alive else None

    def stop(self, deployment_id: str) -> None:
        with self._lock:
            slot = self._slots.pop(deployment_id.lower(), None)
        if slot:
            _end(slot.server, slot.sidecar)
        self._store.delete(RECORDS, deployment_id)

    def stop_beneath(self, resource_id: str) -> None:
        with self._lock:
            found = [one for one in self._slots if one.startswith(resource_id.lower() + "/")]
        for one in found:
            self.stop(one)

    def recover(self) -> None:
        """Serve again what was served when the server ended, and fail what was being provisioned."""
        for document in self._expected():
            self.begin_start(document.id, None)
        for document in self._store.list(DEPLOYMENTS):
            if document.body["properties"]["provisioningState"] in ("Creating", "Updating"):
                self._set_state(document.id, "Failed")

    def close(self) -> None:
        self._closing.set()

    def logs(self, deployment_id: str, lines: int, container: str) -> str:
        """The end of the server's log, or of what was said while it was prepared (the storage initialiser's part)."""
        record = self._store.get(RECORDS, deployment_id)
        if record is None:
            return ""
        if container.lower() == "storageinitializer":
            return "\n".join(record.body["report"][-lines:])
        path = self._logs / f"{record.body['folder']}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _slot(self, deployment_id: str) -> _Slot:
        with self._lock:
            return self._slots.setdefault(deployment_id.lower(), _Slot(threading.Event()))

    def _guarded(self, deployment_id: str, operation: str | None, slot: _Slot) -> None:
        """Whatever happens, the deployment settles with a reason."""
        try:
            error = self._start(deployment_id, slot)
        except ProcessesClosedError:
            return
        except (ComputeError, ApiError) as failure:
            error = {"code": getattr(failure, "code", "DeploymentFailed"), "message": str(failure)}
        except Exception as failure:
            logging.getLogger("sandbox").exception("deployment failed", extra={"fields": {"deployment": deployment_id}})
            error = {"code": "InternalServerError", "message": f"The sandbox failed: {failure!r}."}
        if self._closing.is_set():
            return
        self._set_state(deployment_id, "Failed" if error else "Succeeded")
        event("deployment settled", deployment=deployment_id, error=error)
        if operation:
            finish_operation(self._store, operation, error)
        slot.settled.set()

    def _start(self, deployment_id: str, slot: _Slot) -> dict[str, Any] | None:
        """Start and swap in a server; None when it answers, else ARM's error. The old one serves until then."""
        found = self._store.get(DEPLOYMENTS, deployment_id)
        if found is None:
            return {"code": "DeploymentDeleted", "message": "The deployment was deleted while it was provisioned."}
        folder = self._context.ids.short()
        sidecar = open_sidecar(self._context, found, folder, self._logs / f"{folder}.collector.json")
        server: ModelServer | None = None
        try:
            variables = sidecar.variables if sidecar else {}
            launch = self._launcher.prepare(found, folder, self._logs / f"{folder}.log", variables)
            self._store.put(RECORDS, deployment_id, {"folder": folder, "report": list(launch.report)})
            launch.server.start()
            if not launch.server.wait_ready(READY_SECONDS):
                message = launch.server.failure()
                launch.server.stop()
                return {"code": launch.failure_code, "message": message}
            server = launch.server
        finally:
            if server is None:
                _end(None, sidecar)
        self._swap(deployment_id, slot, server, sidecar)
        return None

    def _swap(self, deployment_id: str, slot: _Slot, server: ModelServer, sidecar: Sidecar | None) -> None:
        """Put a server that answers in the slot and end what was there; a slot that is gone keeps nothing."""
        with self._lock:
            old = (slot.server, slot.sidecar)
            kept = self._slots.get(deployment_id.lower()) is slot
            slot.server, slot.sidecar = (server, sidecar) if kept else (None, None)
        _end(*old)
        if not kept:
            _end(server, sidecar)

    def _set_state(self, deployment_id: str, state: str) -> Document | None:
        with self._store.write() as change:
            found = change.get(DEPLOYMENTS, deployment_id)
            if found is None:
                return None
            return change.put(DEPLOYMENTS, found.id, merge(found.body, {"properties": {"provisioningState": state}}))


def _end(server: ModelServer | None, sidecar: Sidecar | None) -> None:
    """The server first: what it still has to send is taken."""
    if server:
        server.stop()
    if sidecar:
        sidecar.close()
