"""Looks at the attendees of a roster side by side, with one sign-in for all of them.

The threads are daemons, as the runner's: Ctrl-C ends the look, and what was seen by then is a report.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from checker.classroom.model import ClassReport, Row
from checker.clients.cloud import Cloud, get_cloud
from checker.clients.http import HttpClient
from checker.clients.identity import Tokens
from checker.context import CheckContext
from checker.errors import AccessError
from checker.masking import Secrets
from checker.model import Check, CheckResult, Finding, LeftOut, Outcome
from checker.roster import Attendee, Roster, settings_of
from checker.runner import POLL_SECONDS, could_not_look, run_checks
from checker.settings import ConfigurationError

log = logging.getLogger("checker.classroom")

OnRow = Callable[[Row], None]


@dataclass(frozen=True)
class Lesson:
    """What is looked at for every attendee, and with what. `kit` is the workshop.toml that the names come from."""

    roster: Roster
    kit: Path
    environment: Mapping[str, str]
    checks: tuple[Check, ...]
    left_out: tuple[LeftOut, ...]
    threads: int
    seed: int


class Classroom:
    """One sign-in and the looks that share it."""

    def __init__(self, lesson: Lesson, secrets: Secrets) -> None:
        """Finds the cloud. Raises AccessError when it cannot be found: that stops every attendee alike."""
        self.lesson = lesson
        self._secrets = secrets
        environment = lesson.environment
        self.cloud: Cloud = get_cloud(HttpClient(secrets), environment.get("ARM_CLOUD_METADATA_URL") or None)
        with_secret = bool(environment.get("AZURE_CLIENT_ID") and environment.get("AZURE_CLIENT_SECRET"))
        self._tokens = Tokens(self.cloud, secrets, client_secret=with_secret)
        self._since: dict[tuple[str, str], datetime] = {}

    def look(self, on_row: OnRow | None = None) -> tuple[ClassReport, bool]:
        """The report, and whether it was interrupted. `on_row` hears each row on the calling thread."""
        began, started = time.monotonic(), datetime.now(UTC)
        attendees = self.lesson.roster.attendees
        todo: queue.Queue[Attendee] = queue.Queue()
        for attendee in attendees:
            todo.put(attendee)
        done: queue.Queue[Row] = queue.Queue()
        for number in range(min(self.lesson.threads, len(attendees))):
            threading.Thread(target=self._work, args=(todo, done), name=f"class-{number}", daemon=True).start()
        rows: dict[str, Row] = {}
        interrupted = False
        try:
            while len(rows) < len(attendees):
                self._take(done, rows, started, on_row)
        except KeyboardInterrupt:
            interrupted = True
            todo.queue.clear()
        ordered = tuple(rows[attendee.name] for attendee in attendees if attendee.name in rows)
        return self._report(ordered, started, time.monotonic() - began), interrupted

    def _take(self, done: "queue.Queue[Row]", rows: dict[str, Row], started: datetime, on_row: OnRow | None) -> None:
        try:
            row = done.get(timeout=POLL_SECONDS)
        except queue.Empty:
            return
        rows[row.attendee.name] = row = self._dated(row, started)
        if on_row:
            on_row(row)

    def _dated(self, row: Row, now: datetime) -> Row:
        """The row with the moment since which this run sees the attendee at the same check."""
        from dataclasses import replace

        first = row.first
        for key in [key for key in self._since if key[0] == row.attendee.name]:
            if first is None or key[1] != first.check.code:
                del self._since[key]
        if first is None:
            return row
        return replace(row, since=self._since.setdefault((row.attendee.name, first.check.code), now))

    def _work(self, todo: "queue.Queue[Attendee]", done: "queue.Queue[Row]") -> None:
        while True:
            try:
                attendee = todo.get_nowait()
            except queue.Empty:
                return
            done.put(self._row(attendee))

    def _row(self, attendee: Attendee) -> Row:
        """One attendee's row. Nothing about one attendee ends the look at the others: this is the edge."""
        began = time.monotonic()
        http = HttpClient(self._secrets)
        try:
            results = self._results(attendee, http)
        except (ConfigurationError, AccessError) as error:
            results = self._unknown(_reason(error), Outcome.UNKNOWN)
        except Exception as error:  # the edge: a defect over one attendee must not end the class
            log.error("%s", attendee.suffix, exc_info=error)
            broke = Finding(f"the checker itself broke: {type(error).__name__}", "a look", commands=("checker bundle",))
            results = self._unknown(broke, Outcome.ERROR)
        return Row(attendee, results, time.monotonic() - began, http.reads + http.scores + http.devops_reads)

    def _results(self, attendee: Attendee, http: HttpClient) -> tuple[CheckResult, ...]:
        settings = settings_of(attendee, self.lesson.kit, self.lesson.environment)
        context = CheckContext(settings, self.cloud, http, self._tokens, self.lesson.seed)
        return tuple(run_checks(list(self.lesson.checks), context))

    def _unknown(self, finding: Finding, outcome: Outcome) -> tuple[CheckResult, ...]:
        return tuple(CheckResult(check, outcome, finding, None, 0.0) for check in self.lesson.checks)

    def _report(self, rows: tuple[Row, ...], started: datetime, seconds: float) -> ClassReport:
        target = self.cloud.name if self.cloud.is_public else f"{self.cloud.name} ({self.cloud.host})"
        asked = len(self.lesson.roster.attendees)
        return ClassReport(started, seconds, target, self.lesson.checks, rows, asked, self.lesson.left_out)


def _reason(error: ConfigurationError | AccessError) -> Finding:
    if isinstance(error, AccessError):
        return could_not_look(error)
    return Finding(f"{error.looked_at}: {error.seen}", error.expected, commands=error.commands)
