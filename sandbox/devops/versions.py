"""The rules of `api-version` (azure-devops.md, 1.2): a sandbox that is lax here makes rehearsals lie."""

import re

from sandbox.devops.locations import MAXIMUM, PREVIEW_ONLY, Location
from sandbox.devops.problems import SERVICES
from sandbox.errors import BadRequest
from sandbox.wire import Call

VERSION = re.compile(r"(\d+)(?:\.(\d+))?(-preview(?:\.\d+)?)?")
IN_ACCEPT = re.compile(r"api-version\s*=\s*([^;,\s]+)", re.IGNORECASE)
READS = ("GET", "HEAD", "OPTIONS")


def asked_version(call: Call) -> str:
    """The version of a request: the query goes before the Accept header; empty where there is none."""
    in_accept = IN_ACCEPT.search(call.headers.get("accept", ""))
    return call.option("api-version") or (in_accept[1] if in_accept else "")


def check_version(row: Location, call: Call) -> str:
    """The version to answer with. Raises BadRequest as the service does."""
    asked = asked_version(call)
    if not asked:
        return _unversioned(row, call)
    found = VERSION.fullmatch(asked)
    if not found:
        raise _out_of_range(row, asked)
    number, preview = (int(found[1]), int(found[2] or 0)), bool(found[3])
    if not _number(row.minimum) <= number <= _number(MAXIMUM):
        raise _out_of_range(row, asked)
    if number > _number(row.released) and not preview:
        raise BadRequest(
            f"{SERVICES}.VssInvalidPreviewVersionException",
            f'The requested version "{asked}" of the resource is under preview. The -preview flag must be supplied in '
            f'the api-version for such requests. For example: "{asked}-preview"',
        )
    return asked


def _unversioned(row: Location, call: Call) -> str:
    if call.method not in READS:
        raise BadRequest(
            f"{SERVICES}.VssVersionNotSpecifiedException",
            f'No api-version was supplied for the "{call.method}" request. The version must be supplied either as part '
            'of the Accept header (e.g. "application/json; api-version=1.0") or as a query parameter (e.g. '
            '"?api-version=1.0").',
        )
    return row.released if row.released != PREVIEW_ONLY else f"7.1-preview.{row.resource_version}"


def _out_of_range(row: Location, asked: str) -> BadRequest:
    return BadRequest(
        f"{SERVICES}.VssVersionOutOfRangeException",
        f'The requested REST API version of "{asked}" is out of range for this server. The lowest supported version is '
        f"{row.minimum} and the latest REST API version this server supports is {MAXIMUM}.",
    )


def _number(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)
