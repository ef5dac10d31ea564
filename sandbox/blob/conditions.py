"""Conditional headers and ranges of the Blob service."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime

from sandbox.blob.files import Blob
from sandbox.errors import ApiError, BadRequest, Conflict, PreconditionFailed, RangeNotSatisfiable

RANGE = re.compile(r"bytes=(\d+)-(\d*)$")
NANO = 1_000_000_000


def check_write(headers: Mapping[str, str], blob: Blob | None) -> None:
    """`blob` is what a write would replace. Raises Conflict or PreconditionFailed in the service's words."""
    if headers.get("if-none-match") == "*" and blob:
        raise Conflict("BlobAlreadyExists", "The specified blob already exists.")
    if "if-match" in headers and not (blob and _names(headers["if-match"], blob)):
        raise _not_met()
    if blob and (_unchanged(headers, blob) or _modified_after(headers.get("if-unmodified-since"), blob)):
        raise _not_met()


def check_read(headers: Mapping[str, str], blob: Blob) -> None:
    """Raises PreconditionFailed, or a 304 where the client's copy is good still."""
    if "if-match" in headers and not _names(headers["if-match"], blob):
        raise _not_met()
    if _modified_after(headers.get("if-unmodified-since"), blob):
        raise _not_met()
    if _unchanged(headers, blob):
        raise ApiError("ConditionNotMet", _not_met().message, {"etag": blob.etag}, 304)


def read_range(headers: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """(start, length) of the wanted bytes, None for all. `x-ms-range` wins over `range`. Raises RangeNotSatisfiable.

    A form that the service does not know (`bytes=-5`) counts as no range, as there.
    """
    found = RANGE.match(headers.get("x-ms-range", headers.get("range", "")))
    if not found:
        return None
    start, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if start >= size or last < start:
        raise RangeNotSatisfiable(
            "InvalidRange",
            "The range specified is invalid for the current size of the resource.",
            {"content-range": f"bytes */{size}"},
        )
    return start, min(last, size - 1) - start + 1


def http_date(nanoseconds: int) -> str:
    """The form of Last-Modified."""
    return formatdate(nanoseconds // NANO, usegmt=True)


def created_date(blob: Blob) -> str:
    """When the blob was made, in the form of Last-Modified; of a file that has no record, when it was last written."""
    created = blob.record.created
    return formatdate(datetime.fromisoformat(created).timestamp(), usegmt=True) if created else http_date(blob.modified)


def _names(header: str, blob: Blob) -> bool:
    return header == "*" or blob.etag in {one.strip() for one in header.split(",")}


def _unchanged(headers: Mapping[str, str], blob: Blob) -> bool:
    if "if-none-match" in headers:
        return _names(headers["if-none-match"], blob)
    return "if-modified-since" in headers and not _modified_after(headers["if-modified-since"], blob)


def _modified_after(header: str | None, blob: Blob) -> bool:
    if header is None:
        return False
    try:
        moment = parsedate_to_datetime(header).timestamp()
    except ValueError as error:
        raise BadRequest("InvalidHeaderValue", f"'{header}' is not a date of HTTP.") from error
    return blob.modified // NANO > int(moment)


def _not_met() -> PreconditionFailed:
    return PreconditionFailed("ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
