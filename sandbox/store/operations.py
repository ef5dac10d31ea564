"""Long-running operations: started in a request, finished by a thread, read by polls.

Stored, so that a poll after a restart finds the truth: what was under way when the server died is Failed.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.store.database import Store

KIND = "operation"


@dataclass(frozen=True)
class LongOperation:
    """`target` is the resource it makes or deletes; `status` is InProgress, Succeeded or Failed."""

    id: str
    target: str
    status: str
    error: dict[str, Any] | None


def begin_operation(store: Store, operation_id: str, target: str) -> LongOperation:
    store.put(KIND, operation_id, {"target": target, "status": "InProgress", "error": None})
    return LongOperation(operation_id, target, "InProgress", None)


def finish_operation(store: Store, operation_id: str, error: dict[str, Any] | None = None) -> None:
    """Succeeded, or Failed with ARM's `{"code", "message"}`."""
    with store.write() as change:
        found = change.get(KIND, operation_id)
        if found:
            status = "Failed" if error else "Succeeded"
            change.put(KIND, operation_id, {**found.body, "status": status, "error": error})


def get_operation(store: Store, operation_id: str) -> LongOperation | None:
    found = store.get(KIND, operation_id)
    return LongOperation(found.name, found.body["target"], found.body["status"], found.body["error"]) if found else None


def fail_unfinished(store: Store, message: str) -> list[LongOperation]:
    """Fail what was under way when the server ended; returns those operations."""
    unfinished = [document for document in store.list(KIND) if document.body["status"] == "InProgress"]
    for document in unfinished:
        finish_operation(store, document.name, {"code": "ServerRestarted", "message": message})
    return [LongOperation(one.name, one.body["target"], "Failed", None) for one in unfinished]
