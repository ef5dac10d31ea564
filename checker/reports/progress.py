"""The tick list of one attendee as text."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.text import Text

from checker.checks import CHECKS
from checker.model import MODULES, Check, Outcome
from checker.reports import View
from checker.reports.terminal import STYLES, WORDS, ends, labelled, print_lines

if TYPE_CHECKING:
    from checker.progress import Memory, QuizMemory

DAY_HOURS = 24


def render_progress(
    checks: "Mapping[str, Memory]", quizzes: "Mapping[str, QuizMemory]", view: View, now: datetime | None = None
) -> str:
    """Every module with its checks: `[x]` once passed, `[ ]` not yet; and what does not pass now, since when."""
    moment = now or _now()
    lines: list[Text] = []
    for module in MODULES:
        group = [check for check in CHECKS.values() if check.module == module]
        if group or module in quizzes:
            lines += [*_module(module, group, checks, quizzes.get(module), view, moment), Text()]
    passed = sum(_has_passed(checks.get(code)) for code in CHECKS)
    lines.append(Text(f"{passed} of {len(CHECKS)} checks have passed at some time", style="bold"))
    lines += _newest_look(checks, moment)
    return print_lines(lines, view)


def _newest_look(checks: "Mapping[str, Memory]", now: datetime) -> Iterator[Text]:
    if not checks:
        yield Text("nothing was looked at yet: checker check")
        return
    newest = max(memory.looked_at for memory in checks.values())
    yield Text(f"last look {ago(now - newest)} ago; checker check looks again", style="bright_black")


def _module(
    module: str,
    group: list[Check],
    checks: "Mapping[str, Memory]",
    quiz: "QuizMemory | None",
    view: View,
    now: datetime,
) -> Iterator[Text]:
    passed = sum(_has_passed(checks.get(check.code)) for check in group)
    right = f"{passed} of {len(group)}" if group else ""
    if quiz:
        right += f"  questions {quiz.right} of {quiz.total}"
    yield ends(Text(f"{module} {MODULES[module].title}", style="bold"), Text(right.strip()), view)
    for check in group:
        yield from _check(check, checks.get(check.code), view, now)


def _check(check: Check, memory: "Memory | None", view: View, now: datetime) -> Iterator[Text]:
    box = "[x]" if _has_passed(memory) else "[ ]"
    head = Text(f"  {box} {check.code} {check.title}")
    if memory is None or memory.outcome is Outcome.PASS:
        yield head
        return
    word = f"{WORDS[memory.outcome]} for {ago(now - memory.since)}"
    hints = f", {memory.hints} hints" if memory.hints > 1 else ", 1 hint" if memory.hints else ""
    yield ends(head, Text(word + hints, style=STYLES[memory.outcome]), view)
    if memory.seen:
        yield labelled("seen", memory.seen)


def _has_passed(memory: "Memory | None") -> bool:
    return memory is not None and memory.first_passed_at is not None


def ago(span: timedelta) -> str:
    """A span of time in the one or two units that matter."""
    minutes = max(0, int(span.total_seconds() // 60))
    hours = minutes // 60
    if hours >= 2 * DAY_HOURS:
        return f"{hours // DAY_HOURS} days"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min"


def _now() -> datetime:
    from datetime import UTC

    return datetime.now(UTC)
