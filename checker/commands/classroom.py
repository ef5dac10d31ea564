"""`checker class check`: look at all attendees of a roster, side by side."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checker.commands.check import open_log
from checker.console import view, write
from checker.endings import FAILED, INTERRUPTED, NOT_CHECKED, PASSED
from checker.errors import UsageError
from checker.masking import Secrets
from checker.options import Config, Seed, Verbose
from checker.settings import find_file

if TYPE_CHECKING:
    from checker.classroom.looking import Classroom, Lesson
    from checker.classroom.model import ClassReport
    from checker.model import LeftOut
    from checker.reports import View
    from checker.roster import Roster

PAUSE_SECONDS = 30.0  # between two looks of --watch; a class of 25 is about 600 calls a look
MOST_THREADS = 16
NOT_FOR_A_CLASS = "never looked at for a class"
NO_KEY = "Azure does not give staging's key back; WORKSHOP_STAGING_KEY_<SUFFIX> holds one"
WANTS_KEY = "STG005"


@dataclass(frozen=True)
class _Output:
    """Where the report goes and how it looks."""

    render: "Callable[[ClassReport, View], str]"
    file: Path | None
    anonymous: bool
    secrets: Secrets

    def write(self, report: "ClassReport") -> None:
        """Write the report, to the file whole or not at all."""
        from checker.classroom.model import without_names

        shown = without_names(report) if self.anonymous else report
        text = self.secrets.mask(self.render(shown, view(sys.stdout)))
        if self.file is None:
            write(text)
            return
        part = self.file.with_name(f".{self.file.name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(self.file)


def register(app: typer.Typer) -> None:
    """Add `class check`."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Look at a whole class, from a roster.")
    group.command("check")(check)
    group.callback()(_class)
    app.add_typer(group, name="class")


def _class() -> None:
    """Look at a whole class, from a roster."""


def check(
    roster: Annotated[
        Path, typer.Option("--roster", metavar="FILE", help="CSV or YAML: organization, project, subscription, suffix.")
    ],
    modules: Annotated[
        list[str] | None, typer.Option("--module", metavar="MODULE", help="As M7, or a code; can be repeated.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="terminal, json, junit, csv or html.")] = "terminal",
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Else stdout.")] = None,
    threads: Annotated[int, typer.Option(min=1, max=MOST_THREADS, help="Attendees at a time.")] = 4,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until all are done.")] = False,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="No names, and nothing that was seen.")] = False,
    devops: Annotated[bool, typer.Option("--devops/--no-devops", help="Look at Azure DevOps.")] = True,
    config: Config = None,
    seed: Seed = None,
    verbose: Verbose = False,
) -> None:
    """Look at the work of every attendee of a roster: who is stuck and where, who waits for the cloud, who is done.

    The roster holds names, never a secret. Tokens come from AZURE_DEVOPS_EXT_PAT_<ORGANISATION>, else from
    AZURE_DEVOPS_EXT_PAT; the names of resources from workshop.toml, with each attendee's suffix. Machines of attendees
    are not looked at. Ctrl-C ends the look, and the report says that it is partial.
    """
    from checker.classroom.looking import Classroom
    from checker.reports.classes import CLASS_FORMATS
    from checker.roster import read_roster

    if form not in CLASS_FORMATS:
        expected = f"one of {', '.join(CLASS_FORMATS)}"
        raise UsageError(f"--format {form}", "there is no such format", expected, ("checker class check --help",))
    secrets = Secrets()
    open_log(secrets, verbose)
    lesson = _lesson(read_roster(roster), modules or [], config or find_file(Path.cwd()), devops, (threads, seed))
    room = Classroom(lesson, secrets)
    out = _Output(CLASS_FORMATS[form], output, anonymous, secrets)
    raise typer.Exit(_watch(room, out) if watch else _once(room, out)[0])


def _lesson(roster: "Roster", modules: list[str], kit: Path, devops: bool, how: tuple[int, int | None]) -> "Lesson":
    """What to look at. Raises UsageError, ConfigurationError when nothing is left to look at."""
    from checker.checks import CHECKS
    from checker.classroom.looking import Lesson
    from checker.runner import with_prerequisites

    threads, seed = how
    codes, left_out = _codes(modules, devops)
    if not codes:
        reasons = "; ".join(f"{one.service}: {one.reason}" for one in left_out)
        raise UsageError(f"--module {' '.join(modules)}", reasons, "something to look at", ("checker list",))
    return Lesson(
        roster=roster,
        kit=kit,
        environment=dict(os.environ),
        checks=tuple(with_prerequisites(codes, CHECKS)),
        left_out=left_out,
        threads=threads,
        seed=int(time.time()) if seed is None else seed,
    )


def _codes(modules: list[str], devops: bool) -> "tuple[list[str], tuple[LeftOut, ...]]":
    from checker.checks import CHECKS
    from checker.model import LeftOut, Service
    from checker.roster import STAGING_KEY
    from checker.selection import Places, leave_out_of, select

    closed = Places(devops, machine=False, machine_reason=NOT_FOR_A_CLASS).closed_for_class()
    codes, left_out = leave_out_of(select(modules, CHECKS), CHECKS, closed)
    if any(name.startswith(STAGING_KEY) and value for name, value in os.environ.items()):
        return codes, left_out
    keyed = [code for code in codes if _needs(code, WANTS_KEY)]
    kept = [code for code in codes if code not in keyed]
    return kept, (*left_out, LeftOut(Service.AZURE, NO_KEY, tuple(keyed))) if keyed else left_out


def _needs(code: str, wanted: str) -> bool:
    from checker.checks import CHECKS

    return code == wanted or any(_needs(other, wanted) for other in CHECKS[code].requires)


def _once(room: "Classroom", out: _Output) -> "tuple[int, ClassReport]":
    """One look, written; how it ended, as a number."""
    from checker.reports.live import LiveTable

    with LiveTable(len(room.lesson.roster.attendees), sys.stderr, out.anonymous) as live:
        report, interrupted = room.look(live.add)
    out.write(report)
    if interrupted:
        write(f"interrupted: {len(report.rows)} of {report.asked} attendees were looked at\n", sys.stderr)
    return INTERRUPTED if interrupted else _ending(report), report


def _watch(room: "Classroom", out: _Output) -> int:
    """Look until all are done, or until Ctrl-C."""
    while True:
        ending, _ = _once(room, out)
        if ending in (INTERRUPTED, PASSED):
            return ending
        write(f"\nlooking again in {PAUSE_SECONDS:.0f} s; Ctrl-C ends it\n\n", sys.stderr)
        try:
            time.sleep(PAUSE_SECONDS)
        except KeyboardInterrupt:
            return INTERRUPTED


def _ending(report: "ClassReport") -> int:
    from checker.classroom.model import State
    from checker.model import Outcome

    if any(report.count(check.code, Outcome.FAIL) for check in report.checks):
        return FAILED
    return PASSED if len(report.of(State.DONE)) == report.asked else NOT_CHECKED
