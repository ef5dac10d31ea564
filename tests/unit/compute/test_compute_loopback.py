"""Whatever a child Python binds, it listens on loopback."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sandbox.compute.ports import PortReservation, ports_variable
from sandbox.compute.runtime import LOOPBACK_FOLDER


def guard_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("loopback_guard", LOOPBACK_FOLDER / "sitecustomize.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GUARD = guard_module()


def child(text: str, *path: Path, **variables: str) -> str:
    python_path = os.pathsep.join(map(str, [LOOPBACK_FOLDER, *path]))
    environment = {**os.environ, **variables, "PYTHONPATH": python_path}
    done = subprocess.run(
        [sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (("0.0.0.0", 5001), ("127.18.0.7", 41234)),
        (("", 80), ("127.18.0.7", 80)),
        (("192.0.2.10", 5001), ("127.18.0.7", 41234)),
        (("127.0.0.1", 5001), ("127.0.0.1", 41234)),
        (("localhost", 0), ("localhost", 0)),
        ("/run/socket", "/run/socket"),
        ((b"", 5001), (b"", 5001)),
    ],
)
def test_an_ipv4_address_becomes_the_containers_own(wanted: object, given: object) -> None:
    assert GUARD.Namespace("127.18.0.7", {5001: 41234}).address(wanted) == given


@pytest.mark.parametrize(
    ("wanted", "dual_stack", "given"),
    [
        (("::", 5001, 0, 0), False, ("::1", 41234, 0, 0)),
        (("::", 5001), True, ("::ffff:127.0.0.1", 41234)),
        (("::1", 5001), True, ("::1", 41234)),
    ],
)
def test_an_ipv6_address_becomes_loopback(wanted: object, dual_stack: bool, given: object) -> None:
    assert GUARD.Namespace("127.0.0.1", {5001: 41234}).address(wanted, ipv6=True, dual_stack=dual_stack) == given


def test_a_datagram_client_keeps_its_way_out() -> None:
    namespace = GUARD.Namespace("127.0.0.1", {})
    assert namespace.address(("", 0), stream=False) == ("", 0)
    assert namespace.address(("", 53), stream=False) == ("127.0.0.1", 53)


def test_ports_that_cannot_be_read_are_left_out() -> None:
    assert GUARD.read_ports("5001:41234, 80:x,,9:10:11,443:8443") == {5001: 41234, 443: 8443}
    assert GUARD.read_ports("") == {}


BIND = "import socket; s = socket.socket(); s.bind(('0.0.0.0', 0)); print(s.getsockname()[0])"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 without setting it up")
def test_a_child_binds_the_host_it_was_given() -> None:
    assert child(BIND, SANDBOX_LOOPBACK_HOST="127.18.0.7") == "127.18.0.7"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a reserved port is let go before the start")
def test_a_child_gets_the_port_that_is_held_for_it() -> None:
    reservation = PortReservation([5001])
    try:
        held = f"127.0.0.1:{reservation.host_ports[5001]}"
        ask = "import socket; s = socket.socket(); s.bind(('', 5001)); s.listen(); print('%s:%s' % s.getsockname())"
        assert child(ask, SANDBOX_LOOPBACK_PORTS=ports_variable(reservation.host_ports)) == held
    finally:
        reservation.release()


def test_a_child_binds_the_default_host() -> None:
    assert child(BIND) == "127.0.0.1"
    assert child(BIND, SANDBOX_LOOPBACK_HOST="", SANDBOX_LOOPBACK_PORTS="nonsense") == "127.0.0.1"


def test_asyncio_and_the_standard_web_server_are_guarded_too() -> None:
    text = """
import asyncio, http.server
async def main():
    server = await asyncio.start_server(lambda r, w: None, '0.0.0.0', 0)
    print(server.sockets[0].getsockname()[0])
asyncio.run(main())
print(http.server.HTTPServer(('', 0), http.server.BaseHTTPRequestHandler).socket.getsockname()[0])
"""
    assert child(f"import warnings; warnings.simplefilter('ignore')\n{text}").split() == ["127.0.0.1", "127.0.0.1"]


def test_the_sitecustomize_it_hides_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.somebody_elses = __file__\n")
    assert child("import sys; print(sys.somebody_elses)", tmp_path) == str(tmp_path / "sitecustomize.py")
    assert child(BIND, tmp_path) == "127.0.0.1"


def test_starting_does_not_import_the_socket_module() -> None:
    assert child("import sys; print('socket' in sys.modules, 'typing' in sys.modules)") == "False False"
