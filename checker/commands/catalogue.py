"""`checker list` and `checker explain`: what there is to check and what a log says, without looking at anything."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from checker.commands.check import find_format
from checker.console import view, write
from checker.endings import NOT_CHECKED
from checker.errors import UsageError
from checker.options import FormatOption

if TYPE_CHECKING:
    from checker.model import Check
    from checker.reports import View


def register(app: typer.Typer) -> None:
    """Add `list` and `explain`."""
    app.command("list")(list_checks)
    app.command("explain")(explain)


def list_checks(form: FormatOption = "terminal") -> None:
    """List all checks, without looking at anything."""
    from checker.checks import CHECKS

    write(_catalogue(form)(CHECKS, view(sys.stdout)))


def _catalogue(form: str) -> "Callable[[Mapping[str, Check], View], str]":
    """What renders a list of checks in this form. Raises UsageError."""
    catalogue = find_format(form).catalogue
    if catalogue is None:
        raise UsageError(f"--format {form}", "a form of results only", "terminal, json or csv", ("checker list",))
    return catalogue


def explain(
    code: Annotated[str | None, typer.Argument(help="As STG003.")] = None,
    log: Annotated[
        str | None, typer.Option("--log", metavar="FILE", help="A log, or one line of it; - reads what is pasted.")
    ] = None,
    form: FormatOption = "terminal",
) -> None:
    """Say what a check states, and why it matters; or, with --log, what the lines of a log mean, the first one first.

    The log can be a pipeline's, a job's, a container's or what a client wrote. It is read here and sent nowhere. It
    ends with 3 when no line is known.
    """
    if (code is None) == (log is None):
        raise UsageError(
            "checker explain", "a code or a log, one of both", "what to explain",
            ("checker explain STG003", "checker explain --log run.log"),
        )  # fmt: skip
    if log is not None:
        _explain_log(log, form)
    else:
        _explain_check(str(code), form)


def _explain_check(code: str, form: str) -> None:
    from checker.checks import CHECKS
    from checker.reports.terminal import render_explanation
    from checker.selection import unknown

    found = CHECKS.get(code.upper())
    if found is None:
        raise unknown(code, list(CHECKS))
    if form == "terminal":
        needed_by = tuple(other.code for other in CHECKS.values() if found.code in other.requires)
        write(render_explanation(found, needed_by, view(sys.stdout)))
    else:
        write(_catalogue(form)({found.code: found}, view(sys.stdout)))


def _explain_log(name: str, form: str) -> None:
    from checker.reports.diagnosis import diagnosis_as_json, render_diagnosis
    from checker.troubleshooting import CATALOGUE
    from checker.troubleshooting.reading import read_log

    with _opened(name) as log:
        diagnosis = read_log(log)
    if form == "json":
        write(diagnosis_as_json(diagnosis, len(CATALOGUE)))
    elif form == "terminal":
        write(render_diagnosis(diagnosis, len(CATALOGUE), view(sys.stdout)))
    else:
        raise UsageError(f"--format {form}", "there is no such format", "terminal or json", ("checker explain --help",))
    if not diagnosis.sightings:
        raise typer.Exit(NOT_CHECKED)


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    """The log as text, whatever bytes are in it. Raises UsageError."""
    if name == "-":
        yield sys.stdin
        return
    try:
        file = Path(name).open(encoding="utf-8", errors="replace")  # noqa: SIM115  (the with is below)
    except OSError as error:
        raise UsageError(
            f"--log {name}", error.strerror or str(error), "a file of text, or - for what is pasted",
            ("checker explain --log -",),
        ) from error  # fmt: skip
    with file:
        yield file
