"""Mistakes and variations, made one after the other in worlds that are lent, and judged by what the checker says."""

import threading
from collections.abc import Mapping
from pathlib import Path

import requests

from journey.errors import JourneyError
from journey.mistakes.registry import Mistake, Variation
from journey.proving.judging import Verdict, judge_mistake, judge_pass
from journey.proving.looking import Checker, Seen, codes_of
from journey.worlds import Ground, World, new_world, reach

SWITCHES = {"": "/_sandbox/devops/switches", "azure.": "/_sandbox/azure/switches"}


class Worlds:
    """Worlds by how far they are: lent to one borrower at a time, made where none is idle."""

    def __init__(self, ground: Ground, scratch: Path) -> None:
        self._ground = ground
        self._scratch = scratch
        self._idle: dict[tuple[str, bool], list[World]] = {}
        self._lock = threading.Lock()
        self._made = 0

    def fresh(self, module: str, clone: bool = False) -> World:
        """A world of one's own, as after a module."""
        with self._lock:
            self._made += 1
            folder = self._scratch / f"world-{self._made:03}"
        return reach(new_world(self._ground, folder), module, clone)

    def borrow(self, module: str, clone: bool = False) -> World:
        """A world that comes back as it was lent."""
        with self._lock:
            idle = self._idle.setdefault((module, clone), [])
            found = idle.pop() if idle else None
        return found or self.fresh(module, clone)

    def give_back(self, world: World, clone: bool = False) -> None:
        with self._lock:
            self._idle.setdefault((world.module, clone), []).append(world)

    def idle(self) -> list[World]:
        """All that nobody has borrowed."""
        with self._lock:
            return [world for worlds in self._idle.values() for world in worlds]


class Switchboard:
    """The failures of an organisation, and of a subscription (with `azure.` in front of their names), as the owner of
    a sandbox switches them. They hold for all who use it.
    """

    def __init__(self, ground: Ground, secret: str) -> None:
        self._headers = {"x-sandbox-secret": secret}
        self._ground = ground

    def set(self, values: Mapping[str, object]) -> None:
        azure = {name.removeprefix("azure."): one for name, one in values.items() if name.startswith("azure.")}
        devops = {name: one for name, one in values.items() if not name.startswith("azure.")}
        for prefix, wanted in (("", devops), ("azure.", azure)):
            if wanted:
                self._send("PATCH", prefix, wanted)

    def reset(self) -> None:
        for prefix in SWITCHES:
            self._send("DELETE", prefix, None)

    def _send(self, method: str, prefix: str, body: object) -> None:
        url = self._ground.wire.address + SWITCHES[prefix]
        self._ground.wire.send(method, url, json=body, headers=self._headers)


def prove_mistake(
    one: Mistake, worlds: Worlds, checker: Checker, switchboard: Switchboard | None = None, whole: bool = True
) -> Verdict:
    """Makes a mistake in a world, looks, and takes it back. One that cannot be made is not found. Without `whole` only
    its check is looked at, and what that needs.

    Raises ValueError for a mistake that needs a switch without anybody who may switch.
    """
    if one.switches and switchboard is None:
        raise ValueError(f"{one.id} needs {', '.join(one.switches)} switched")
    try:
        return judge_mistake(one, _seen_with(one, worlds, checker, switchboard, whole))
    except (JourneyError, requests.RequestException) as error:
        return Verdict(one.id, one.module, False, (), f"it could not be made: {error}")


def prove_variation(one: Variation, worlds: Worlds, checker: Checker) -> Verdict:
    """Makes a variation, looks, and takes it back."""
    try:
        return judge_pass(one.id, one.module, _seen_with(one, worlds, checker))
    except (JourneyError, requests.RequestException) as error:
        return Verdict(one.id, one.module, False, (), f"it could not be made: {error}")


def _seen_with(
    one: Mistake | Variation,
    worlds: Worlds,
    checker: Checker,
    switchboard: Switchboard | None = None,
    whole: bool = True,
) -> Mapping[str, Seen]:
    """What the checker says while it is so. A world that was not put right again is lent to nobody else."""
    switches = one.switches if isinstance(one, Mistake) else {}
    world = worlds.fresh(one.needs, one.clone) if one.spoils else worlds.borrow(one.needs, one.clone)
    codes = (one.code,) if isinstance(one, Mistake) and not whole else codes_of(checker, one.looks, machine=one.clone)
    try:
        if switches and switchboard:
            switchboard.set(switches)
        undo = one.apply(world)
        seen = checker.look(world, codes)
    finally:
        if switches and switchboard:
            switchboard.reset()
    if undo is not None:
        undo()
    if not one.spoils:
        worlds.give_back(world, one.clone)
    return seen
