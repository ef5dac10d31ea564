"""One answer, as a handler gives it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class FilePart:
    """`length` bytes of a file from `start`, streamed without reading it into memory.

    A `scratch` file was made for this one answer and is removed once it is sent.
    """

    path: Path
    start: int
    length: int
    scratch: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and headers. The body is bytes or part of a file."""

    status: int = 200
    body: bytes | FilePart = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> "Reply":
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, text, {"content-type": "application/json; charset=utf-8", **(headers or {})})

    @classmethod
    def text(cls, value: str, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> "Reply":
        return cls(status, value.encode(), {"content-type": content_type})
