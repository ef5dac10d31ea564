"""The command line: parses, delegates, writes, and is the one place where an ending becomes an exit code.

0    all checks passed
1    something failed
2    usage or configuration
3    something could not be checked, or not yet: unknown, waiting, a defect of the checker
130  interrupted
"""

import difflib
import logging
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from checker.errors import AccessError, CheckerError, NotSignedIn, TokenRefused, Unreachable, UsageError
from checker.masking import Secrets
from checker.reports import FORMATS, Format, View
from checker.settings import (
    ORGANIZATION_TOKEN,
    ORGANIZATION_URL,
    ConfigurationError,
    Settings,
    find_file,
    read_settings,
)

if TYPE_CHECKING:
    from io import TextIOWrapper

    from checker.context import CheckContext
    from checker.model import AttendeeReport, CheckResult, LeftOut

PASSED, FAILED, USAGE, NOT_CHECKED = 0, 1, 2, 3
NOT_CONFIGURED = "not configured"
LOG_FILE = Path.home() / ".mlops-checker" / "checker.log"

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

FormatOption = Annotated[str, typer.Option("--format", help="terminal or json.")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="workshop.toml; else searched upwards.")]
DevOps = Annotated[
    bool, typer.Option("--devops/--no-devops", help="Look at Azure DevOps, where an organisation is configured.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--staging-key-file", metavar="FILE", help="Holds staging's key; else WORKSHOP_STAGING_KEY."),
]


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        app()
    except (CheckerError, ConfigurationError) as problem:
        _write_problem(problem)
        sys.exit(exit_code_of(problem))


def exit_code_of(problem: Exception) -> int:
    """The exit code of an ending before any check ran."""
    return NOT_CHECKED if isinstance(problem, AccessError) else USAGE


def exit_code(report: "AttendeeReport") -> int:
    """The exit code of a report. A failure outranks what could not be checked."""
    from checker.model import Outcome

    if report.count(Outcome.FAIL):
        return FAILED
    return PASSED if report.count(Outcome.PASS) == len(report.results) else NOT_CHECKED


def _version(asked: bool) -> None:
    from checker import VERSION

    if asked:
        _write(f"checker {VERSION}\n")
        raise typer.Exit


