"""Cron lines of `schedules:` and when they are due: five fields, in UTC.

Minute, hour, day of the month, month, day of the week (0 is Sunday; names of three letters work). Both day fields must
fit, as in the library that the service uses; in a Unix crontab one of them would do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.pipelines.errors import Mark, Problems
from sandbox.pipelines.model import Pipeline, Schedule

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS: Final = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, MONTHS), (0, 6, DAYS))
MOST_DAYS: Final = 366 * 8  # a leap day is at most eight years away


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed line: the values that each field allows."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]


def parse_cron(text: str) -> Cron:
    """Raises ValueError with what is wrong and what is expected."""
    parts = text.split()
    if len(parts) != len(FIELDS):
        raise ValueError(f"It has {len(parts)} fields; a line has five: minute hour day month weekday.")
    return Cron(*(_field(part, *limits) for part, limits in zip(parts, FIELDS, strict=True)))


def list_due(schedule: Schedule, after: datetime, count: int = 3) -> list[datetime]:
    """The next times after a moment, in UTC; fewer than asked for when the line is never due. Raises ValueError for a
    wrong line."""
    cron = parse_cron(schedule.cron)
    times = _times(cron, after.astimezone(UTC))
    return [moment for _, moment in zip(range(count), times, strict=False)]


def check_schedules(pipeline: Pipeline, problems: Problems) -> None:
    """Add a problem for each line that is no cron line."""
    for schedule in pipeline.schedules:
        try:
            parse_cron(schedule.cron)
        except ValueError as error:
            message = f"Error while validating cron input. Improperly formed cron syntax: '{schedule.cron}'."
            problems.add(message, schedule.mark or Mark(pipeline.file), str(error))


def _times(cron: Cron, after: datetime) -> Iterator[datetime]:
    day = after.replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(MOST_DAYS):
        if day.month in cron.months and day.day in cron.days and (day.weekday() + 1) % 7 in cron.weekdays:
            for hour in sorted(cron.hours):
                for minute in sorted(cron.minutes):
                    moment = day.replace(hour=hour, minute=minute)
                    if moment > after:
                        yield moment
        day += timedelta(days=1)


def _field(text: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = low if first == "*" else _number(first, low, high, names)
        end = high if first == "*" or (step and not last) else start
        if last:
            end = _number(last, low, high, names)
        if end < start:
            raise ValueError(f"The range '{span}' ends before it begins.")
        values |= set(range(start, end + 1, _step(step)))
    return frozenset(values)


def _step(text: str) -> int:
    if not text:
        return 1
    if not text.isdigit() or int(text) == 0:
        raise ValueError(f"The step '{text}' is no whole number above 0.")
    return int(text)


def _number(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text.lower()[:3] in names and text.isalpha():
        return names.index(text.lower()[:3]) + low
    if not text.isdigit() or not low <= int(text) <= high:
        known = f", or {', '.join(names)}" if names else ""
        raise ValueError(f"'{text}' is not within {low} to {high}{known}.")
    return int(text)
