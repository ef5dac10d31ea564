"""What is known of a class: a row for each attendee, and what can be counted from them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from checker.model import Check, CheckResult, LeftOut, Outcome
from checker.roster import Attendee


class State(StrEnum):
    """Where an attendee stands, by the first check that did not pass."""

    STUCK = "stuck"  # something to fix
    WAITING = "waiting on the cloud"
    DONE = "done"
    UNKNOWN = "not looked at"


DECISIVE: Mapping[Outcome, State] = {
    Outcome.FAIL: State.STUCK,
    Outcome.WAITING: State.WAITING,
    Outcome.UNKNOWN: State.UNKNOWN,
    Outcome.ERROR: State.UNKNOWN,
}


@dataclass(frozen=True)
class Row:
    """One attendee's results, one for each check of the report. `since` is when this run first saw them stuck there."""

    attendee: Attendee
    results: tuple[CheckResult, ...]
    seconds: float
    calls: int = 0
    since: datetime | None = None

    @property
    def first(self) -> CheckResult | None:
        """The first check that did not pass and is not merely blocked by another; None when all is well."""
        return next((result for result in self.results if result.outcome in DECISIVE), None)

    @property
    def state(self) -> State:
        first = self.first
        return DECISIVE[first.outcome] if first else State.DONE

    @property
    def passed(self) -> int:
        return sum(result.outcome is Outcome.PASS for result in self.results)


@dataclass(frozen=True)
class ClassReport:
    """One look at a class. `asked` is how many attendees the roster has; with fewer rows the report is partial."""

    started: datetime
    seconds: float
    target: str
    checks: tuple[Check, ...]
    rows: tuple[Row, ...]
    asked: int
    left_out: tuple[LeftOut, ...] = ()
    anonymous: bool = False

    @property
    def is_partial(self) -> bool:
        return len(self.rows) < self.asked

    def of(self, state: State) -> tuple[Row, ...]:
        """The attendees in a state, in the order of the report."""
        return tuple(row for row in self.rows if row.state is state)

    def count(self, code: str, outcome: Outcome) -> int:
        """For how many attendees a check came to an outcome."""
        return sum(
            result.check.code == code and result.outcome is outcome for row in self.rows for result in row.results
        )


def without_names(report: ClassReport) -> ClassReport:
    """The report to share: no name, no text that was seen; the rows by how far they are, so that no order tells."""
    rows = sorted(report.rows, key=lambda row: row.passed, reverse=True)
    return replace(report, rows=tuple(_nameless(row, number) for number, row in enumerate(rows, 1)), anonymous=True)


def _nameless(row: Row, number: int) -> Row:
    nobody = Attendee(f"attendee {number}", "", "", "", "")
    results = tuple(replace(result, finding=None, evidence=None) for result in row.results)
    return replace(row, attendee=nobody, results=results)
