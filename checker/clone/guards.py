"""Which steps of a pipeline say no, which steps they guard, and what can keep a no from being heard."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checker.clone.graph import job_edges, stage_edges, waits_for
from checker.clone.pipeline import Job, Pipeline, Stage, Step

DATA_TESTS = re.compile(r"tests/data_quality\b")
TRAINING = re.compile(r"\bsubmit_training\.py\b")
GATE = re.compile(r"\b(submit_evaluation|evaluate)\.py\b")
REGISTER = re.compile(r"(?<![\w-])register\.py\b")
GUARDED = re.compile(r"\b(submit_training|package|staging|production)\.py\b|(?<![\w-])register\.py\b")
GOES_ON = re.compile(r"\b(always|succeededOrFailed|failed)\s*\(", re.IGNORECASE)
EXCUSED = re.compile(r"\|\|\s*(true|:|exit\s+0|echo\b)")
STRICT = re.compile(r"^\s*set\s+(-\w*e|-o\s+errexit)", re.MULTILINE)
PIPED = re.compile(r"(?<!\|)\|(?!\|)")


@dataclass(frozen=True)
class Spot:
    """A step and where it is: its stage, its job, its number in the job."""

    stage: Stage
    job: Job
    number: int
    step: Step

    def __str__(self) -> str:
        return f"`{self.step.shown}` ({self.step.place})"


def spots(pipeline: Pipeline, what: re.Pattern[str]) -> list[Spot]:
    """The steps whose script names something, in the order of the file."""
    return [
        Spot(stage, job, number, step)
        for stage in pipeline.stages
        for job in stage.jobs
        for number, step in enumerate(job.steps)
        if what.search(step.script)
    ]


def comes_after(pipeline: Pipeline, later: Spot, earlier: Spot) -> bool:
    """Whether one step runs after another has: in its job, or in a job or stage that waits for the other's."""
    if later.job is earlier.job:
        return later.number > earlier.number
    if later.stage is earlier.stage:
        return waits_for(job_edges(later.stage.jobs), later.job.name, earlier.job.name)
    return waits_for(stage_edges(pipeline.stages), later.stage.name, earlier.stage.name)


def unheard(pipeline: Pipeline) -> Iterator[tuple[Spot, str]]:
    """Where a no is not heard, and by what: in the steps that say it, then in those that must not run after it."""
    for pattern in (DATA_TESTS, GATE):
        for spot in spots(pipeline, pattern):
            if what := _swallowed(spot, pattern):
                yield spot, what
    for spot in spots(pipeline, GUARDED):
        if what := _runs_anyway(spot):
            yield spot, what


def _swallowed(spot: Spot, pattern: re.Pattern[str]) -> str:
    """What keeps the failure of a guard from failing its job; '' when nothing does."""
    if spot.step.goes_on:
        return "continueOnError"
    if spot.job.goes_on:
        return f"continueOnError of the job `{spot.job.name}`"
    return _excused(spot.step.script, pattern) or _runs_anyway(spot)


def _excused(script: str, pattern: re.Pattern[str]) -> str:
    """What a script does with the exit code of the command that matters; '' when it ends with it."""
    lines = [line for line in re.sub(r"\\\n\s*", " ", script).splitlines() if line.strip()]
    at = next(index for index, line in enumerate(lines) if pattern.search(line))
    strict = bool(STRICT.search("\n".join(lines[:at])))
    if excuse := EXCUSED.search(lines[at]):
        return excuse[0]
    if PIPED.search(lines[at]) and "pipefail" not in "\n".join(lines[:at]):
        return "a pipe without `set -o pipefail`"
    if not strict and any(not line.lstrip().startswith("#") for line in lines[at + 1 :]):
        return "a script that goes on after it, without `set -e`"
    return ""


def _runs_anyway(spot: Spot) -> str:
    """The condition by which a step runs after a failure; '' without one."""
    for owner, condition in (("", spot.step.condition), (" of its job", spot.job.condition)):
        if GOES_ON.search(condition):
            return f"condition: {condition}{owner}"
    if GOES_ON.search(spot.stage.condition):
        return f"condition: {spot.stage.condition} of its stage"
    return ""
