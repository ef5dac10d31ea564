"""A class for people at a terminal and for programs, and the forms that a class's report can take."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.text import Text

from checker.classroom.model import ClassReport, Row, State
from checker.model import Check, Outcome
from checker.reports import View
from checker.reports.progress import ago
from checker.reports.rows import class_as_csv, class_as_junit, names_of
from checker.reports.terminal import STYLES, WORDS, ends, labelled, print_lines

SCHEMA = "mlops-workshop/checker-class"
VERSION = 1
NAME_WIDTH = 20
STATE_STYLES = {
    State.STUCK: STYLES[Outcome.FAIL],
    State.WAITING: STYLES[Outcome.WAITING],
    State.UNKNOWN: STYLES[Outcome.UNKNOWN],
    State.DONE: STYLES[Outcome.PASS],
}
HARDEST = 10  # checks that are listed


def class_at_terminal(report: ClassReport, view: View) -> str:
    """Who is stuck, waiting, done; then how many have passed each check that some have not."""
    lines: list[Text] = [*_head(report)]
    for state in (State.STUCK, State.WAITING, State.UNKNOWN, State.DONE):
        rows = report.of(state)
        if rows:
            lines.append(Text(f"{state.value}: {len(rows)}", style=f"bold {STATE_STYLES[state]}"))
            lines += [line for row in rows for line in _row(row, report)]
            lines.append(Text())
    lines += _rates(report, view)
    lines.append(_footer(report))
    return print_lines(lines, view)


def _head(report: ClassReport) -> Iterator[Text]:
    if report.is_partial:
        yield Text(f"partial: {len(report.rows)} of {report.asked} attendees were looked at", style="bold")
    for left_out in report.left_out:
        yield Text(f"{left_out.service}: {left_out.reason}, {len(left_out.codes)} checks left out")
    if report.is_partial or report.left_out:
        yield Text()


def _row(row: Row, report: ClassReport) -> Iterator[Text]:
    first = row.first
    count = f"{row.passed} of {len(row.results)} passed"
    name = row.attendee.name.ljust(NAME_WIDTH)
    if first is None:
        yield Text(f"  {name} {count}")
        return
    since = f" for {ago(_until(report) - row.since)}" if row.since and _until(report) > row.since else ""
    yield Text(f"  {name} {count}; {first.check.code} {first.check.title}: {WORDS[first.outcome]}{since}")
    if first.finding:
        yield labelled("seen", first.finding.seen)


def _until(report: ClassReport) -> datetime:
    from datetime import timedelta

    return report.started + timedelta(seconds=report.seconds)


def _rates(report: ClassReport, view: View) -> Iterator[Text]:
    missed = [(_rate(report, check), check) for check in report.checks]
    hardest = [(rate, check) for rate, check in sorted(missed, key=lambda one: one[0]) if rate < 1][:HARDEST]
    if not hardest or not report.rows:
        return
    yield Text("checks that fewest have passed", style="bold")
    for _, check in hardest:
        passed, failed = report.count(check.code, Outcome.PASS), report.count(check.code, Outcome.FAIL)
        right = f"{passed} of {len(report.rows)} passed" + (f", {failed} to fix" if failed else "")
        yield ends(Text(f"  {check.code} {check.title}"), Text(right), view)
    yield Text()


def _rate(report: ClassReport, check: Check) -> float:
    """The share of attendees who have passed, from 0 to 1."""
    return report.count(check.code, Outcome.PASS) / len(report.rows) if report.rows else 0.0


def _footer(report: ClassReport) -> Text:
    calls = sum(row.calls for row in report.rows)
    counts = ", ".join(f"{len(report.of(state))} {state.value}" for state in State)
    text = f"{len(report.rows)} attendees: {counts} - {calls} calls, target {report.target}, {report.seconds:.1f} s"
    return Text(text, style="bright_black")


def class_as_json(report: ClassReport, view: View | None = None) -> str:
    """The whole report; its form is `class.schema.json`. VERSION moves when a field changes its meaning."""
    del view
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "started": report.started.isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 3),
        "target": report.target,
        "partial": report.is_partial,
        "anonymous": report.anonymous,
        "asked": report.asked,
        "left_out": [
            {"service": one.service.value, "reason": one.reason, "codes": list(one.codes)} for one in report.left_out
        ],
        "summary": {state.value: len(report.of(state)) for state in State},
        "checks": [_check(check, report) for check in report.checks],
        "attendees": [_attendee(row) for row in report.rows],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _check(check: Check, report: ClassReport) -> dict[str, Any]:
    return {
        "code": check.code,
        "title": check.title,
        "module": check.module,
        "requires": list(check.requires),
        "outcomes": {outcome.value: report.count(check.code, outcome) for outcome in Outcome},
        "pass_rate": round(_rate(report, check), 4),
    }


def _attendee(row: Row) -> dict[str, Any]:
    first = row.first
    return {
        **names_of(row),
        "state": row.state.value,
        "at": first.check.code if first else None,
        "since": row.since.isoformat(timespec="seconds") if row.since else None,
        "seconds": round(row.seconds, 3),
        "calls": row.calls,
        "passed": row.passed,
        "results": [
            {
                "code": result.check.code,
                "outcome": result.outcome.value,
                "blocked_by": list(result.blocked_by),
                "seen": result.finding.seen if result.finding else None,
                "expected": result.finding.expected if result.finding else None,
                "commands": list(result.finding.commands) if result.finding else [],
            }
            for result in row.results
        ],
    }


def _html(report: ClassReport, view: View) -> str:
    from checker.reports.html import class_as_html

    del view
    return class_as_html(report)


CLASS_FORMATS: Mapping[str, Callable[[ClassReport, View], str]] = {
    "terminal": class_at_terminal,
    "json": class_as_json,
    "junit": class_as_junit,
    "csv": class_as_csv,
    "html": _html,
}
