"""The switches of the sandbox's Azure, set for a test and reset after it."""

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
