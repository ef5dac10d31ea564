"""Finds known lines in a log: the first one first, for what comes after it is often only its echo."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from checker.troubleshooting import CATALOGUE, Trouble

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?\s?")
ERROR = re.compile(
    r"##\[error\]|^\s*(\w+\.)*\w*(Error|Exception): |^(ERROR|fatal|error)\b:?|^\s*E\s{2,}\S", re.IGNORECASE
)
LONGEST = 2000  # characters of a line that are searched


@dataclass(frozen=True)
class Sighting:
    """A known line in a log. `number` counts from 1."""

    number: int
    line: str
    trouble: Trouble


@dataclass(frozen=True)
class Diagnosis:
    """What a log shows. `unknown` is the first line that looks like an error before any known one, or None."""

    lines: int
    sightings: tuple[Sighting, ...]
    unknown: tuple[int, str] | None


def read_log(lines: Iterable[str], catalogue: tuple[Trouble, ...] = CATALOGUE) -> Diagnosis:
    """Each known trouble once, where it comes first, in the order of the log."""
    waiting = [(trouble, re.compile(trouble.pattern, re.IGNORECASE)) for trouble in catalogue]
    sightings: list[Sighting] = []
    unknown: tuple[int, str] | None = None
    count = 0
    for count, raw in enumerate(lines, start=1):
        line = clean(raw)
        found = [(trouble, pattern) for trouble, pattern in waiting if pattern.search(line)]
        if found:
            sightings += [Sighting(count, line.strip(), trouble) for trouble, _ in found]
            waiting = [entry for entry in waiting if entry not in found]
        elif not sightings and unknown is None and ERROR.search(line):
            unknown = (count, line.strip())
    return Diagnosis(count, tuple(sightings), unknown)


def clean(line: str) -> str:
    """A line without the agent's time stamp, colours and line end."""
    return STAMP.sub("", ANSI.sub("", line.rstrip("\r\n")))[:LONGEST]
