"""Reports for other programs: CSV for a spreadsheet, JUnit for a pipeline. Of one attendee, and of a class."""

import csv
import io
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as Xml

from checker.classroom.model import ClassReport, Row
from checker.model import AttendeeReport, Check, CheckResult, Outcome
from checker.reports import View

NAMES = ("name", "organization", "project", "suffix")
COLUMNS = (
    "module", "code", "title", "outcome", "seconds", "blocked_by", "first_passed_at", "seen", "expected",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# What XML 1.0 cannot hold, from a log that a learner's program wrote.
UNWRITABLE = {code: "?" for code in range(32) if chr(code) not in "\t\n\r"} | {0xFFFE: "?", 0xFFFF: "?"}


def report_as_csv(report: AttendeeReport, view: View) -> str:
    """A line for each check."""
    del view
    return _csv(COLUMNS, (_cells(result) for result in report.results))


def catalogue_as_csv(checks: Mapping[str, Check], view: View) -> str:
    """A line for each check there is."""
    del view
    header = ("module", "code", "title", "why", "service", "requires")
    lines = (
        (check.module, check.code, check.title, check.why, check.service.value, " ".join(check.requires))
        for check in checks.values()
    )
    return _csv(header, lines)


def class_as_csv(report: ClassReport, view: View | None = None) -> str:
    """A line for each check of each attendee."""
    del view
    lines = (
        (*(getattr(row.attendee, name) for name in NAMES), *_cells(result))
        for row in report.rows
        for result in row.results
    )
    return _csv((*NAMES, *COLUMNS), lines)


def report_as_junit(report: AttendeeReport, view: View) -> str:
    """One test suite, a test case for each check."""
    del view
    root = Xml.Element("testsuites", name="checker")
    started = report.started.isoformat(timespec="seconds")
    _suite(root, report.suffix, report.results, report.seconds, started)
    return _xml(root)


def class_as_junit(report: ClassReport, view: View | None = None) -> str:
    """A test suite for each attendee. An attendee who was not reached before an interruption is not in it."""
    del view
    root = Xml.Element("testsuites", name="checker class")
    if report.is_partial:
        root.set("name", f"checker class, partial: {len(report.rows)} of {report.asked} attendees")
    for row in report.rows:
        _suite(root, row.attendee.name, row.results, row.seconds, report.started.isoformat(timespec="seconds"))
    return _xml(root)


def _suite(root: Xml.Element, name: str, results: Iterable[CheckResult], seconds: float, started: str) -> None:
    suite = Xml.SubElement(root, "testsuite", name=_plain(name), time=f"{seconds:.3f}", timestamp=started)
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for result in results:
        counts["tests"] += 1
        kind = _case(suite, result)
        if kind:
            counts[kind] += 1
    for kind, count in counts.items():
        suite.set(kind, str(count))


def _case(suite: Xml.Element, result: CheckResult) -> str:
    """The test case of a check; which count of its suite it belongs to, '' when it passed."""
    check = result.check
    case = Xml.SubElement(
        suite, "testcase", classname=check.module, name=f"{check.code} {check.title}", time=f"{result.seconds:.3f}"
    )
    tag, kind = {
        Outcome.PASS: ("", ""),
        Outcome.FAIL: ("failure", "failures"),
        Outcome.UNKNOWN: ("error", "errors"),
        Outcome.ERROR: ("error", "errors"),
    }.get(result.outcome, ("skipped", "skipped"))
    if tag:
        element = Xml.SubElement(case, tag, message=_plain(_message(result)))
        if tag != "skipped":
            element.set("type", result.outcome.value)
            element.text = _plain(_advice(result))
    return kind


def _message(result: CheckResult) -> str:
    if result.blocked_by:
        return f"blocked by {', '.join(result.blocked_by)}"
    return result.finding.seen if result.finding else result.outcome.value


def _advice(result: CheckResult) -> str:
    finding = result.finding
    return "\n".join((f"expected: {finding.expected}", *finding.hints[:1], *finding.commands)) if finding else ""


def _cells(result: CheckResult) -> tuple[str, ...]:
    finding = result.finding
    return (
        result.check.module,
        result.check.code,
        result.check.title,
        result.outcome.value,
        f"{result.seconds:.3f}",
        " ".join(result.blocked_by),
        result.first_passed_at.isoformat() if result.first_passed_at else "",
        finding.seen if finding else "",
        finding.expected if finding else "",
    )


def _csv(header: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A cell that a spreadsheet would take for a formula gets an apostrophe: what was seen is a stranger's text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for line in lines:
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in line])
    return out.getvalue()


def _plain(text: str) -> str:
    return text.translate(UNWRITABLE)


def _xml(root: Xml.Element) -> str:
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def names_of(row: Row) -> dict[str, str]:
    """Who a row is about, by column."""
    return {name: getattr(row.attendee, name) for name in NAMES}
