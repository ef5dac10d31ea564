"""The sandbox's own switchboard, beneath `/_sandbox/`: status, faults, calls seen, stop. No part of Azure."""

import hmac
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.errors import BadRequest, Unauthenticated
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.faults import Fault, Faults

SECRET_HEADER = "x-sandbox-secret"


class Control:
    """Operations that need the secret of the running server, which lies in its state folder."""

    def __init__(self, secret: str, faults: Faults, calls_seen: Callable[[], Mapping[str, int]], version: str) -> None:
        self._secret = secret
        self._faults = faults
        self._calls_seen = calls_seen
        self._version = version
        self._started = time.monotonic()
        self.stop: Callable[[], None] = _not_serving

    def operations(self) -> list[Operation]:
        rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = [
            ("sandbox_status_get", "GET", "/_sandbox/status", self.get_status),
            ("sandbox_faults_list", "GET", "/_sandbox/faults", self.list_faults),
            ("sandbox_faults_create", "POST", "/_sandbox/faults", self.create_fault),
            ("sandbox_faults_delete", "DELETE", "/_sandbox/faults", self.delete_faults),
            ("sandbox_calls_list", "GET", "/_sandbox/calls", self.list_calls),
            ("sandbox_stop", "POST", "/_sandbox/stop", self.stop_server),
        ]
        return [Operation(*row, anonymous=True) for row in rows]

    def get_status(self, call: Call) -> Reply:
        """Open to all: it says only that a sandbox is here."""
        return Reply.json(
            {"sandbox": self._version, "pid": os.getpid(), "seconds": round(time.monotonic() - self._started, 1)}
        )

    def list_faults(self, call: Call) -> Reply:
        self.check(call)
        waiting = self._faults.waiting()
        rows = [{"operation": one.operation, "status": one.status, "times": one.times} for one in waiting]
        return Reply.json({"value": rows})

    def create_fault(self, call: Call) -> Reply:
        self.check(call)
        body = call.json()
        try:
            self._faults.add(_fault(body))
        except (KeyError, TypeError, ValueError) as error:
            raise BadRequest("InvalidFault", f"A fault needs operation and status: {error!r}.") from error
        return Reply(204)

    def delete_faults(self, call: Call) -> Reply:
        self.check(call)
        self._faults.clear()
        return Reply(204)

    def list_calls(self, call: Call) -> Reply:
        self.check(call)
        return Reply.json(dict(self._calls_seen()))

    def stop_server(self, call: Call) -> Reply:
        self.check(call)
        self.stop()
        return Reply(202)

    def check(self, call: Call) -> None:
        """Raises Unauthenticated for a call without the secret of this server."""
        if not hmac.compare_digest(call.headers.get(SECRET_HEADER, ""), self._secret):
            raise Unauthenticated("SandboxSecretRequired", f"The header {SECRET_HEADER} does not match this server.")


def _fault(body: Mapping[str, Any]) -> Fault:
    return Fault(
        operation=str(body["operation"]),
        status=int(body["status"]),
        times=int(body.get("times", 1)),
        code=str(body.get("code", "InjectedFault")),
        message=str(body.get("message", "This failure was asked for.")),
        headers={str(name).lower(): str(value) for name, value in body.get("headers", {}).items()},
        delay=float(body.get("delay", 0)),
    )


def _not_serving() -> None:
    raise RuntimeError("there is no server to stop yet")
