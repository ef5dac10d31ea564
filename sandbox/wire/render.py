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


def _devops(error: ApiError) -> Reply:
    """A code is `Namespace.Key` or `Key`; both clients show the message and programs go by the key.

    Refused authentication is plain text, empty or with the reason (azure-devops.md, 1.3 and 1.4).
    """
    if error.status == 401:
        return _text(error)
    namespace, _, key = error.code.rpartition(".")
    assembly = namespace or "Microsoft.VisualStudio.Services.Common"
    body = {
        "$id": "1",
        "innerException": None,
        "message": error.message,
        "typeName": f"{assembly}.{key}, {assembly}",
        "typeKey": key,
        "errorCode": 0,
        "eventId": 3000,
    }
    return Reply.json(body, error.status, error.headers)


def _text(error: ApiError) -> Reply:
    """The message alone: git prints it behind `remote:`."""
    headers = {"content-type": "text/plain; charset=utf-8", **error.headers}
    return Reply(error.status, error.message.encode(), headers)


DIALECTS: dict[str, Renderer] = {
    "arm": _arm,
    "blob": _blob,
    "oauth": _oauth,
    "mlflow": _mlflow,
    "devops": _devops,
    "text": _text,
}


def render(error: ApiError, dialect: str) -> Reply:
    """The error as this dialect's clients expect it."""
    return DIALECTS[dialect](error)
