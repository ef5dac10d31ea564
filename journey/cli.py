"""The `journey` command. The only module that prints.

0 all passed · 1 a step or a check failed · 2 no sandbox · 3 something could not be checked · 130 interrupted
"""

import json
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from journey.attendee import Attendee, read_attendee
from journey.day import FIRST, LAST, Day, plan
from journey.day.workplace import require_committed
from journey.errors import JourneyError
from journey.local import SandboxError, running_sandbox
from journey.organization import Organization
from journey.rehearsal import Runner, StepResult
from journey.replay import ModuleResult, ReplayStopped, document, own_machine, prepare, replay, row, table
from journey.source import make_source
from journey.steps import solution_steps

REPOSITORY = Path(__file__).resolve().parent.parent
SUFFIX = "rehearse"
TAIL_LINES = 40
KEY = "WORKSHOP_STAGING_KEY"


class Road(StrEnum):
    """How a rehearsal gets to production: each script by hand, or as an attendee does it in Azure DevOps."""

    SCRIPTS = "scripts"
    PIPELINE = "pipeline"


class Form(StrEnum):
    """How a proof is printed."""

    TERMINAL = "terminal"
    JSON = "json"


program = typer.Typer(help="The workshop, step by step.", no_args_is_help=True, add_completion=False)


@program.callback()
def root() -> None:
    """Keeps `rehearse` a command of its own, however few commands there are."""


@program.command()
def rehearse(
    road: Annotated[Road, typer.Option(help="Run the scripts by hand, or walk the day through Azure DevOps.")] = (
        Road.PIPELINE
    ),
    last: Annotated[int, typer.Option("--to", min=FIRST, max=LAST, help="End with this module.")] = LAST,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the scratch folder with its logs.")] = False,
    timings: Annotated[Path | None, typer.Option(help="Write where the seconds went to this file, as JSON.")] = None,
) -> None:
    """Do every module of the workshop on a local Azure, run its checks, clean up, and prove that nothing is left."""
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    results: list[StepResult] = []
    modules: list[ModuleResult] = []
    scratch: Path | None = None
    try:
        scratch = Path(tempfile.mkdtemp(prefix="rehearsal-"))
        code = _rehearse(scratch, results, modules, road, last)
    except ReplayStopped as stopped:
        typer.echo(f"stopped at {stopped}", err=True)
        code = stopped.code
    except (SandboxError, JourneyError) as error:
        typer.echo(str(error), err=True)
        code = 2
    except KeyboardInterrupt:
        typer.echo("\nInterrupted. Everything the rehearsal started has been stopped.", err=True)
        code = 130
    total = time.monotonic() - started
    typer.echo(f"\n{table(modules)}" if modules else "")
    typer.echo(_summary(results, total))
    if timings:
        timings.write_text(json.dumps(_timings(results, modules, total), indent=2) + "\n", encoding="utf-8")
    if scratch and (keep or code):
        typer.echo(f"logs      {scratch / 'logs'}")
    elif scratch:
        shutil.rmtree(scratch)
    raise SystemExit(code)


