"""Everything the sandbox raises on purpose.

SandboxError
├── StartupError             the server cannot start, or is not there; carries the next command
└── ApiError                 an answer on the wire; rendered once per dialect in wire/render.py
    ├── BadRequest           400
    ├── Unauthenticated      401
    ├── Forbidden            403
    ├── NotFound             404
    ├── MethodNotAllowed     405
    ├── Conflict             409
    ├── PreconditionFailed   412
    ├── RangeNotSatisfiable  416
    ├── FailedDependency     424
    ├── NotImplementedHere   501
    └── Unavailable          503
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar


class SandboxError(Exception):
    """Root of the tree."""


class StartupError(SandboxError):
    """The server cannot do what the command asks. `seen`, `expected` and `command` fill one screen."""

    def __init__(self, seen: str, expected: str, command: str) -> None:
        super().__init__(seen)
        self.seen = seen
        self.expected = expected
        self.command = command


class ApiError(SandboxError):
    """An error answer: the vendor's code, its sentence, the status and any extra headers."""

    usual_status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None, status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or self.usual_status
        self.headers: Mapping[str, str] = headers or MappingProxyType({})


class BadRequest(ApiError):
    usual_status = 400


class Unauthenticated(ApiError):
    usual_status = 401


class Forbidden(ApiError):
    usual_status = 403


class NotFound(ApiError):
    usual_status = 404


class MethodNotAllowed(ApiError):
    usual_status = 405


class Conflict(ApiError):
    usual_status = 409


class PreconditionFailed(ApiError):
    usual_status = 412


class RangeNotSatisfiable(ApiError):
    usual_status = 416


class FailedDependency(ApiError):
    usual_status = 424


class NotImplementedHere(ApiError):
    """The sandbox does not emulate this. The message names the operation or type."""

    usual_status = 501


class Unavailable(ApiError):
    usual_status = 503
