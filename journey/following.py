"""A run, followed live: what its timeline says is told as it changes, and what it waits for is known."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from journey.day.context import Day
from journey.errors import JourneyError
from journey.polling import SHORTEST, pauses

LONGEST_RUN = 3 * 3600.0
LONGEST_PAUSE = 2.0  # seconds between two looks: whoever approves should not be waited for
LOG_LINES = 15
INSTALLING = "Install dependencies"  # as labs/pipelines/python.yml calls its step
WAITING = ("pending", "inProgress")
MARKS = {"succeeded": "ok", "succeededWithIssues": "ok, with issues", "skipped": "skipped"}


@dataclass(frozen=True)
class Look:
    """A run at one moment. The waiting records are those of checkpoints that a person has to clear."""

    build: dict[str, Any]
    records: tuple[dict[str, Any], ...]

    @property
    def completed(self) -> bool:
        return bool(self.build["status"] == "completed")

    def waiting(self, kind: str) -> tuple[dict[str, Any], ...]:
        """The checkpoints of a kind that are open: `Checkpoint.Approval`, `Checkpoint.Authorization`."""
        if self.completed:
            return ()
        return tuple(one for one in self.records if one["type"] == kind and one["state"] == "inProgress")


class Follower:
    """Tells the news of one run; what was told once, also by another follower of the day, is not told again."""

    def __init__(self, day: Day, build: int) -> None:
        self._day = day
        self._build = build
        self._told = day.told.setdefault(build, set())

    def follow(self, until: Callable[[Look], bool]) -> Look:
        """Looks until the run is as wanted. Raises JourneyError for a run that goes on for hours.

        A run that was over before anybody looked is no news.
        """
        began = time.monotonic()
        look = self._follow(until)
        if self._told:
            self._day.waiting.runs += time.monotonic() - began
        return look

    def _follow(self, until: Callable[[Look], bool]) -> Look:
        deadline, rhythm = time.monotonic() + LONGEST_RUN, pauses(longest=LONGEST_PAUSE)
        while True:
            look = self.look()
            if look.completed and not self._told:
                return look
            if self._tell_news(look):
                rhythm = pauses(longest=LONGEST_PAUSE)
            if look.completed or until(look):
                return look
            if time.monotonic() > deadline:
                raise JourneyError(f"run {look.build['buildNumber']}", "still under way after three hours", "its end")
            time.sleep(next(rhythm, SHORTEST))

    def look(self) -> Look:
        """The run now. Its timeline is read first: what it did before it ended is then never missed."""
        path = self._day.path(f"build/builds/{self._build}")
        timeline = self._day.organization.find(f"{path}/timeline") or {}
        build = self._day.organization.get(path)
        if build["status"] == "completed":
            timeline = self._day.organization.find(f"{path}/timeline") or {}
        return Look(build, tuple(timeline.get("records") or ()))

    def _tell_news(self, look: Look) -> bool:
        fresh = [one for one in look.records if _is_news(one) and _key(one) not in self._told]
        for record in sorted(fresh, key=_moment):
            self._told.add(_key(record))
            self._day.tell(_line(record))
            if record["type"] == "Task" and record["name"] == INSTALLING:
                self._day.waiting.packages += _seconds(record)
        return bool(fresh)


def _is_news(record: dict[str, Any]) -> bool:
    if record["type"] == "Stage":
        return bool(record["state"] != "pending")
    if record["type"] in ("Checkpoint.Approval", "Checkpoint.Authorization"):
        return bool(record["state"] == "inProgress")
    return bool(record["type"] == "Task" and record["state"] == "completed")


def _key(record: dict[str, Any]) -> tuple[Any, ...]:
    return record["id"], record.get("attempt"), record["state"], record.get("result")


def _moment(record: dict[str, Any]) -> str:
    return str((record["finishTime"] if record["state"] == "completed" else record.get("startTime")) or "9")


def _line(record: dict[str, Any]) -> str:
    """One line of news: a stage begins or ends, a step ends, something waits for a person."""
    result = MARKS.get(record.get("result") or "", record.get("result") or "")
    if record["type"] == "Stage":
        return f"  {record['name']}: {result or 'under way'}"
    if record["type"] == "Task":
        return f"    {result:8} {record['name']}{_duration(record)}"
    what = "an approval" if record["type"] == "Checkpoint.Approval" else "a permission"
    return f"  waits for {what}"


def _duration(record: dict[str, Any]) -> str:
    return f", {round(_seconds(record))} s" if record.get("startTime") and record.get("finishTime") else ""


def _seconds(record: dict[str, Any]) -> float:
    """How long a record took; 0 for one that has not begun or not ended."""
    if not record.get("startTime") or not record.get("finishTime"):
        return 0.0
    started, finished = (datetime.fromisoformat(record[name]) for name in ("startTime", "finishTime"))
    return (finished - started).total_seconds()


def require_success(day: Day, look: Look) -> str:
    """A sentence on a run that succeeded. Raises JourneyError, with the failed step's last lines, for any other."""
    build = look.build
    name = f"run {build['buildNumber']}"
    if build.get("result") == "succeeded":
        return f"{name} succeeded"
    raise JourneyError(
        name, f"{build.get('result')}; {_reason(day, look)}", "succeeded", f"look at it: {_address(build)}"
    )


def _address(build: dict[str, Any]) -> str:
    return str(build.get("_links", {}).get("web", {}).get("href") or f"build {build['id']}")


def _reason(day: Day, look: Look) -> str:
    """What the first failed step says, else what the service says about the run."""
    failed, first = _failed(look), first_failed(look)
    issues = [str(issue["message"]) for one in failed for issue in one.get("issues") or ()]
    issues += [str(one["message"]) for one in look.build.get("validationResults") or ()]
    if first is None:
        return "; ".join(issues) or "no step failed"
    lines = _last_lines(day, look.build["id"], first)
    return "\n".join([f"{first['name']} failed: {'; '.join(issues[:3])}", *(f"  | {line}" for line in lines)])


def _failed(look: Look) -> list[dict[str, Any]]:
    return [one for one in look.records if one.get("result") == "failed" and one["type"] in ("Task", "Job", "Stage")]


def first_failed(look: Look) -> dict[str, Any] | None:
    """The record of the step that broke the run; of a job or stage where no step did; None where nothing failed."""
    failed = _failed(look)
    return next((one for one in sorted(failed, key=_moment) if one["type"] == "Task"), next(iter(failed), None))


def _last_lines(day: Day, build: int, record: dict[str, Any]) -> list[str]:
    log = (record.get("log") or {}).get("id")
    if not log:
        return []
    found = day.organization.find(day.path(f"build/builds/{build}/logs/{log}")) or {}
    return [str(line) for line in found.get("value", [])][-LOG_LINES:]
