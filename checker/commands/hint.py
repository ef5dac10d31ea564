"""`checker hint`: look at one check, and give the next hint of its ladder, no more."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checker.commands.check import look_at, open_log
from checker.console import view, write
from checker.endings import FAILED, NOT_CHECKED, PASSED
from checker.masking import Secrets
from checker.options import Config, KeyFile, Verbose
from checker.settings import Settings, find_file, read_settings

if TYPE_CHECKING:
    from checker.model import CheckResult


def register(app: typer.Typer) -> None:
    """Add `hint`."""
    app.command("hint")(hint)


def hint(
    code: Annotated[str, typer.Argument(help="As STG003.")],
    more: Annotated[bool, typer.Option("--more", help="One rung further down: nudge, pointer, solution.")] = False,
    config: Config = None,
    staging_key_file: KeyFile = None,
    verbose: Verbose = False,
) -> None:
    """Look at a check and what it needs, and give one hint: a nudge first, with --more a pointer, then the solution.

    Which rung you reached is kept on this machine, for you only. When you have changed something and the check sees
    something else, its hints are others, and you begin at the first again.
    """
    from checker.checks import CHECKS
    from checker.model import Outcome
    from checker.reports.terminal import render_hint
    from checker.selection import Places, leave_out, unknown

    found = CHECKS.get(code.upper())
    if found is None:
        raise unknown(code, list(CHECKS))
    settings = read_settings(config or find_file(Path.cwd()), os.environ, staging_key_file)
    leave_out([found.code], CHECKS, settings, Places())
    secrets = Secrets()
    open_log(secrets, verbose)
    _, report = look_at(settings, secrets, [found.code])
    result = next(result for result in report.results if result.check is found)
    write(secrets.mask(render_hint(result, report.results, _rung(settings, result, more), view(sys.stdout))))
    raise typer.Exit({Outcome.PASS: PASSED, Outcome.FAIL: FAILED}.get(result.outcome, NOT_CHECKED))


def _rung(settings: Settings, result: "CheckResult", more: bool) -> int:
    """Which hint to show, from 1; 0 where there is none. A store that cannot be written to always gives the first."""
    from checker.progress import climb, open_store

    ladder = result.finding.hints if result.finding else ()
    if not ladder:
        return 0
    try:
        return climb(open_store(), settings, result.check.code, ladder, more)
    except OSError as error:
        write(f"which hint you saw is not kept: {error.strerror or error}\n", sys.stderr)
        return len(ladder) if more else 1
