"""The HTTP client against a real TLS server on loopback."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from checker_wire import Answer, Wire

from checker.clients.http import ATTEMPTS, HttpClient, Request, retry_after_seconds
from checker.errors import NothingListens, ServiceFault, Throttled, Unreachable
from checker.masking import Secrets


class Pauses:
    """A clock that a pause moves: no test waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.taken: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.now += seconds

    def client(self) -> HttpClient:
        return HttpClient(Secrets(), sleep=self.sleep, clock=lambda: self.now)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


def get(client: HttpClient, url: str, **more: object) -> bytes:
    return client.send(Request("GET", url, **more)).content  # type: ignore[arg-type]


def test_throttled_twice_then_answered_waits_as_asked(wire: Wire, pauses: Pauses) -> None:
    wire.queue(Answer(429, headers={"Retry-After": "3"}), Answer(503, headers={"x-ms-retry-after-ms": "250"}), Answer())
    assert get(pauses.client(), wire.base) == b"{}"
    assert pauses.taken == [3.0, 0.25]


def test_every_attempt_is_counted(wire: Wire, pauses: Pauses) -> None:
    wire.queue(Answer(503), Answer(200))
    client = pauses.client()
    get(client, wire.base)
    assert (client.reads, client.scores) == (2, 0)


def test_throttled_for_longer_than_the_budget_says_when_to_ask_again(wire: Wire, pauses: Pauses) -> None:
    wire.queue(Answer(429, headers={"Retry-After": "90"}))
    with pytest.raises(Throttled) as caught:
        get(pauses.client(), wire.base)
    assert "in 90 s" in caught.value.seen
    assert pauses.taken == []


def test_throttled_for_ever_ends_after_the_last_attempt(wire: Wire, pauses: Pauses) -> None:
    wire.queue(*[Answer(429)] * (ATTEMPTS + 3))
    with pytest.raises(Throttled):
        get(pauses.client(), wire.base)
    assert len(wire.asked) == ATTEMPTS


def test_dropped_connection_is_asked_again(wire: Wire, pauses: Pauses) -> None:
    wire.queue(Answer(0), Answer(200, b"[]"))
    assert get(pauses.client(), wire.base) == b"[]"


def test_connection_dropped_every_time_is_unreachable(wire: Wire, pauses: Pauses) -> None:
    wire.queue(*[Answer(0)] * ATTEMPTS)
    with pytest.raises(Unreachable):
        get(pauses.client(), wire.base)


def test_refused_connection_is_not_asked_again(wire: Wire, pauses: Pauses, free_port: int) -> None:
    client = pauses.client()
    with pytest.raises(NothingListens) as caught:
        get(client, f"https://127.0.0.1:{free_port}/x?sig=secret")
    assert client.reads == 1
    assert "secret" not in str(caught.value)


def test_untrusted_certificate_names_the_variable(wire: Wire, pauses: Pauses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(Unreachable) as caught:
        get(pauses.client(), wire.base)
    assert "REQUESTS_CA_BUNDLE" in caught.value.expected


@pytest.mark.parametrize("text", ["no certificate in here\n", ""])
def test_bundle_without_certificates_is_an_answer_too(
    wire: Wire, pauses: Pauses, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    (tmp_path / "bundle.pem").write_text(text)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "bundle.pem"))
    with pytest.raises(Unreachable, match="not trusted here"):
        get(pauses.client(), wire.base)


def test_bundle_is_read_once_for_all_connections(
    wire: Wire, pauses: Pauses, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The bundle is emptied after the first request, and the next connection has the same trust."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(wire.bundle.read_text())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    client = pauses.client()
    wire.queue(Answer(headers={"Connection": "close"}), Answer())
    get(client, wire.base)
    bundle.write_text("")
    get(client, wire.base)
    assert len(wire.ports) == 2


def test_redirect_is_not_followed(wire: Wire, pauses: Pauses) -> None:
    wire.queue(Answer(302, headers={"Location": "https://example.org/"}))
    assert pauses.client().send(Request("GET", wire.base)).status == 302
    assert len(wire.asked) == 1


def test_connection_is_reused(wire: Wire, pauses: Pauses) -> None:
    wire.queue(*[Answer()] * 5)
    client = pauses.client()
    for _ in range(5):
        get(client, wire.base)
    assert len(wire.ports) == 1


def test_netrc_does_not_replace_the_authorization(
    wire: Wire, pauses: Pauses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    wire.queue(Answer())
    get(pauses.client(), wire.base, headers={"Authorization": "Bearer t"})
    assert wire.asked[0][2]["Authorization"] == "Bearer t"


def test_answer_above_the_limit_is_refused(wire: Wire, pauses: Pauses) -> None:
    wire.queue(Answer(200, b"x" * 100))
    with pytest.raises(ServiceFault):
        get(pauses.client(), wire.base, limit=99)


def test_answer_that_is_not_json_is_a_service_fault(wire: Wire, pauses: Pauses) -> None:
    wire.queue(Answer(200, b"<html>", {"Content-Type": "text/html"}))
    with pytest.raises(ServiceFault) as caught:
        pauses.client().send(Request("GET", wire.base)).json()
    assert "text/html" in caught.value.seen


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Tue, 01 Dec 2026 10:00:30 GMT"}, 30.0),
        ({"retry-after": "Tue, 01 Dec 2026 09:00:00 GMT"}, 0.0),
        ({"x-ms-retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "20"}, 0.02),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    now: Callable[[], datetime] = lambda: datetime(2026, 12, 1, 10, 0, 0, tzinfo=UTC)  # noqa: E731
    assert retry_after_seconds(headers, now) == seconds
