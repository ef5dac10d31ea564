"""Loopback ports for "containers": chosen free, kept free, and a look at what a process tree really listens on."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterable, Mapping

import psutil

from sandbox.compute.errors import ServerError

LOOPBACK_HOST = "127.0.0.1"

# On Linux a bound socket that does not listen keeps a port from everybody but those who also say SO_REUSEADDR and ask
# for it by number: our child. Elsewhere it would keep the child out as well, so it is let go before the start.
RESERVATION_CAN_BE_SHARED = sys.platform == "linux"


class PortReservation:
    """A free host port for each container port, chosen by the system and held until `release`."""

    def __init__(self, container_ports: Iterable[int], host: str = LOOPBACK_HOST) -> None:
        self._sockets: dict[int, socket.socket] = {}
        for port in container_ports:
            self._sockets[port] = reserved_socket(host)
        self.host_ports: Mapping[int, int] = {port: held.getsockname()[1] for port, held in self._sockets.items()}
        if not RESERVATION_CAN_BE_SHARED:
            self.release()

    def release(self) -> None:
        """Give the ports back. May be called again."""
        for held in self._sockets.values():
            held.close()
        self._sockets.clear()


def reserved_socket(host: str) -> socket.socket:
    """A socket bound to a free port of `host`, not listening. Raises `ServerError` when the address cannot be had."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, 0))
    except OSError as error:
        held.close()
        raise ServerError(f"No port can be had on {host}: {error.strerror}.") from error
    return held


def ports_variable(host_ports: Mapping[int, int]) -> str:
    """The value of SANDBOX_LOOPBACK_PORTS: `container:host,...`."""
    return ",".join(f"{container}:{host}" for container, host in host_ports.items())


def listening_addresses(pid: int) -> set[tuple[str, int]]:
    """(address, port) of every TCP socket that the process or a descendant listens on."""
    addresses: set[tuple[str, int]] = set()
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                found = process.net_connections(kind="tcp")
                addresses |= {(item.laddr[0], item.laddr[1]) for item in found if item.status == psutil.CONN_LISTEN}
    return addresses


def outward_addresses(pid: int) -> list[str]:
    """Those of them that can be reached from outside this machine, as `address:port`."""
    inward = ("127.", "::1", "::ffff:127.")
    return sorted(f"{host}:{port}" for host, port in listening_addresses(pid) if not host.startswith(inward))
