"""Addresses of container groups: each has a loopback address of its own, so that a container's port is its public port.

127.18.0.0/16 is bound without any set-up on Linux and Windows. macOS has only 127.0.0.1 until somebody adds an alias
(`sudo ifconfig lo0 alias 127.18.0.2`); there all groups share 127.0.0.1, and two of one port cannot run side by side.
"""

import socket
from collections.abc import Collection
from ipaddress import IPv4Address

from sandbox.compute.ports import LOOPBACK_HOST

FIRST = IPv4Address("127.18.0.2")
LAST = IPv4Address("127.18.255.254")


def free_address(taken: Collection[str]) -> str:
    """The lowest address that no group has. Raises ValueError when 65 533 groups have them all."""
    used = set(taken)
    for number in range(int(FIRST), int(LAST) + 1):
        address = str(IPv4Address(number))
        if address not in used:
            return address
    raise ValueError(f"All addresses from {FIRST} to {LAST} are taken.")


def usable_address(address: str) -> str:
    """The address where this machine can bind it, else 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return LOOPBACK_HOST
    return address
