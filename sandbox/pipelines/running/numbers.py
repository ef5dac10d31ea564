"""Run numbers: `name:` of a pipeline with its dates and its revision (azure-pipelines contract, 2.9)."""

import re
from collections.abc import Callable
from datetime import datetime

from sandbox.pipelines.running.variables import Expanded

DEFAULT = "$(Date:yyyyMMdd).$(Rev:r)"
TOKEN = re.compile(r"\$\((date|year|rev):([^)]*)\)", re.IGNORECASE)
PLAIN = re.compile(
    r"\$\((dayofmonth|dayofyear|hours|minutes|month|seconds|buildid|sourcebranchname|teamproject|builddefinitionname)\)",
    re.IGNORECASE,
)
REVISION = re.compile(r"\$\(rev:(r+)\)", re.IGNORECASE)
DATE_PARTS = re.compile(r"yyyy|yy|MMMM|MMM|MM|M|dddd|ddd|dd|d|HH|H|hh|h|mm|m|ss|s|f{1,6}|tt")
VARIABLES = {
    "buildid": "build.buildid",
    "sourcebranchname": "build.sourcebranchname",
    "teamproject": "system.teamproject",
    "builddefinitionname": "build.definitionname",
}
# What the service does not take in a run number.
FORBIDDEN = re.compile(r'["/:<>\\|?@*]')


def build_number(name: str, variables: Expanded, now: datetime, revision: Callable[[str], int]) -> str:
    """The number of a run. `revision` is asked with the rest of it, the revision left out."""
    text = TOKEN.sub(lambda found: _dated(found, now), name or DEFAULT)
    text = PLAIN.sub(lambda found: _plain(found.group(1).lower(), variables, now), text)
    text = FORBIDDEN.sub("_", variables.expand(REVISION.sub("\0\\1\0", text))).strip()
    revisions = re.compile("\0(r+)\0")
    if not revisions.search(text):
        return text
    number = revision(revisions.sub("", text))
    return revisions.sub(lambda found: f"{number:0{len(found.group(1))}}", text)


def _dated(found: re.Match[str], now: datetime) -> str:
    kind, pattern = found.group(1).lower(), found.group(2)
    return found.group(0) if kind == "rev" else format_date(now, pattern)


def _plain(word: str, variables: Expanded, now: datetime) -> str:
    if word in VARIABLES:
        return variables.values.get(VARIABLES[word], "")
    parts = {
        "dayofmonth": now.day,
        "dayofyear": now.timetuple().tm_yday,
        "hours": now.hour,
        "minutes": now.minute,
        "month": now.month,
        "seconds": now.second,
    }
    return str(parts[word])


def format_date(now: datetime, pattern: str) -> str:
    """A date by .NET's custom format letters."""
    return DATE_PARTS.sub(lambda found: _part(now, found.group(0)), pattern)


def _part(now: datetime, letters: str) -> str:
    width = len(letters)
    if letters[0] == "y":
        return f"{now:%Y}"[-width:]
    if letters[0] == "M" and width > 2:
        return f"{now:%B}" if width == 4 else f"{now:%b}"
    if letters[0] == "d" and width > 2:
        return f"{now:%A}" if width == 4 else f"{now:%a}"
    if letters[0] == "f":
        return f"{now:%f}"[:width]
    if letters == "tt":
        return f"{now:%p}"
    values = {"M": now.month, "d": now.day, "H": now.hour, "h": now.hour % 12 or 12, "m": now.minute, "s": now.second}
    return f"{values[letters[0]]:0{width}}"
