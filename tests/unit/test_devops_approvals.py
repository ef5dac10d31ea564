"""Approvals and time: one that nobody answers ends by the clock, not by a poll."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from sandbox.clock import Clock
from sandbox.devops.builds.approvals import Approvals
from sandbox.devops.builds.locks import Claim, Locks, Turn
from sandbox.devops.builds.signal import Bell
from sandbox.devops.context import Context
from sandbox.store import Document, Store


class MovedClock(Clock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def _approvals(folder: Path) -> tuple[Approvals, MovedClock, Store]:
    clock = MovedClock()
    store = Store(folder / "state.db", clock)
    context = SimpleNamespace(store=store, clock=clock, now=lambda: "now")
    return Approvals(cast(Context, context), Bell()), clock, store


def _check(**body: Any) -> Document:
    settings = {"approvers": [{"id": "a", "displayName": "Ada"}]}
    fields = {"type": "approval", "settings": settings, "timeout": 60, **body}
    return Document("check", "k", "k", "", "1", fields, "", "")


def test_approval_runs_out_when_its_minutes_are_over(tmp_path: Path) -> None:
    approvals, clock, store = _approvals(tmp_path)
    project = store.put("devops/projects", "/devops/o/projects/p", {"id": "p"})
    build = store.put("devops/builds", "/devops/o/projects/p/builds/1", {"id": 1})
    opened = approvals.open(project, "guid", build, "Production", _check())
    assert approvals.status(opened)[0] == "pending"
    clock.at += timedelta(minutes=59)
    assert approvals.status(opened)[0] == "pending"
    clock.at += timedelta(minutes=1)
    assert approvals.status(opened) == ("timedOut", "nobody of Ada answered within 60 minutes")
    assert approvals.open(project, "guid", build, "Production", _check()).body["status"] == "timedOut"


def _claim(build: int) -> Claim:
    return Claim(build, "Ship", f"/builds/{build}")


def test_latest_run_takes_the_lock_and_drops_those_before_it() -> None:
    locks = Locks()
    assert locks.claim("env", _claim(1), "runLatest") == Turn.MINE
    assert [locks.claim("env", _claim(number), "runLatest") for number in (2, 3)] == [Turn.WAITING] * 2
    locks.release("/builds/1")
    assert locks.claim("env", _claim(2), "runLatest") == Turn.SUPERSEDED
    assert locks.claim("env", _claim(3), "runLatest") == Turn.MINE


def test_sequential_runs_take_the_lock_in_their_order() -> None:
    locks = Locks()
    assert locks.claim("env", _claim(1), "sequential") == Turn.MINE
    assert [locks.claim("env", _claim(number), "sequential") for number in (3, 2)] == [Turn.WAITING] * 2
    locks.release("/builds/1", "Ship")
    assert locks.claim("env", _claim(3), "sequential") == Turn.WAITING
    assert locks.claim("env", _claim(2), "sequential") == Turn.MINE


def test_ring_between_looking_and_waiting_is_heard() -> None:
    bell = Bell()
    heard = bell.rings
    threading.Thread(target=bell.ring).start()
    bell.wait(heard, 10)
    assert bell.rings == heard + 1
