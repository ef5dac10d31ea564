"""The forms a report can take. Each renders the whole text; the command line masks secrets in it and writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from checker.model import AttendeeReport, Check


@dataclass(frozen=True)
class View:
    """How a person wants to see it. `hints` is how far down the ladder, `width` is in characters."""

    hints: int = 1
    verbose: bool = False
    colour: bool = False
    symbols: bool = True
    width: int = 100
    log_file: Path | None = None


@dataclass(frozen=True)
class Format:
    """One form: `report` renders a run, `catalogue` the list of checks, None where that makes no sense."""

    report: Callable[[AttendeeReport, View], str]
    catalogue: Callable[[Mapping[str, Check], View], str] | None


def _terminal() -> Format:
    from checker.reports.terminal import render_catalogue, render_report

    return Format(render_report, render_catalogue)


def _json() -> Format:
    from checker.reports.json import render_catalogue, render_report

    return Format(render_report, render_catalogue)


def _junit() -> Format:
    from checker.reports.rows import report_as_junit

    return Format(report_as_junit, None)


def _csv() -> Format:
    from checker.reports.rows import catalogue_as_csv, report_as_csv

    return Format(report_as_csv, catalogue_as_csv)


FORMATS: Mapping[str, Callable[[], Format]] = {"terminal": _terminal, "json": _json, "junit": _junit, "csv": _csv}
