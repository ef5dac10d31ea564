"""A server whose answers a test queues, and small builders. The fixtures are in conftest.py."""

import http.server
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checker.model import Check, Evidence
from checker.settings import DevOpsSettings, Names, Settings

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
WORKSHOP = Path(__file__).parents[3] / "workshop.toml"


@dataclass(frozen=True)
class Answer:
    """One answer to give; status 0 closes the connection without one."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


HOLD = Answer(0)


@dataclass
class Wire:
    """A running server: what to answer next, and what it was asked."""

    base: str = ""
    bundle: Path = Path()
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def hold(self) -> None:
        """Let the next request wait for `release`; `held` is set when it does."""
        self.answers.append(HOLD)

    def queue(self, *answers: Answer) -> None:
        self.answers.extend(answers)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: Wire

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.wire.ports.add(self.client_address[1])
        self.wire.asked.append((self.command, self.path, dict(self.headers)))
        answer = self.wire.answers.pop(0) if self.wire.answers else Answer(500, b"nothing queued")
        if answer is HOLD:
            self.wire.held.set()
            self.wire.release.wait(60)
        if answer.status == 0:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, content in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815  (the names http.server calls)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the test looks at `asked`."""


def make_settings() -> Settings:
    names = Names(**{name: f"{name.replace('_', '-')}-abc" for name in Names.__dataclass_fields__})
    return Settings(WORKSHOP, "abc", SUBSCRIPTION, "westeurope", names, make_devops_settings())


def make_devops_settings(organization: str | None = None, token: str | None = None) -> DevOpsSettings:
    names = ("P", "P", "MyAzureSubscription", "Pipeline", "azure-pipelines.yml", "staging", "production")
    return DevOpsSettings(organization, *names, token=token)


def make_check(
    code: str, run: Callable[[object], Evidence], requires: tuple[str, ...] = (), module: str = "M6"
) -> Check:
    return Check(code, f"Title of {code}", f"Why {code}", module, requires, run)
