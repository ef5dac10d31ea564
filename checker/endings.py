"""How a run ends, as a number: see the head of `cli.py`."""

from typing import TYPE_CHECKING

from checker.errors import AccessError

if TYPE_CHECKING:
    from checker.model import AttendeeReport

PASSED, FAILED, USAGE, NOT_CHECKED, INTERRUPTED = 0, 1, 2, 3, 130


def exit_code_of(problem: Exception) -> int:
    """The exit code of an ending before any check ran."""
    return NOT_CHECKED if isinstance(problem, AccessError) else USAGE


def exit_code(report: "AttendeeReport") -> int:
    """The exit code of a report. A failure outranks what could not be checked."""
    from checker.model import Outcome

    if report.count(Outcome.FAIL):
        return FAILED
    return PASSED if report.count(Outcome.PASS) == len(report.results) else NOT_CHECKED
