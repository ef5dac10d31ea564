"""Addresses of container groups: each has a loopback address of its own, so that a container's port is its public port.

127.18.0.0/16 is bound without any set-up on Linux and Windows. macOS has only 127.0.0.1 until somebody adds an alias
(`sudo ifconfig lo0 alias 127.18.0.2`); there all groups share 127.0.0.1, and two of one port cannot run side by side.

The address follows from the group's id, and so from the subscription, which differs from sandbox to sandbox: two
sandboxes on one machine do not meet, but for a rare chance, and that is looked at before an address is given.
"""

import errno
import hashlib
import socket
from collections.abc import Collection, Iterator
from contextlib import closing
from ipaddress import IPv4Address

from sandbox.compute.ports import LOOPBACK_HOST

FIRST = IPv4Address("127.18.0.2")
COUNT = 256 * 256 - 4
CANDIDATES = 64


def free_address(group: str, taken: Collection[str], ports: Collection[int]) -> str:
    """An address that no group of this sandbox has and where nobody listens on these ports.

    After so many busy candidates it is not the address: somebody listens on all of them. Then the next one is taken,
    and the container's own log says why it cannot listen.
    """
    free = (address for address in _candidates(group) if address not in taken)
    tried = [next(free) for _ in range(CANDIDATES)]
    return next((address for address in tried if not any(is_busy(address, port) for port in ports)), tried[0])


def _candidates(group: str) -> Iterator[str]:
    start = int.from_bytes(hashlib.sha256(group.lower().encode()).digest()[:4], "big")
    return (str(FIRST + (start + step) % COUNT) for step in range(COUNT))


def is_busy(address: str, port: int) -> bool:
    """Whether somebody listens there. An address that this machine does not have is not busy."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def usable_address(address: str) -> str:
    """The address where this machine can bind it, else 127.0.0.1."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return LOOPBACK_HOST
    return address
