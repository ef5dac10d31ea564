"""Headers of long-running operations.

Azure clients poll `Azure-AsyncOperation` (or `Location` after a delete). `x-ms-retry-after-ms` keeps the local
cadence at a quarter of a second; `Retry-After: 0` would mean "the default" to azure-core
(azure-machine-learning.md, Q2).
"""

from collections.abc import Mapping

POLL_MILLISECONDS = "250"


def status_url(base: str, subscription: str, namespace: str, location: str, operation_id: str) -> str:
    return f"{_location(base, subscription, namespace, location)}/operationsStatus/{operation_id}"


def result_url(base: str, subscription: str, namespace: str, location: str, operation_id: str) -> str:
    return f"{_location(base, subscription, namespace, location)}/operationResults/{operation_id}"


def _location(base: str, subscription: str, namespace: str, location: str) -> str:
    return f"{base}/subscriptions/{subscription}/providers/{namespace}/locations/{location}"


def in_progress(url: str) -> Mapping[str, str]:
    """Headers of a 201 or 202 whose status is read at `url`."""
    return {"azure-asyncoperation": url, "x-ms-retry-after-ms": POLL_MILLISECONDS}


def accepted(url: str) -> Mapping[str, str]:
    """Headers of a 202 whose result is read at `url`."""
    return {"location": url, "x-ms-retry-after-ms": POLL_MILLISECONDS}
