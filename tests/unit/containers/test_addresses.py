"""Addresses of container groups."""

import socket

from sandbox.containers.addresses import CANDIDATES, free_address, is_busy, usable_address

GROUP = "/subscriptions/1/resourceGroups/g/providers/Microsoft.ContainerInstance/containerGroups/a"


def test_it_follows_from_the_group() -> None:
    assert free_address(GROUP, set(), {1}) == free_address(GROUP.upper(), set(), {1})
    assert free_address(GROUP, set(), {1}) != free_address(GROUP.replace("/1/", "/2/"), set(), {1})


def test_no_address_is_given_twice() -> None:
    taken: set[str] = set()
    for _ in range(CANDIDATES):
        taken.add(free_address(GROUP, taken, set()))
    assert len(taken) == CANDIDATES
    assert all(address.startswith("127.18.") for address in taken)


def test_where_somebody_listens_is_left_out() -> None:
    first = free_address(GROUP, set(), set())
    with socket.socket() as holder:
        holder.bind((usable_address(first), 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert is_busy(usable_address(first), port)
        if usable_address(first) == first:
            assert free_address(GROUP, set(), {port}) != first
    assert free_address(GROUP, set(), {port}) == first
