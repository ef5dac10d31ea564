"""A report for people: one line a check, more only where there is something to do. Colour never stands alone."""

import io
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import TextIO

from rich.console import Console
from rich.text import Text

from checker.model import MODULES, AttendeeReport, Check, CheckResult, Outcome
from checker.reports import View

# Fails are orange, not red: there is something to do, nothing is lost.
STYLES = {
    Outcome.PASS: "green",
    Outcome.FAIL: "dark_orange",
    Outcome.BLOCKED: "bright_black",
    Outcome.WAITING: "cyan",
    Outcome.UNKNOWN: "magenta",
    Outcome.ERROR: "red",
}
SYMBOLS = dict(zip(Outcome, "✓✗·~?!", strict=True))
PLAIN_SYMBOLS = dict(zip(Outcome, "+x.~?!", strict=True))
WORDS = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "to fix",
    Outcome.BLOCKED: "blocked",
    Outcome.WAITING: "waiting",
    Outcome.UNKNOWN: "not looked at",
    Outcome.ERROR: "broken check",
}
LABEL_WIDTH = 11


def render_report(report: AttendeeReport, view: View) -> str:
    """The whole report as text, with terminal codes when the view has colour."""
    lines: list[Text] = [*_head(report)]
    for module, results in groupby(report.results, key=lambda result: result.check.module):
        group = list(results)
        lines += [
            _module_line(module, group, view),
            *(line for result in group for line in _result(result, view)),
            Text(),
        ]
    lines += _footer(report, view)
    return print_lines(lines, view)


def render_catalogue(checks: Mapping[str, Check], view: View) -> str:
    """All checks by module, without looking at anything."""
    lines: list[Text] = []
    for module, group in groupby(checks.values(), key=lambda check: check.module):
        lines.append(Text(f"{module} {MODULES[module].title}", style="bold"))
        for check in group:
            needs = f"  needs {', '.join(check.requires)}" if check.requires else ""
            lines.append(Text.assemble(f"  {check.code}  {check.title}", (needs, "bright_black")))
        lines.append(Text())
    lines.append(Text("checker explain CODE says why; checker check CODE looks at it and at what it needs"))
    return print_lines(lines, view)


def render_explanation(check: Check, needed_by: tuple[str, ...], view: View) -> str:
    """One check: what it states, why, and what hangs together with it."""
    module = MODULES[check.module]
    lines = [Text(f"{check.code}  {check.title}", style="bold"), Text(check.why), Text()]
    facts = {
        "module": f"{module.code} {module.title}",
        "needs": ", ".join(check.requires) or "nothing",
        "needed by": ", ".join(needed_by) or "nothing",
        "read": module.page or "",
        "type": f"checker check {check.code}",
    }
    lines += [labelled(label, text) for label, text in facts.items() if text]
    return print_lines(lines, view)


def render_hint(result: CheckResult, results: tuple[CheckResult, ...], rung: int, view: View) -> str:
    """One hint of one check's ladder, or why there is none. `rung` counts from 1, 0 where there is no ladder."""
    lines = list(_result(result, replace(view, hints=0)))[:1]
    lines += [_blocker(other) for other in results if other.check.code in result.blocked_by]
    finding = result.finding
    if finding is None:
        return print_lines(lines, view)
    lines += [labelled("seen", finding.seen), labelled("expected", finding.expected)]
    if rung:
        lines.append(labelled(f"hint {rung}/{len(finding.hints)}", finding.hints[rung - 1]))
    lines += [labelled("type" if index == 0 else "", command) for index, command in enumerate(finding.commands)]
    if finding.page:
        lines.append(labelled("read", finding.page))
    if rung:
        lines.append(_further(result, rung, len(finding.hints)))
    return print_lines(lines, view)


def _blocker(blocker: CheckResult) -> Text:
    what = f"{blocker.check.code} {blocker.check.title}: {WORDS[blocker.outcome]}"
    return labelled("first", f"{what} (checker hint {blocker.check.code})")


def _further(result: CheckResult, rung: int, rungs: int) -> Text:
    if rung < rungs:
        return labelled("more", f"checker hint {result.check.code} --more  ({rungs - rung} left)")
    return labelled(
        "", "This is the last hint. That you took it is kept on this machine, for you only.", "bright_black"
    )


def render_problem(looked_at: str, seen: str, expected: str, commands: tuple[str, ...], view: View) -> str:
    """One screen on why the checker cannot start."""
    lines = [
        Text("checker cannot go on", style="bold"),
        labelled("looked at", looked_at),
        labelled("seen", seen),
        labelled("expected", expected),
        *(labelled("type" if index == 0 else "", command) for index, command in enumerate(commands)),
    ]
    return print_lines(lines, view)


