"""One request, as a handler sees it: no HTTP library in sight."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: object id, application id, tenant and the token's audience."""

    object_id: str
    application_id: str
    tenant: str
    audience: str
    name: str


@dataclass(frozen=True, slots=True)
class Body:
    """A request body: bytes in memory, or a spooled file when it is large. The file is the handler's to move."""

    data: bytes = b""
    file: Path | None = None
    size: int = 0

    def read(self) -> bytes:
        return self.file.read_bytes() if self.file else self.data


@dataclass(frozen=True, slots=True)
class Call:
    """A matched request. `params` holds the template's values in the client's spelling; header names are lower case.

    `base` is the address the client used, so that every URL in an answer works for this client.
    """

    operation: str
    method: str
    path: str
    base: str
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = field(default_factory=Body)
    principal: Principal | None = None

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object. Raises BadRequest."""
        text = self.body.read()
        if not text.strip():
            return {}
        try:
            value = json.loads(text)
        except ValueError as error:
            raise BadRequest("InvalidRequestContent", f"The request content is not valid JSON: {error}.") from error
        if not isinstance(value, dict):
            raise BadRequest("InvalidRequestContent", "The request content is JSON, but not an object.")
        return value

    def option(self, name: str, default: str = "") -> str:
        """A query value by name; OData options are matched whatever their case."""
        if name in self.query:
            return self.query[name]
        wanted = name.lower()
        return next((value for key, value in self.query.items() if key.lower() == wanted), default)
