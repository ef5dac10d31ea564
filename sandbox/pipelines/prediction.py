"""Why each stage and job would run or be skipped, said before a run.

It supposes that what runs succeeds. What only the run can know (outputs, `$[ ]` of a job, variable groups) is not
guessed: the answer is then "depends", with the name of what it depends on.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sandbox.pipelines import graph
from sandbox.pipelines.errors import ExpressionError, Mark
from sandbox.pipelines.expressions.conditions import DEFAULT, Condition
from sandbox.pipelines.expressions.contexts import DependencyState, Result, RunContext, bound_status
from sandbox.pipelines.expressions.evaluation import Environment, evaluate, explain
from sandbox.pipelines.expressions.functions import GENERAL
from sandbox.pipelines.expressions.macros import expand_variables
from sandbox.pipelines.expressions.slots import Function
from sandbox.pipelines.expressions.values import Object, Value, to_boolean, to_text
from sandbox.pipelines.model import VariableGroupReference

if TYPE_CHECKING:
    from sandbox.pipelines.planning import Plan, PlannedEntry, PlannedJob, PlannedStage

PREDEFINED = ("agent.", "build.", "checks.", "environment.", "pipeline.", "strategy.", "system.")


class Outlook(StrEnum):
    RUNS = "runs"
    SKIPPED = "skipped"
    DEPENDS = "depends"


@dataclass(frozen=True, slots=True)
class Prediction:
    outlook: Outlook = Outlook.RUNS
    reason: str = ""


class NotYetKnown(ExpressionError):
    """A value that only the run knows."""


@dataclass(frozen=True, slots=True, eq=False)
class _Later(Object):
    """Members that only the run knows; `title` says of what."""

    title: str = ""

    def get(self, key: str) -> Value:
        raise NotYetKnown(f"{self.title}['{key}']")


@dataclass(frozen=True, slots=True, eq=False)
class _Variables(Object):
    """Known variables, lower-case keys. Asking for one of the `later` ones, or for a missing one where a group is in
    scope, raises."""

    later: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()

    def get(self, key: str) -> Value:
        folded = key.lower()
        if folded in self.later or (folded not in self.entries and folded.startswith(PREDEFINED)):
            raise NotYetKnown(f"variables['{key}']")
        if folded not in self.entries and self.groups:
            raise NotYetKnown(f"variables['{key}'], perhaps of group {self.groups[0]}")
        return self.entries.get(folded)


@dataclass(frozen=True, slots=True)
class _Known:
    """Variables as far as they are known before the run. Keys are lower case."""

    values: Mapping[str, str]
    later: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()

    def as_value(self) -> Object:
        return _Variables(expand_variables(self.values), later=self.later, groups=self.groups)


def predict(plan: "Plan", skip: Collection[str] = ()) -> dict[tuple[str, str], Prediction]:
    """By stage and job name; a stage's own under the job name ''."""
    left_out = {name.lower() for name in skip}
    root = _with(_Known({name.lower(): value for name, value in plan.facts.items()}), plan.variables)
    found: dict[tuple[str, str], Prediction] = {}
    stages = {stage.name.lower(): stage for stage in plan.stages}
    vertices = [graph.Vertex(one.name, one.depends_on, Mark("")) for one in plan.stages]
    for name in graph.in_order(vertices):
        stage = stages[name.lower()]
        known = _with(root, stage.variables)
        if name.lower() in left_out:
            found[name, ""] = Prediction(Outlook.SKIPPED, "it is left out of this run")
        else:
            found[name, ""] = _of_stage(stage, known, found)
        found |= _of_jobs(stage, known, found[name, ""])
    return found


def _of_stage(stage: "PlannedStage", known: _Known, found: Mapping[tuple[str, str], Prediction]) -> Prediction:
    before = {one: found[_spelled(one, found), ""] for one in stage.depends_on}
    outlook = _judge(stage.condition, before, known, "stage")
    if outlook.outlook == Outlook.RUNS and stage.stage.trigger == "manual":
        return Prediction(Outlook.DEPENDS, "its trigger is manual: it waits for a person")
    return outlook


def _spelled(name: str, found: Mapping[tuple[str, str], Prediction]) -> str:
    return next(stage for stage, job in found if not job and stage.lower() == name.lower())


