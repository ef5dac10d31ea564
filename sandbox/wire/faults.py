"""Faults on demand: the next calls of an operation fail, are delayed, or lose their connection.

For tests of clients and for lessons on throttling. A fault names an operation by a shell pattern, so that
`computes_*` hits them all.
"""

import fnmatch
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Fault:
    """What happens to the next `times` calls of the operations that match `operation`.

    `status` 0 drops the connection without an answer; `delay` is in seconds and comes first.
    """

    operation: str
    status: int
    times: int = 1
    code: str = "InjectedFault"
    message: str = "This failure was asked for."
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


class Faults:
    """The faults that are still to happen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> tuple[Fault, ...]:
        with self._lock:
            return tuple(self._waiting)

    def take(self, operation: str) -> Fault | None:
        """The fault this call meets, counted down; None is the usual case."""
        if not self._waiting:
            return None
        with self._lock:
            for index, fault in enumerate(self._waiting):
                if fnmatch.fnmatchcase(operation, fault.operation):
                    left = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    self._waiting[index : index + 1] = left
                    return fault
        return None
