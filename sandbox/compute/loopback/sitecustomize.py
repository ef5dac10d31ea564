"""The network namespace of a "container": whatever a child Python binds, it listens on loopback.

This folder is first on PYTHONPATH of every child, so Python imports this file at start. It needs no change in the
program: `azmlinfsrv --port 5001` (whose host is a constant, 0.0.0.0) and gunicorn run as they are published.

* A wildcard address, or one of the machine's outward addresses, becomes `SANDBOX_LOOPBACK_HOST` (default 127.0.0.1).
* A port of `SANDBOX_LOOPBACK_PORTS` ("5001:41234,80:41235", container:host) becomes its host port.

Not reached: `python -I`, `-E` and `-S`, and native code that binds by itself (the model server checks its listening
sockets once it is ready). Nothing here raises: a value that cannot be read is treated as absent.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys

TYPE_CHECKING = False  # the real one would import typing, which costs every child more than the rest of this file
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

IPV6_LOOPBACK = "::1"


def read_ports(text: str) -> dict[int, int]:
    """Container port -> host port; entries that are not two numbers are left out."""
    pairs = [entry.strip().split(":") for entry in text.split(",")]
    return {int(pair[0]): int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0].isdigit() and pair[1].isdigit()}


def is_loopback(host: str) -> bool:
    """Whether the address never leaves this machine."""
    return host.startswith(("127.", "::ffff:127.")) or host in ("localhost", IPV6_LOOPBACK)


class Namespace:
    """Where this "container" may listen: one loopback host, and which of its ports have another number outside."""

    def __init__(self, host: str, ports: dict[int, int]) -> None:
        self.host = host
        self.ports = ports

    def address(self, wanted: Any, *, ipv6: bool = False, dual_stack: bool = False, stream: bool = True) -> Any:
        """The address to bind instead of `wanted`, (host, port, ...); any other form is untouched.

        A datagram socket on port 0 is a client that picks its own source address: rewriting it would cut its way out.
        """
        if not isinstance(wanted, tuple) or len(wanted) < 2 or not isinstance(wanted[0], str):
            return wanted
        if not isinstance(wanted[1], int) or (not stream and wanted[1] == 0):
            return wanted
        port = self.ports.get(wanted[1], wanted[1])
        if is_loopback(wanted[0]):
            return (wanted[0], port, *wanted[2:])
        return (self._host(dual_stack) if ipv6 else self.host, port, *wanted[2:])

    def _host(self, dual_stack: bool) -> str:
        # A dual-stack server is reached over IPv4 as well; the mapped form keeps that half, the one that is published.
        return f"::ffff:{self.host}" if dual_stack and ":" not in self.host else IPV6_LOOPBACK


def namespace() -> Namespace:
    """The namespace the environment describes."""
    host = os.environ.get("SANDBOX_LOOPBACK_HOST") or "127.0.0.1"
    return Namespace(host, read_ports(os.environ.get("SANDBOX_LOOPBACK_PORTS", "")))


def guard(module: ModuleType) -> None:
    """Replace `bind` of the socket module's socket class by one that maps the address first."""
    here = namespace()
    original = module.socket.bind

    def bind(self: Any, address: Any) -> None:
        if isinstance(address, tuple) and address[1:2] and address[1] in here.ports and self.type == module.SOCK_STREAM:
            # The host port is held for us by a socket that does not listen; this is what lets us have it.
            self.setsockopt(module.SOL_SOCKET, module.SO_REUSEADDR, 1)
        if self.family == module.AF_INET:
            address = here.address(address, stream=self.type == module.SOCK_STREAM)
        elif self.family == module.AF_INET6:
            dual_stack = not self.getsockopt(module.IPPROTO_IPV6, module.IPV6_V6ONLY)
            stream = self.type == module.SOCK_STREAM
            address = here.address(address, ipv6=True, dual_stack=dual_stack, stream=stream)
        original(self, address)

    module.socket.bind = bind


class SocketFinder:
    """Waits for the first `import socket`, because importing it here would cost every child some milliseconds."""

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        """Answer for `socket` only, once: the ordinary spec, whose loader guards the module after it has run."""
        if fullname != "socket":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, None)
        if spec is not None and spec.loader is not None:
            guard_after_loading(spec.loader)
        return spec


def guard_after_loading(loader: Any) -> None:
    """Make this one loader object guard the module it has just executed."""
    execute = loader.exec_module

    def execute_and_guard(module: ModuleType) -> None:
        execute(module)
        guard(module)

    loader.exec_module = execute_and_guard


def install() -> None:
    """Guard the socket module now if it is loaded already, or else when it is."""
    loaded = sys.modules.get("socket")
    if loaded is not None:
        guard(loaded)
    else:
        sys.meta_path.insert(0, SocketFinder())


def chain() -> None:
    """Run the sitecustomize further down the path, which this one hides; what it raises, `site` reports as usual."""
    own = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH120, PTH100 - pathlib costs more than this whole file
    others = [entry for entry in sys.path if os.path.abspath(entry or ".") != own]  # noqa: PTH100
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    module = type(sys)("sitecustomize")
    module.__spec__, module.__file__, module.__loader__ = spec, spec.origin, spec.loader
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    install()
    chain()
