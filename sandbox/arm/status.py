"""Status and result of long-running operations, of every service."""

from typing import Any

from sandbox.arm.names import SUBSCRIPTION
from sandbox.errors import Conflict, NotFound
from sandbox.store import LongOperation, Store, get_operation
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.lro import POLL_MILLISECONDS, accepted

LOCATION = SUBSCRIPTION + "/providers/{namespace}/locations/{location}"


class OperationStatus:
    """What polls read: the status document, or the result behind a Location header."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> list[Operation]:
        rows = [
            ("operation_status_get", "GET", LOCATION + "/operationsStatus/{operation}", self.get_status),
            ("operation_result_get", "GET", LOCATION + "/operationResults/{operation}", self.get_result),
        ]
        return [Operation(*row) for row in rows]

    def get_status(self, call: Call) -> Reply:
        found = self._require(call)
        answer: dict[str, Any] = {"id": call.path, "name": found.id, "status": found.status}
        if found.error:
            answer["error"] = found.error
        headers = {"x-ms-retry-after-ms": POLL_MILLISECONDS} if found.status == "InProgress" else {}
        return Reply.json(answer, headers=headers)

    def get_result(self, call: Call) -> Reply:
        found = self._require(call)
        if found.status == "InProgress":
            return Reply(202, headers=accepted(f"{call.base}{call.path}"))
        if found.error:
            raise Conflict(found.error["code"], found.error["message"])
        return Reply(200)

    def _require(self, call: Call) -> LongOperation:
        found = get_operation(self._store, call.params["operation"])
        if found is None:
            raise NotFound("OperationNotFound", f"The operation '{call.params['operation']}' was not found.")
        return found
