"""One look at one attendee: the context is opened, the checks run, the report is put together."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from checker.context import CheckContext, open_context
from checker.errors import AccessError, NotSignedIn, TokenRefused, Unreachable
from checker.masking import Secrets
from checker.model import AttendeeReport, Calls, Check, CheckResult, LeftOut, Service
from checker.runner import run_checks
from checker.settings import Settings

OnResult = Callable[[CheckResult], None]


def look(settings: Settings, secrets: Secrets, seed: int | None = None) -> CheckContext:
    """A context for one look. Without a seed the random rows are others each time. Raises AccessError."""
    from checker.clients.http import HttpClient

    return open_context(settings, HttpClient(secrets), int(time.time()) if seed is None else seed)


def sweep(
    context: CheckContext,
    checks: list[Check],
    left_out: tuple[LeftOut, ...] = (),
    on_result: OnResult | None = None,
    knock: bool = True,
) -> AttendeeReport:
    """Run the checks and report. Raises AccessError when something stops every check alike.

    Without `knock` nothing is raised: every check says for itself that it could not look.
    """
    began, started = time.monotonic(), datetime.now(UTC)
    if knock and any(check.service is Service.AZURE for check in checks):
        _knock(context)
    results = tuple(run_checks(checks, context, on_result))
    return _report(context, results, left_out, started, time.monotonic() - began)


def _knock(context: CheckContext) -> None:
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
    context: CheckContext,
    results: tuple[CheckResult, ...],
    left_out: tuple[LeftOut, ...],
    started: datetime,
    seconds: float,
) -> AttendeeReport:
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
        left_out=left_out,
    )