@app.callback()
def checker(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Verify the work of an attendee of MLOps on Azure."""
    del version  # its callback has done the work


@app.command("check")
def check(
    wanted: Annotated[
        list[str] | None, typer.Argument(metavar="[MODULE|CODE]...", help="As M7 or STG003; all without.")
    ] = None,
    form: FormatOption = "terminal",
    config: Config = None,
    seed: Annotated[int | None, typer.Option(help="Repeats the random rows of an earlier run.")] = None,
    hints: Annotated[int, typer.Option(min=0, max=3, help="How many hints to show for each finding.")] = 1,
    devops: DevOps = True,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again whenever a run moves, until all is well; Ctrl-C ends it.")
    ] = False,
    staging_key_file: KeyFile = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Evidence, request ids, every call.")] = False,
) -> None:
    """Look at the work, and at whatever it needs, and say what to do next.

    The checks on Azure DevOps are made where an organisation is configured: its name as organization in the section
    [devops] of workshop.toml, or its address in AZURE_DEVOPS_ORG_URL, which wins; the token in AZURE_DEVOPS_EXT_PAT.
    Without one, or with --no-devops, they are left out: the report says so, and they do not count.
    """
    chosen = _format(form)
    codes = select(wanted or [])
    settings = read_settings(config or find_file(Path.cwd()), os.environ, staging_key_file)
    codes, left_out = leave_out(codes, settings, devops)
    if watch and (reason := _no_devops(settings, devops)):
        raise _nothing_there(settings, "--watch follows runs", reason)
    secrets = Secrets()
    _log_to(secrets, verbose)
    while True:
        context = _open(settings, secrets, seed)
        report = replace(_check(context, codes), left_out=left_out)
        _write(secrets.mask(chosen.report(report, _view(sys.stdout, hints, verbose))))
        if not watch or exit_code(report) == PASSED:
            raise typer.Exit(exit_code(report))
        _await_news(context)


@app.command("list")
def list_checks(form: FormatOption = "terminal") -> None:
    """List all checks, without looking at anything."""
    from checker.checks import CHECKS

    _write(_format(form).catalogue(CHECKS, _view(sys.stdout)))


@app.command("explain")
def explain(code: Annotated[str, typer.Argument(help="As STG003.")]) -> None:
    """Say what a check states, and why it matters."""
    from checker.checks import CHECKS
    from checker.reports.terminal import render_explanation

    found = CHECKS.get(code.upper())
    if found is None:
        raise _unknown(code, list(CHECKS))
    needed_by = tuple(other.code for other in CHECKS.values() if found.code in other.requires)
    _write(render_explanation(found, needed_by, _view(sys.stdout)))


def select(wanted: list[str]) -> list[str]:
    """The codes that modules (M7), families (STG) and codes (STG003) name; those of the usual modules without.

    Raises UsageError.
    """
    from checker.checks import CHECKS
    from checker.model import MODULES

    codes: list[str] = []
    usual = [code for code, check in CHECKS.items() if MODULES[check.module].usual]
    for word in wanted or usual:
        name = word.upper()
        found = [code for code, check in CHECKS.items() if name in (code, code[:3], check.module)]
        if not found:
            raise _unknown(word, [*CHECKS, *dict.fromkeys(check.module for check in CHECKS.values())])
        codes += found
    return codes


def leave_out(codes: list[str], settings: Settings, devops: bool) -> "tuple[list[str], LeftOut | None]":
    """The codes to look at, and those that look at Azure DevOps when nobody is to look there.

    Raises ConfigurationError when nothing is left: whoever names only such checks wants them.
    """
    from checker.checks import CHECKS
    from checker.model import LeftOut, Service

    reason = _no_devops(settings, devops)
    left = [code for code in codes if CHECKS[code].service is Service.DEVOPS]
    if not left or not reason:
        return codes, None
    if len(left) == len(codes):
        names = ", ".join(left[:4]) + ", ..." * (len(left) > 4)
        raise _nothing_there(settings, f"{names} look at Azure DevOps", reason)
    return [code for code in codes if code not in left], LeftOut(Service.DEVOPS, reason, tuple(dict.fromkeys(left)))


def _no_devops(settings: Settings, devops: bool) -> str:
    """Why nobody is to look at Azure DevOps; '' when somebody is."""
    if settings.devops.organization is None:
        return NOT_CONFIGURED
    return "" if devops else "--no-devops"


def _nothing_there(settings: Settings, what: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"where Azure DevOps is: [devops] organization of {settings.file.name}, and {ORGANIZATION_URL}",
        f"{what}: {reason}",
        "an organisation to look at, and a token of it",
        (f"export {ORGANIZATION_URL}=https://dev.azure.com/<organisation>", f"export {ORGANIZATION_TOKEN}=<token>"),
    )


def _unknown(word: str, known: list[str]) -> UsageError:
    near = difflib.get_close_matches(word.upper(), known, n=3, cutoff=0.5)
    seen = "there is no such module or check" + (f"; near it are {', '.join(near)}" if near else "")
    return UsageError(f"`{word}`", seen, "a module as M7, or a code as STG003", ("checker list",))


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise UsageError(
            f"--format {name}", "there is no such format", f"one of {', '.join(FORMATS)}", ("checker check",)
        )
    return FORMATS[name]()


def _open(settings: Settings, secrets: Secrets, seed: int | None) -> "CheckContext":
    from checker.clients.http import HttpClient
    from checker.context import open_context

    return open_context(settings, HttpClient(secrets), int(time.time()) if seed is None else seed)


def _await_news(context: "CheckContext") -> None:
    from checker.watching import POLL_SECONDS, await_news

    _write(f"\nlooking every {POLL_SECONDS:.0f} s whether a run moves; Ctrl-C ends it\n\n", sys.stderr)
    await_news(context)


def _check(context: "CheckContext", codes: list[str]) -> "AttendeeReport":
    from checker.checks import CHECKS
    from checker.model import Service
    from checker.reports.terminal import Progress
    from checker.runner import run_checks, with_prerequisites

    began, started = time.monotonic(), datetime.now(UTC)
    checks = with_prerequisites(codes, CHECKS)
    if any(check.service is Service.AZURE for check in checks):
        _knock(context)
    progress = Progress(len(checks))
    try:
        results = run_checks(checks, context, progress.advance)
    finally:
        progress.clear()
    return _report(context, tuple(results), started, time.monotonic() - began)


def _knock(context: "CheckContext") -> None:
    """Read the workspace once before the checks: what stops every check alike is said once, not twenty times.

    The answer is kept as a fact, so this costs no call. What a single check can explain is left to it.
    """
    try:
        context.workspace()
    except (NotSignedIn, TokenRefused, Unreachable):
        raise
    except AccessError as error:
        logging.getLogger("checker").debug("first look: %s", error)


def _report(
    context: "CheckContext", results: "tuple[CheckResult, ...]", started: datetime, seconds: float
) -> "AttendeeReport":
    from checker.model import AttendeeReport, Calls, Service

    cloud, http = context.cloud, context.http
    looked_there = any(result.check.service is Service.DEVOPS for result in results)
    return AttendeeReport(
        suffix=context.settings.suffix,
        subscription=context.settings.subscription,
        target=cloud.name if cloud.is_public else f"{cloud.name} ({cloud.host})",
        started=started,
        seconds=seconds,
        seed=context.seed,
        calls=Calls(http.reads, http.scores, http.devops_reads),
        request_ids=http.request_ids,
        results=results,
        organization=context.devops.organization.address if looked_there else "",
    )


def _view(stream: TextIO, hints: int = 1, verbose: bool = False) -> View:
    import shutil

    colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    return View(hints, verbose, colour, _takes_symbols(stream), width, LOG_FILE)


def _takes_symbols(stream: TextIO) -> bool:
    try:
        "✓✗·→…".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _write(text: str, stream: TextIO | None = None) -> None:
    out = stream or sys.stdout
    encoding = out.encoding or "ascii"
    out.write(text.encode(encoding, errors="replace").decode(encoding))
    out.flush()


def _write_problem(problem: CheckerError | ConfigurationError) -> None:
    from checker.reports.terminal import render_problem

    view = _view(sys.stderr)
    _write(render_problem(problem.looked_at, problem.seen, problem.expected, problem.commands, view), sys.stderr)


class _LogFile(logging.FileHandler):
    """A log file whose folder is made when the first record is written, not before."""

    def _open(self) -> "TextIOWrapper":
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


class _Masked(logging.Formatter):
    """Log lines without secrets."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__("%(asctime)s %(name)s %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.mask(super().format(record))


def _log_to(secrets: Secrets, verbose: bool) -> None:
    """Defects go to the log file; with --verbose every call goes to stderr as well."""
    log = logging.getLogger("checker")
    log.propagate = False
    log.setLevel(logging.DEBUG if verbose else logging.ERROR)
    handlers: list[logging.Handler] = [_LogFile(LOG_FILE, encoding="utf-8", delay=True)]
    handlers[0].setLevel(logging.ERROR)
    if verbose:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(_Masked(secrets))
        log.addHandler(handler)
    azure = logging.getLogger("azure")  # azure-identity warns about every credential it tries; the report says it once
    azure.addHandler(logging.NullHandler())
    azure.propagate = False