def _of_jobs(stage: "PlannedStage", known: _Known, outlook: Prediction) -> Iterator[tuple[tuple[str, str], Prediction]]:
    jobs = {job.name.lower(): job for job in stage.jobs}
    found: dict[str, Prediction] = {}
    vertices = [graph.Vertex(one.name, one.depends_on, Mark("")) for one in stage.jobs]
    for name in graph.in_order(vertices):
        job = jobs[name.lower()]
        found[name.lower()] = _of_job(job, _with(known, job.variables), found, outlook, stage.name)
    return iter([((stage.name, job.name), found[job.name.lower()]) for job in stage.jobs])


def _of_job(
    job: "PlannedJob", known: _Known, found: Mapping[str, Prediction], stage: Prediction, stage_name: str
) -> Prediction:
    if stage.outlook == Outlook.SKIPPED:
        return Prediction(Outlook.SKIPPED, f"stage {stage_name} is skipped")
    if job.depends_on_expression:
        return Prediction(Outlook.DEPENDS, f"its dependencies are known at run time: {job.depends_on_expression.text}")
    return _judge(job.condition, {one: found[one.lower()] for one in job.depends_on}, known, "job")


def _judge(condition: Condition, before: Mapping[str, Prediction], known: _Known, word: str) -> Prediction:
    states = {name: DependencyState(_supposed(one)) for name, one in before.items()}
    environment = _environment(states, known)
    try:
        holds = to_boolean(evaluate(condition.tree, environment))
    except NotYetKnown as error:
        return Prediction(Outlook.DEPENDS, f"{condition.text} needs {error.message}, known at run time")
    except ExpressionError as error:
        return Prediction(Outlook.SKIPPED, f"{condition.text} cannot be evaluated: {error.message}")
    reason = _reason(condition, before, holds, explain(condition.tree, environment), word)
    return Prediction(Outlook.RUNS if holds else Outlook.SKIPPED, reason)


def _supposed(one: Prediction) -> Result:
    return Result.SKIPPED if one.outlook == Outlook.SKIPPED else Result.SUCCEEDED


def _environment(states: Mapping[str, DependencyState], known: _Known) -> Environment:
    results: dict[str, Value] = {
        name: Object({"result": str(one.result), "outputs": _Later(title=f"dependencies.{name}.outputs")}, folds=True)
        for name, one in states.items()
    }
    names: dict[str, Value] = {
        "variables": known.as_value(),
        "dependencies": Object(results, folds=True),
        "stagedependencies": _Later(title="stageDependencies"),
        "pipeline": _Later(title="pipeline"),
        "resources": _Later(title="resources"),
    }
    return Environment(names, {**GENERAL, **bound_status(RunContext(dependencies=states))})


def _reason(condition: Condition, before: Mapping[str, Prediction], holds: bool, expanded: str, word: str) -> str:
    if condition.text != DEFAULT:
        return f"{' '.join(condition.text.split())} is {holds}: {expanded}"
    if holds:
        return f"after {', '.join(before)} succeeded" if before else f"it depends on no {word}"
    skipped = [name for name, one in before.items() if one.outlook == Outlook.SKIPPED]
    return f"{', '.join(skipped)} is skipped"


def _with(known: _Known, entries: "Sequence[PlannedEntry]") -> _Known:
    """The known variables with one more scope on top."""
    values, later, groups = dict(known.values), set(known.later), list(known.groups)
    for entry in entries:
        if isinstance(entry, VariableGroupReference):
            groups.append(entry.name)
            continue
        name = entry.variable.name.lower()
        value = _early(entry, _Known(values, frozenset(later), tuple(groups)))
        if value is None:
            later.add(name)
        else:
            values[name] = value
            later.discard(name)
    return _Known(values, frozenset(later), tuple(groups))


def _early(entry: "PlannedEntry", known: _Known) -> str | None:
    """A variable's text when it can be told before the run, else None."""
    if isinstance(entry, VariableGroupReference):
        return None
    if entry.expression is None:
        return entry.variable.value
    counter = Function("counter", 1, 2, _counter)
    environment = _environment({}, known)
    try:
        value = evaluate(entry.expression.tree, Environment(environment.names, {**GENERAL, "counter": counter}))
        return to_text(value)
    except ExpressionError:
        return None


def _counter(arguments: object) -> Value:
    raise NotYetKnown("counter()")
