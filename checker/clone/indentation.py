"""The words that begin stages, jobs and steps, and lines that stand where another of them belongs.

A line at the wrong depth makes a file unreadable far more often than it makes it wrong, and the parser's own words for
that help nobody: so the lines themselves are looked at.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

STEP_KINDS = (
    *("task", "script", "bash", "pwsh", "powershell", "checkout", "download", "downloadBuild", "publish"),
    *("getPackage", "upload", "reviewApp", "template"),
)
JOB_KINDS = ("job", "deployment", "template")
STAGE_KINDS = ("stage", "template")
ITEM = re.compile(r"(?P<spaces> *)- (?P<word>\w+):")
LINES_LOOKED_AT = 25  # above the one where the parser gave up


@dataclass(frozen=True)
class Misplaced:
    """A line whose first word belongs further in: the word, the kind that begins at this depth, the line from 1."""

    word: str
    expected: str
    line: int


def misplaced_step(text: str, upto: int) -> Misplaced | None:
    """The nearest step, not after line `upto`, that stands at the depth of a job or of a stage."""
    lines = text.splitlines()
    depths = dict(_depths(lines))
    for number in range(min(upto, len(lines)), max(0, upto - LINES_LOOKED_AT), -1):
        item = ITEM.match(lines[number - 1])
        if item is None or item["word"] not in STEP_KINDS or item["word"] == "template":
            continue
        expected = depths.get(len(item["spaces"]))
        if expected is not None:
            return Misplaced(item["word"], expected, number)
    return None


def _depths(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The depths at which stages and jobs begin in this file."""
    for line in lines:
        item = ITEM.match(line)
        if item is not None and item["word"] in ("stage", "job", "deployment"):
            yield len(item["spaces"]), "stage" if item["word"] == "stage" else "job"