@program.command()
def run(
    first: Annotated[int, typer.Option("--from", min=FIRST, max=LAST, help="Begin with this module.")] = FIRST,
    last: Annotated[int, typer.Option("--to", min=FIRST, max=LAST, help="End with this module.")] = LAST,
    source: Annotated[str, typer.Option(help="What to import: the clone address of the workshop's repository.")] = "",
    project: Annotated[str, typer.Option(help="The project in Azure DevOps; else that of workshop.toml.")] = "",
    yaml: Annotated[str, typer.Option(help="The pipeline's file; else that of workshop.toml.")] = "",
    clone: Annotated[
        Path | None,
        typer.Option(help="Where you work, or will; else this folder if it is your clone, else a copy for the while."),
    ] = None,
    timings: Annotated[Path | None, typer.Option(help="Write where the seconds went to this file, as JSON.")] = None,
) -> None:
    """Do the work of the modules from one to another, so that you stand at the start of the next one.

    What is done already stays as it is, and a second time nothing changes. The clean-up is the checker's.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="journey-") as scratch:
            attendee = read_attendee(
                os.environ, REPOSITORY / "workshop.toml", source or REPOSITORY.as_uri(), project, yaml
            )
            measured = _walk(attendee, Path(scratch), first, last, clone.absolute() if clone else None)
        if timings:
            timings.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    except JourneyError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        typer.echo(
            "\nInterrupted. What was started on the service goes on there; run the same command again.", err=True
        )
        raise SystemExit(130) from None


@program.command()
def prove(
    modules: Annotated[list[str] | None, typer.Option("--module", help="As M7; several times; all without.")] = None,
    mistake: Annotated[str, typer.Option(help="One mistake of the corpus, by its id, and nothing else.")] = "",
    threads: Annotated[int, typer.Option(min=1, max=16, help="How many worlds are looked at at once.")] = 4,
    form: Annotated[Form, typer.Option("--format", help="A table for people, or JSON.")] = Form.TERMINAL,
) -> None:
    """Prove the checks on three legs: the starter fails, the solution passes, each mistake gets its own hint."""
    from journey.proving.command import run_proof

    signal.signal(signal.SIGTERM, _interrupt)
    try:
        report, perfect = run_proof(
            REPOSITORY, modules or (), mistake, threads, form is Form.JSON, lambda said: typer.echo(said, err=True)
        )
    except (SandboxError, JourneyError) as error:
        typer.echo(str(error), err=True)
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        typer.echo("\nInterrupted. Everything the proof started has been stopped.", err=True)
        raise SystemExit(130) from None
    typer.echo(report)
    raise SystemExit(0 if perfect else 1)


@program.command("class")
def make_class(
    attendees: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    mistakes: Annotated[float, typer.Option(min=0, max=1, help="Which share of them has a mistake.")] = 0.3,
    seed: Annotated[int, typer.Option(help="Decides who stands where; the same seed is the same class.")] = 7,
    roster: Annotated[Path, typer.Option(help="Where the roster is written, for checker class check.")] = Path(
        "roster.csv"
    ),
    answers: Annotated[Path | None, typer.Option(help="Where the answer key is written; else beside it.")] = None,
) -> None:
    """Fill the sandbox of this shell with a class: attendees at different points, some with a typical mistake."""
    from journey.classroom import fill_class, plan_class, write_answers, write_roster
    from journey.worlds import open_ground

    started, key = time.monotonic(), answers or roster.with_suffix(".answers.json")
    try:
        seats = plan_class(attendees, mistakes, seed)
        ground = open_ground(os.environ, REPOSITORY)
        with tempfile.TemporaryDirectory(prefix="class-") as scratch:
            fill_class(seats, ground, Path(scratch), typer.echo)
    except JourneyError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(1) from error
    write_roster(seats, ground, roster)
    write_answers(seats, key)
    typer.echo(f"{len(seats)} attendees in {time.monotonic() - started:.0f} s; {roster}, {key}")


def _walk(attendee: Attendee, scratch: Path, first: int, last: int, clone: Path | None) -> dict[str, object]:
    """Each step with what it did; where the seconds went. Raises JourneyError at the first that cannot go on."""
    organization, steps = Organization(attendee.organization, attendee.token), []
    try:
        day = Day(attendee, organization, scratch, typer.echo, clone, Path.cwd())
        require_committed(day)
        for step in plan(first, last):
            typer.echo(f"M{step.module:<3} {step.title}")
            started = time.monotonic()
            done = step.run(day)
            seconds = time.monotonic() - started
            typer.echo(f"     {done} ({seconds:.1f} s)")
            steps.append({"module": step.module, "title": step.title, "seconds": round(seconds, 2)})
        return {"steps": steps, **asdict(day.waiting)}
    finally:
        organization.close()


def _rehearse(scratch: Path, results: list[StepResult], modules: list[ModuleResult], road: Road, last: int) -> int:
    """One road, with its checks, on a sandbox that ends with this call; the exit code. Raises ReplayStopped."""
    with running_sandbox(scratch / "state") as environment:
        typer.echo(f"sandbox   {environment['AZURE_AUTHORITY_HOST']}")
        if road is Road.PIPELINE:
            return _by_pipeline(environment, scratch, modules, last)
        # By hand there is no organisation: then the checker does not look for one either.
        alone = {name: value for name, value in environment.items() if not name.startswith("AZURE_DEVOPS_")}
        return _by_scripts(_runner(scratch, alone), scratch, results)


def _runner(scratch: Path, environment: Mapping[str, str]) -> Runner:
    return Runner(REPOSITORY, scratch, scratch / "release.json", {**environment, "WORKSHOP_SUFFIX": SUFFIX})


def _by_pipeline(environment: Mapping[str, str], scratch: Path, modules: list[ModuleResult], last: int) -> int:
    """The day of an attendee who imports the kit as it lies here, and sets the staging key that the checker needs."""
    own = own_machine(scratch, REPOSITORY)
    runner = _runner(scratch, {**environment, **own, KEY: secrets.token_urlsafe(24)})
    place = prepare(make_source(REPOSITORY, scratch / "source"), scratch)
    for result in replay(runner, place, SUFFIX, last):
        modules.append(result)
        typer.echo(f"checks    {row(result)}")
    typer.echo("all is well")
    return 0


def _timings(results: list[StepResult], modules: list[ModuleResult], total: float) -> Mapping[str, object]:
    steps = {result.step.title: round(result.seconds, 2) for result in results}
    return {**document(modules, total), "steps": steps}


def _by_scripts(runner: Runner, scratch: Path, results: list[StepResult]) -> int:
    for result in runner.run(solution_steps(scratch / "release.json", scratch)):
        results.append(result)
        typer.echo(f"{'ok  ' if not result.code else 'FAIL'}      {result.step.title:26} {result.seconds:6.1f} s")
        if result.code:
            typer.echo(_tail(result.log), err=True)
            return 1
    key = (scratch / "staging.key").read_text(encoding="utf-8").strip()
    modules = ("M6", "M7", "M8", "M9")  # what the scripts do; the rest is not asked for
    return runner.call("checker", "check", *modules, "--no-devops", "--no-machine", environment={KEY: key})


def _summary(results: list[StepResult], total: float) -> str:
    inside = sum(result.seconds for result in results)
    return f"total     {total:.1f} s" + (f", of which the steps' own {inside:.1f} s" if results else "")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command."""
    program()
