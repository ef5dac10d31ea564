"""What an attendee has come to, kept on this machine: what passed first when, how far the hints went, the quizzes.

A check's outcome is what it is now; `first_passed_at` stays. The kept results are for the person at this machine: they
are sent nowhere, and no check depends on them.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from checker.errors import CheckerError
from checker.model import AttendeeReport, CheckResult, Outcome
from checker.settings import Settings, read_settings
from checker.store import Damaged, Store, home

FILE = "progress.json"
NOBODYS = "00000000-0000-0000-0000-000000000000"  # stands for a subscription that is not asked for


@dataclass(frozen=True)
class Memory:
    """What is kept of one check. `since` is when it took its present outcome, `hints` how many were shown at most."""

    outcome: Outcome
    seen: str
    since: datetime
    looked_at: datetime
    first_passed_at: datetime | None = None
    hints: int = 0


@dataclass(frozen=True)
class QuizMemory:
    """The last answers to a module's questions: `right` of `total`."""

    right: int
    total: int
    answered_at: datetime


def whose(file: Path, environment: Mapping[str, str]) -> Settings:
    """The settings that say whose progress is meant. A subscription need not be known for that. Raises
    ConfigurationError.
    """
    return read_settings(file, {"AZURE_SUBSCRIPTION_ID": NOBODYS, **environment})


def open_store() -> Store:
    """The store of this person."""
    return Store(home() / FILE)


def key_of(settings: Settings) -> str:
    """Who is meant: the same names on another organisation are another attendee."""
    return "/".join((settings.devops.organization or "", settings.devops.project, settings.suffix)).lower()


def record(
    store: Store, settings: Settings, report: AttendeeReport, mask: Callable[[str], str] = str
) -> AttendeeReport:
    """Keep the results of a report, and hand it back with what was known before. Raises CheckerError, OSError."""

    def edit(document: dict[str, Any]) -> AttendeeReport:
        checks = _attendee(document, settings)["checks"]
        for result in report.results:
            checks[result.check.code] = _merged(checks.get(result.check.code), result, report.started, mask)
        return with_history(report, {code: _memory(entry) for code, entry in checks.items()})

    with _readable():
        return store.change(edit)


def with_history(report: AttendeeReport, known: Mapping[str, Memory]) -> AttendeeReport:
    """The report with what is kept of each of its checks."""
    return replace(report, results=tuple(_dated(result, known.get(result.check.code)) for result in report.results))


def remembered(store: Store, settings: Settings) -> dict[str, Memory]:
    """What is kept, by check. Raises CheckerError, OSError."""
    with _readable():
        attendee = store.read()["attendees"].get(key_of(settings), {})
        return {code: _memory(entry) for code, entry in attendee.get("checks", {}).items()}


def climb(store: Store, settings: Settings, code: str, ladder: tuple[str, ...], more: bool) -> int:
    """Which rung of a ladder of hints is shown now, from 1: the first, the last one again, or with `more` the next.

    A ladder of other hints is begun from its first rung. `ladder` is not empty. Raises CheckerError, OSError.
    """
    digest = hashlib.sha256("\n".join(ladder).encode()).hexdigest()[:12]

    def edit(document: dict[str, Any]) -> int:
        entry = _attendee(document, settings)["checks"][code]
        before = entry.get("rung", 0) if entry.get("ladder") == digest else 0
        rung = min(len(ladder), before + 1 if more or not before else before)
        entry |= {"ladder": digest, "rung": rung, "hints": max(rung, entry.get("hints", 0))}
        return rung

    with _readable():
        return store.change(edit)


def record_quiz(store: Store, settings: Settings, module: str, memory: QuizMemory) -> None:
    """Keep the last result of a module's questions. Raises CheckerError, OSError."""
    entry = {"right": memory.right, "total": memory.total, "answered_at": _text(memory.answered_at)}

    def edit(document: dict[str, Any]) -> None:
        _attendee(document, settings)["quizzes"][module] = entry

    with _readable():
        store.change(edit)


def remembered_quizzes(store: Store, settings: Settings) -> dict[str, QuizMemory]:
    """What is kept of the questions, by module. Raises CheckerError, OSError."""
    with _readable():
        quizzes = store.read()["attendees"].get(key_of(settings), {}).get("quizzes", {})
        return {
            module: QuizMemory(entry["right"], entry["total"], datetime.fromisoformat(entry["answered_at"]))
            for module, entry in quizzes.items()
        }


def _attendee(document: dict[str, Any], settings: Settings) -> dict[str, Any]:
    attendee: dict[str, Any] = document["attendees"].setdefault(key_of(settings), {})
    attendee.setdefault("checks", {})
    attendee.setdefault("quizzes", {})
    return attendee


def _merged(
    before: dict[str, Any] | None, result: CheckResult, at: datetime, mask: Callable[[str], str]
) -> dict[str, Any]:
    """The entry after a look. A run that began before the one that is kept changes only when the check first passed."""
    entry = dict(before or {})
    if result.outcome is Outcome.PASS:
        entry["first_passed_at"] = min(entry.get("first_passed_at") or _text(at), _text(at))
    if _text(at) < entry.get("looked_at", ""):
        return entry
    since = entry["since"] if entry.get("outcome") == result.outcome.value else _text(at)
    seen = mask(result.finding.seen if result.finding else "")
    return entry | {"outcome": result.outcome.value, "seen": seen, "since": since, "looked_at": _text(at)}


def _dated(result: CheckResult, known: Memory | None) -> CheckResult:
    if known is None:
        return result
    return replace(result, first_passed_at=known.first_passed_at, hints_used=known.hints)


def _memory(entry: Mapping[str, Any]) -> Memory:
    passed = entry.get("first_passed_at")
    return Memory(
        outcome=Outcome(entry["outcome"]),
        seen=entry["seen"],
        since=datetime.fromisoformat(entry["since"]),
        looked_at=datetime.fromisoformat(entry["looked_at"]),
        first_passed_at=datetime.fromisoformat(passed) if passed else None,
        hints=entry.get("hints", 0),
    )


def _text(moment: datetime) -> str:
    """ISO 8601 in UTC with a fixed number of digits: such texts sort like the moments."""
    from datetime import UTC

    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


@contextmanager
def _readable() -> Iterator[None]:
    """Turns a file that cannot be used into one screen. Nothing in it is mended: it may be somebody's only record."""
    try:
        yield
    except Damaged as error:
        raise _unreadable(error.file.name, error.seen, f"mv {error.file} {error.file}.old") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise _unreadable(FILE, f"an entry lacks {error}", f"mv {home() / FILE} {home() / FILE}.old") from error


def _unreadable(file: str, seen: str, command: str) -> CheckerError:
    return CheckerError(
        f"{file}, where your progress is kept", seen, "a file that this checker wrote", (command, "checker check")
    )
