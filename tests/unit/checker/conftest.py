"""A loopback server over TLS, and settings of nobody in particular."""

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from checker_wire import Handler, Wire, make_settings

from checker.settings import Settings


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def wire(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A TLS server on loopback that requests trusts."""
    found = Wire()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"wire": found}))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    found.base = f"https://127.0.0.1:{server.server_port}"
    found.bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(found.bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(found.bundle))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def settings() -> Settings:
    return make_settings()


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that is bound and not listened at: connecting to it is refused, and nobody else can take it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
