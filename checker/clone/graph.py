"""Who waits for whom: the dependencies of stages and jobs, and what is wrong with them."""

import difflib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from checker.clone.nodes import Place, Problem
from checker.clone.pipeline import Job, Pipeline, Stage

CANONICAL = ("Build", "Staging", "Production")

Edges = Mapping[str, tuple[str, ...]]


def stage_edges(stages: Sequence[Stage]) -> Edges:
    """What each stage waits for, by lower-case name. Without a word a stage waits for the one before it."""
    edges: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for stage in stages:
        edges[stage.name.lower()] = before if stage.depends_on is None else _lower(stage.depends_on)
        before = (stage.name.lower(),)
    return edges


def job_edges(jobs: Sequence[Job]) -> Edges:
    """What each job of a stage waits for. Without a word a job waits for nothing."""
    return {job.name.lower(): _lower(job.depends_on or ()) for job in jobs}


def waits_for(edges: Edges, later: str, earlier: str) -> bool:
    """Whether one waits for the other, directly or by way of others."""
    seen: set[str] = set()
    pending = list(edges.get(later.lower(), ()))
    while pending:
        name = pending.pop()
        if name == earlier.lower():
            return True
        if name not in seen:
            seen.add(name)
            pending.extend(edges.get(name, ()))
    return False


def graph_problems(pipeline: Pipeline) -> list[Problem]:
    """Names that do not exist, circles, and stages of the workshop that do not wait for each other."""
    places = {stage.name: stage.place for stage in pipeline.stages}
    found = list(_problems(places, stage_edges(pipeline.stages), "stage"))
    for stage in pipeline.stages:
        found += _problems({job.name: job.place for job in stage.jobs}, job_edges(stage.jobs), "job")
    return found or list(_out_of_order(pipeline))


def _lower(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


def _problems(places: Mapping[str, Place], edges: Edges, what: str) -> Iterator[Problem]:
    known = {name.lower(): name for name in places}
    for name, waited in edges.items():
        for other in waited:
            if other not in known and "$" not in other:
                yield _unknown(places[known[name]], what, known[name], other, list(places))
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as circle:
        names = " → ".join(known.get(name, name) for name in circle.args[1])
        hint = "Each waits for another, and none of them can be the first."
        yield Problem(places[known[circle.args[1][0]]], f"the circle {names}", f"{what}s that can start", (hint,))


def _unknown(place: Place, what: str, name: str, other: str, present: list[str]) -> Problem:
    near = difflib.get_close_matches(other, [one.lower() for one in present], n=1, cutoff=0.6)
    meant = next((one for one in present if near and one.lower() == near[0]), "")
    hint = f"`{meant}` is near it." if meant else f"There is {', '.join(present)}."
    seen = f"`{name}` depends on `{other}`, which is no {what} of the file"
    return Problem(place, seen, f"the name behind `{what}:`, not its display name", (hint,))


def _out_of_order(pipeline: Pipeline) -> Iterator[Problem]:
    edges = stage_edges(pipeline.stages)
    named = {stage.name.lower(): stage for stage in pipeline.stages}
    present = [name for name in CANONICAL if name.lower() in named]
    for earlier, later in itertools.pairwise(present):
        if not waits_for(edges, later, earlier):
            hints = (
                f"{later} does not wait for {earlier}: it would run what nothing has tried.",
                f"A stage with its own dependsOn no longer follows the one before it: dependsOn: {earlier}.",
            )
            yield Problem(
                named[later.lower()].place, f"`{later}` does not wait for `{earlier}`", f"dependsOn: {earlier}", hints
            )
