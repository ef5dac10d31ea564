"""The sandbox out of order for a test, and in order after it: the switches of its Azure, and faults of single calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from tests.conftest import Sandbox


@contextmanager
def switched(sandbox: Sandbox, **values: Any) -> Iterator[None]:
    """A subscription that is not in order while the block runs."""
    address, headers = f"{sandbox.base}/_sandbox/azure/switches", {"x-sandbox-secret": sandbox.secret}
    requests.patch(address, json=values, headers=headers, timeout=30).raise_for_status()
    try:
        yield
    finally:
        requests.delete(address, headers=headers, timeout=30).raise_for_status()


@contextmanager
def broken(sandbox: Sandbox, operation: str, status: int, times: int = 4) -> Iterator[None]:
    """Calls that fail while the block runs, by the operation's name; without a status the connection breaks."""
    address, headers = f"{sandbox.base}/_sandbox/faults", {"x-sandbox-secret": sandbox.secret}
    fault = {"operation": operation, "status": status, "times": times}
    requests.post(address, json=fault, headers=headers, timeout=30).raise_for_status()
    try:
        yield
    finally:
        requests.delete(address, headers=headers, timeout=30).raise_for_status()
