"""`checker doctor`: look, before the day, at what it needs: this machine, the subscription, the organisation.

It works with what is there: what is not configured yet is left out and named, with what to type. Nothing stops it but
a cloud that cannot be found: a missing sign-in is a finding of the checks that need one.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checker.commands.check import find_format
from checker.console import log_file, view, write
from checker.endings import exit_code
from checker.masking import Secrets
from checker.options import Config, FormatOption, Verbose
from checker.settings import ConfigurationError, Settings, find_file, read_settings

if TYPE_CHECKING:
    from checker.model import AttendeeReport, LeftOut, Service

MODULE = "M0"
SUBSCRIPTION = "AZURE_SUBSCRIPTION_ID"
NOBODYS = "00000000-0000-0000-0000-000000000000"  # stands for the subscription that there is not, and is not asked for
NO_SUBSCRIPTION = f"no subscription is configured: export {SUBSCRIPTION}=<its id>, or take the sandbox"


def register(app: typer.Typer) -> None:
    """Add `doctor`."""
    app.command("doctor")(doctor)


def doctor(
    form: FormatOption = "terminal",
    config: Config = None,
    hints: Annotated[int, typer.Option(min=0, max=3, help="How many hints to show for each finding.")] = 3,
    verbose: Verbose = False,
) -> None:
    """Look at what the day needs before it begins, and say what to do where something is missing.

    This machine, the subscription, the organisation: the checks of module 0. Without a subscription or an organisation
    the rest is looked at, and the report says what was left out. Nothing is changed anywhere.
    """
    from checker.logs import log_to

    chosen = find_format(form)
    settings, reasons = read_partly(config or find_file(Path.cwd()), os.environ)
    secrets = Secrets()
    log_to(log_file(), secrets, verbose)
    report = _look(settings, secrets, reasons)
    write(secrets.mask(chosen.report(report, view(sys.stdout, hints, verbose))))
    raise typer.Exit(exit_code(report))


def read_partly(file: Path, environment: Mapping[str, str]) -> "tuple[Settings, dict[Service, str]]":
    """The settings, and why a service is not looked at. Raises ConfigurationError for anything else."""
    from checker.model import Service
    from checker.selection import Places

    reasons: dict[Service, str] = {}
    try:
        settings = read_settings(file, environment)
    except ConfigurationError:
        if environment.get(SUBSCRIPTION):
            raise
        settings = read_settings(file, {**environment, SUBSCRIPTION: NOBODYS})
        reasons[Service.AZURE] = NO_SUBSCRIPTION
    return settings, reasons | Places().closed(settings)


def _look(settings: Settings, secrets: Secrets, reasons: "Mapping[Service, str]") -> "AttendeeReport":
    from checker.checks import CHECKS
    from checker.reports.terminal import Progress
    from checker.sweep import look, sweep

    wanted = [check for check in CHECKS.values() if check.module == MODULE]
    checks = [check for check in wanted if check.service not in reasons]
    progress = Progress(len(checks))
    try:
        report = sweep(look(settings, secrets), checks, _left_out(reasons), progress.advance, knock=False)
    finally:
        progress.clear()
    return replace(report, subscription="" if settings.subscription == NOBODYS else report.subscription)


def _left_out(reasons: "Mapping[Service, str]") -> "tuple[LeftOut, ...]":
    from checker.checks import CHECKS
    from checker.model import LeftOut

    codes = {
        service: tuple(code for code, check in CHECKS.items() if check.module == MODULE and check.service is service)
        for service in reasons
    }
    return tuple(LeftOut(service, reason, codes[service]) for service, reason in reasons.items())
