"""Between one sweep and the next: one call a poll, until a run begins, moves or ends."""

import time
from collections.abc import Callable, Sequence

from checker.clients.devops import Run
from checker.context import CheckContext

POLL_SECONDS = 15.0  # 25 attendees are 100 calls a minute: far below what the service slows down (azure-devops.md, 6)
LOCAL_SECONDS = 5.0  # a sandbox has one attendee, and its runs take half a minute


def await_news(context: CheckContext, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return when the project's runs are no longer as the sweep of this context saw them.

    Raises AccessError when the runs cannot be read.
    """
    seen, seconds = state_of(context.pipeline_runs()), poll_seconds(context)
    while state_of(context.devops.list_runs()) == seen:
        sleep(seconds)


def poll_seconds(context: CheckContext) -> float:
    """How long to wait between two looks at the runs."""
    return LOCAL_SECONDS if context.scoring.cloud.is_loopback else POLL_SECONDS


def state_of(runs: Sequence[Run]) -> tuple[tuple[str, ...], ...]:
    """What tells one moment of the runs from another: the service stamps a run whenever something in it changes."""
    return tuple((run.id, run.status, run.result, run.changed) for run in runs)
