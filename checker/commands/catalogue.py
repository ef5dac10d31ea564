"""`checker list` and `checker explain`: what there is to check, without looking at anything."""

import sys
from typing import Annotated

import typer

from checker.commands.check import find_format
from checker.console import view, write
from checker.options import FormatOption


def register(app: typer.Typer) -> None:
    """Add `list` and `explain`."""
    app.command("list")(list_checks)
    app.command("explain")(explain)


def list_checks(form: FormatOption = "terminal") -> None:
    """List all checks, without looking at anything."""
    from checker.checks import CHECKS

    write(find_format(form).catalogue(CHECKS, view(sys.stdout)))


def explain(code: Annotated[str, typer.Argument(help="As STG003.")]) -> None:
    """Say what a check states, and why it matters."""
    from checker.checks import CHECKS
    from checker.reports.terminal import render_explanation
    from checker.selection import unknown

    found = CHECKS.get(code.upper())
    if found is None:
        raise unknown(code, list(CHECKS))
    needed_by = tuple(other.code for other in CHECKS.values() if found.code in other.requires)
    write(render_explanation(found, needed_by, view(sys.stdout)))
