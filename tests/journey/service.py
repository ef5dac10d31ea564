"""An HTTP server on loopback that answers what a test tells it to: the other side of the journey's wire."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Answer:
    """What goes back. A body that is text goes as it is, anything else as JSON."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What came in. `path` is beneath the organisation, without the query."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


Handler = Callable[[Request], Answer]


class Service:
    """The routes of a test, first match wins, and the requests that were made."""

    def __init__(self) -> None:
        self.routes: list[tuple[str, str, Handler]] = []
        self.requests: list[Request] = []
        self.url = ""

    def on(self, method: str, pattern: str, handler: Handler | Answer) -> None:
        """Answers paths that match `pattern` wholly."""
        self.routes.append((method, pattern, (lambda _: handler) if isinstance(handler, Answer) else handler))

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        for method, pattern, handler in self.routes:
            if method == request.method and re.fullmatch(pattern, request.path):
                return handler(request)
        return Answer({"message": f"no route for {request.method} {request.path}"}, 404)

    def made(self, method: str) -> list[Request]:
        """The requests of a method, in order."""
        return [one for one in self.requests if one.method == method]


def collection(*rows: Any) -> Answer:
    """A list as the service sends it."""
    return Answer({"count": len(rows), "value": list(rows)})


@contextmanager
def serve() -> Iterator[Service]:
    """A service for as long as the block runs."""
    service = Service()

    class Incoming(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            path = unquote(parts.path).removeprefix("/ada/")
            body = json.loads(content) if content else None
            answer = service.answer(Request(self.command, path, query, dict(self.headers), body))
            is_text = isinstance(answer.body, str)
            sent = b"" if answer.body is None else (answer.body if is_text else json.dumps(answer.body)).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = do_PUT = _respond  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """The test prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Incoming)
    service.url = f"http://127.0.0.1:{server.server_port}/ada"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
