"""Reading JSON that somebody else wrote: a missing or ill-typed field reads as empty, it never raises."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


def value(document: object, *path: str) -> Any:
    """What is at the end of the path, or None."""
    for key in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def text(document: object, *path: str) -> str:
    """The string at the end of the path; numbers are spelt out, anything else reads as ''."""
    found = value(document, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return str(found)


def number(document: object, *path: str) -> int | None:
    """The whole number at the end of the path, or None."""
    found = value(document, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def mapping(document: object, *path: str) -> Mapping[str, Any]:
    """The object at the end of the path, or an empty one."""
    found = value(document, *path)
    return found if isinstance(found, Mapping) else {}


def sequence(document: object, *path: str) -> Sequence[Any]:
    """The array at the end of the path, or an empty one."""
    found = value(document, *path)
    return found if isinstance(found, list) else ()


def texts(document: object, *path: str) -> Mapping[str, str]:
    """An object of strings (tags, for one); a value that is not text reads as ''."""
    return {key: text(entry) for key, entry in mapping(document, *path).items()}


def moment(document: object, *path: str) -> datetime:
    """The ISO 8601 time at the end of the path, in UTC; the start of time when there is none."""
    try:
        found = datetime.fromisoformat(text(document, *path))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def last_segment(path: str) -> str:
    """The name at the end of an ARM id."""
    return path.rstrip("/").rsplit("/", 1)[-1]
