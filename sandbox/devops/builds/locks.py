"""Exclusive locks: of the runs that want one resource only one stage at a time goes on (3.7)."""

import threading
from dataclasses import dataclass, field
from enum import Enum, auto

SEQUENTIAL = "sequential"


class Turn(Enum):
    """Whether a stage has the lock, waits for it, or lost its place to a later run."""

    MINE = auto()
    WAITING = auto()
    SUPERSEDED = auto()


@dataclass(frozen=True, order=True)
class Claim:
    """A stage of a build; builds are ordered by their number."""

    build: int
    stage: str
    key: str = field(compare=False)


@dataclass
class _Lock:
    holder: Claim | None = None
    waiting: set[Claim] = field(default_factory=set)
    superseded: set[Claim] = field(default_factory=set)


class Locks:
    """All locks of a running server: runs that ended with it hold none."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, _Lock] = {}

    def claim(self, resource: str, claim: Claim, behaviour: str) -> Turn:
        """Ask again until it is one's turn. `runLatest`, the default, lets the newest go and drops the others;
        `sequential` lets the oldest go."""
        with self._guard:
            lock = self._locks.setdefault(resource, _Lock())
            if claim in lock.superseded:
                return Turn.SUPERSEDED
            lock.waiting.add(claim)
            if lock.holder is None:
                self._next(lock, behaviour)
            if lock.holder == claim:
                return Turn.MINE
            return Turn.SUPERSEDED if claim in lock.superseded else Turn.WAITING

    def _next(self, lock: _Lock, behaviour: str) -> None:
        if behaviour.lower() == SEQUENTIAL:
            lock.holder = min(lock.waiting)
        else:
            lock.holder = max(lock.waiting)
            lock.superseded |= lock.waiting - {lock.holder}
            lock.waiting.clear()
        lock.waiting.discard(lock.holder)

    def release(self, build_key: str, stage: str | None = None) -> None:
        """What a stage, or a whole build, holds or waits for."""
        with self._guard:
            for lock in self._locks.values():
                lock.waiting = {one for one in lock.waiting if not _is(one, build_key, stage)}
                lock.superseded = {one for one in lock.superseded if not _is(one, build_key, stage)}
                if lock.holder and _is(lock.holder, build_key, stage):
                    lock.holder = None


def _is(claim: Claim, build_key: str, stage: str | None) -> bool:
    return claim.key == build_key and stage in (None, claim.stage)