class Progress:
    """A count on a terminal's last line while checks run; silent where the stream is no terminal."""

    def __init__(self, total: int, stream: TextIO = sys.stderr) -> None:
        self._total = total
        self._stream = stream
        self._done = 0
        self._live = stream.isatty()

    def advance(self, result: CheckResult) -> None:
        self._done += 1
        if self._live:
            self._stream.write(f"\r\x1b[K{self._done} of {self._total}  {result.check.code}")
            self._stream.flush()

    def clear(self) -> None:
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def _head(report: AttendeeReport) -> Iterator[Text]:
    """What was not looked at, before everything that was: nobody should take it for done."""
    for left_out in report.left_out:
        checks = "1 check" if len(left_out.codes) == 1 else f"{len(left_out.codes)} checks"
        yield Text(f"{left_out.service}: {left_out.reason}, {checks} left out (checker check --help)")
    if report.left_out:
        yield Text()


def _module_line(module: str, results: list[CheckResult], view: View) -> Text:
    counts = {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
    parts = [f"{counts[Outcome.PASS]} of {len(results)} passed"]
    parts += [
        f"{counts[outcome]} {WORDS[outcome]}" for outcome in Outcome if outcome is not Outcome.PASS and counts[outcome]
    ]
    return ends(Text(f"{module} {MODULES[module].title}", style="bold"), Text(_dots(view).join(parts)), view)


def _result(result: CheckResult, view: View) -> Iterator[Text]:
    style = STYLES[result.outcome]
    symbols = SYMBOLS if view.symbols else PLAIN_SYMBOLS
    head = Text.assemble("  ", (symbols[result.outcome], style), f" {result.check.code} {result.check.title}")
    yield ends(head, Text(_right(result), style=style), view) if result.outcome is not Outcome.PASS else head
    if result.evidence and view.verbose:
        yield labelled("evidence", result.evidence.seen, "bright_black")
    if result.first_passed_at and view.verbose:
        yield labelled("passed", f"first at {result.first_passed_at:%Y-%m-%d %H:%M} UTC", "bright_black")
    yield from _finding(result, view)


def _right(result: CheckResult) -> str:
    blockers = ", ".join(result.blocked_by)
    return f"blocked by {blockers}" if blockers else WORDS[result.outcome]


def _finding(result: CheckResult, view: View) -> Iterator[Text]:
    finding = result.finding
    if finding is None:
        return
    yield labelled("seen", finding.seen)
    yield labelled("expected", finding.expected)
    shown = finding.hints[: view.hints]
    for index, hint in enumerate(shown):
        yield labelled("hint" if index == 0 else "", hint)
    for index, command in enumerate(finding.commands):
        yield labelled("type" if index == 0 else "", command)
    if finding.page:
        yield labelled("read", finding.page)
    left = len(finding.hints) - len(shown)
    if left > 0:
        hints = "hint" if left == 1 else "hints"
        yield labelled("more", f"checker hint {result.check.code} --more  ({left} {hints} left)")


def _footer(report: AttendeeReport, view: View) -> Iterator[Text]:
    passed, total = report.count(Outcome.PASS), len(report.results)
    style = STYLES[Outcome.PASS] if passed == total else ""
    yield Text(
        f"{passed} of {total} checks passed" + (": all is well" if passed == total else ""), style=f"bold {style}"
    )
    devops = f", {report.calls.devops} calls to Azure DevOps" if report.organization else ""
    parts = [
        f"evidence: {report.calls.reads} reads, {report.calls.scores} scores{devops}",
        f"target {report.target}",
        *([report.organization] if report.organization else []),
        f"seed {report.seed}",
        f"{report.seconds:.1f} s",
    ]
    yield Text(
        _dots(view).join(parts if view.verbose else [*parts, "request ids with --verbose"]), style="bright_black"
    )
    if view.verbose:
        yield Text(f"request ids: {' '.join(report.request_ids) or 'none'}", style="bright_black")
    if report.count(Outcome.ERROR) and view.log_file:
        yield Text(f"log: {view.log_file}", style=STYLES[Outcome.ERROR])


def _dots(view: View) -> str:
    return " · " if view.symbols else " - "


def labelled(label: str, text: str, style: str = "") -> Text:
    """One line below a check: what the text is, and the text."""
    return Text.assemble(" " * 6, (label.ljust(LABEL_WIDTH), "bright_black"), (text, style))


def ends(left: Text, right: Text, view: View) -> Text:
    """Both texts on one line, as far apart as the width allows."""
    gap = max(2, view.width - left.cell_len - right.cell_len)
    return Text.assemble(left, " " * gap, right)


def print_lines(lines: list[Text], view: View) -> str:
    """The lines as text, with the view's terminal codes. None is wrapped: a command cut in two cannot be copied."""
    console = Console(
        file=io.StringIO(),
        force_terminal=view.colour,
        no_color=not view.colour,
        color_system="256" if view.colour else None,
        width=view.width,
        legacy_windows=False,
    )
    with console.capture() as capture:
        for line in lines:
            console.print(line, soft_wrap=True, highlight=False)
    text = capture.get()
    return text if view.symbols else text.replace("→", "->").replace("…", "...")
