"""One renderer per error dialect: domain code raises an ApiError, this is the only place that shapes it."""

from collections.abc import Callable
from xml.sax.saxutils import escape

from sandbox.errors import ApiError
from sandbox.wire.reply import Reply

Renderer = Callable[[ApiError], Reply]


def _arm(error: ApiError) -> Reply:
    return Reply.json({"error": {"code": error.code, "message": error.message}}, error.status, error.headers)


def _blob(error: ApiError) -> Reply:
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
    )
    # azure-storage-blob reads the code from the header; a HEAD answer has no body to read it from.
    headers = {"content-type": "application/xml", "x-ms-error-code": error.code, **error.headers}
    return Reply(error.status, text.encode(), headers)


def _oauth(error: ApiError) -> Reply:
    return Reply.json({"error": error.code, "error_description": error.message}, error.status, error.headers)


def _mlflow(error: ApiError) -> Reply:
    return Reply.json({"error_code": error.code, "message": error.message}, error.status, error.headers)


DIALECTS: dict[str, Renderer] = {"arm": _arm, "blob": _blob, "oauth": _oauth, "mlflow": _mlflow}


def render(error: ApiError, dialect: str) -> Reply:
    """The error as this dialect's clients expect it."""
    return DIALECTS[dialect](error)
