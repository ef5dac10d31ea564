"""`checker check`: look at the work, once or until all is well."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checker.console import log_file, view, write
from checker.endings import PASSED, exit_code
from checker.errors import UsageError
from checker.masking import Secrets
from checker.options import Config, DevOps, KeyFile, Machine, ReportFormat, Seed, Verbose
from checker.reports import FORMATS, Format
from checker.settings import Settings, find_file, read_settings

if TYPE_CHECKING:
    from checker.context import CheckContext
    from checker.model import AttendeeReport, LeftOut


def register(app: typer.Typer) -> None:
    """Add `check`."""
    app.command("check")(check)


def check(
    wanted: Annotated[
        list[str] | None, typer.Argument(metavar="[MODULE|CODE]...", help="As M7 or STG003; all without.")
    ] = None,
    form: ReportFormat = "terminal",
    config: Config = None,
    seed: Seed = None,
    hints: Annotated[int, typer.Option(min=0, max=3, help="How many hints to show for each finding.")] = 1,
    devops: DevOps = True,
    machine: Machine = True,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again whenever a run moves, until all is well; Ctrl-C ends it.")
    ] = False,
    staging_key_file: KeyFile = None,
    verbose: Verbose = False,
) -> None:
    """Look at the work, and at whatever it needs, and say what to do next.

    The checks on Azure DevOps are made where an organisation is configured: its name as organization in the section
    [devops] of workshop.toml, or its address in AZURE_DEVOPS_ORG_URL, which wins; the token in AZURE_DEVOPS_EXT_PAT.
    Without one, or with --no-devops, they are left out: the report says so, and they do not count.
    """
    from checker.checks import CHECKS
    from checker.model import Service
    from checker.selection import Places, leave_out, nothing_there, select

    chosen = find_format(form)
    codes = select(wanted or [], CHECKS)
    settings = read_settings(config or find_file(Path.cwd()), os.environ, staging_key_file)
    places = Places(devops, machine)
    codes, left_out = leave_out(codes, CHECKS, settings, places)
    if watch and (reason := places.closed(settings).get(Service.DEVOPS)):
        raise nothing_there(settings, "--watch follows runs", reason)
    secrets = Secrets()
    open_log(secrets, verbose)
    while True:
        context, report = look_at(settings, secrets, codes, left_out, seed)
        write(secrets.mask(chosen.report(report, view(sys.stdout, hints, verbose))))
        if not watch or exit_code(report) == PASSED:
            raise typer.Exit(exit_code(report))
        _await_news(context)


def find_format(name: str) -> Format:
    """The form of this name. Raises UsageError."""
    if name not in FORMATS:
        raise UsageError(
            f"--format {name}", "there is no such format", f"one of {', '.join(FORMATS)}", ("checker check",)
        )
    return FORMATS[name]()


def open_log(secrets: Secrets, verbose: bool) -> None:
    """Send what is logged to the file of this person, and with `verbose` to stderr."""
    from checker.logs import log_to

    log_to(log_file(), secrets, verbose)


def look_at(
    settings: Settings,
    secrets: Secrets,
    codes: list[str],
    left_out: "tuple[LeftOut, ...]" = (),
    seed: int | None = None,
) -> "tuple[CheckContext, AttendeeReport]":
    """Look at these checks and what they need, and keep what they came to. Raises AccessError."""
    from checker.checks import CHECKS
    from checker.reports.terminal import Progress
    from checker.runner import with_prerequisites
    from checker.sweep import look, sweep

    checks = with_prerequisites(codes, CHECKS)
    context = look(settings, secrets, seed)
    progress = Progress(len(checks))
    try:
        report = sweep(context, checks, left_out, progress.advance)
    finally:
        progress.clear()
    return context, _kept(settings, report, secrets)


def _kept(settings: Settings, report: "AttendeeReport", secrets: Secrets) -> "AttendeeReport":
    """The report with its history. A folder that cannot be written to costs the history, not the report."""
    from checker.progress import open_store, record

    try:
        return record(open_store(), settings, report, secrets.mask)
    except OSError as error:
        reason = error.strerror or error
        write(f"your progress is not kept: {reason}; MLOPS_CHECKER_HOME names another folder\n", sys.stderr)
        return report


def _await_news(context: "CheckContext") -> None:
    from checker.watching import await_news, poll_seconds

    write(f"\nlooking every {poll_seconds(context):.0f} s whether a run moves; Ctrl-C ends it\n\n", sys.stderr)
    await_news(context)
