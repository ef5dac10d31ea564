"""The slots of the service, and the environments that go with them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sandbox.pipelines.expressions.evaluation import Environment
from sandbox.pipelines.expressions.functions import GENERAL
from sandbox.pipelines.expressions.slots import Function, Slot, Thunk
from sandbox.pipelines.expressions.values import Object, Value, to_text


class Result(StrEnum):
    """Results of steps, jobs and stages. Abandoned is a job whose condition raises."""

    SUCCEEDED = "Succeeded"
    SUCCEEDED_WITH_ISSUES = "SucceededWithIssues"
    FAILED = "Failed"
    CANCELED = "Canceled"
    SKIPPED = "Skipped"
    ABANDONED = "Abandoned"


Call = Callable[[Sequence[Thunk]], Value]
GOOD = frozenset({Result.SUCCEEDED, Result.SUCCEEDED_WITH_ISSUES})
FINISHED = GOOD | {Result.FAILED}


@dataclass(frozen=True, slots=True)
class DependencyState:
    """A finished job or stage as a dependant sees it. Outputs are named `step.var`, for a stage `job.step.var`."""

    result: Result
    outputs: Mapping[str, str] = field(default_factory=dict)

    def as_value(self) -> Object:
        outputs = Object(dict(self.outputs), folds=True)
        return Object({"result": str(self.result), "outputs": outputs}, folds=True)


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a runtime expression or condition may look at. All mappings are by name as written in the file.

    `variables` are those visible where the expression stands; `dependencies` the direct dependencies (jobs for a job,
    stages for a stage); `stage_dependencies` by stage, then job; `start_time` is the run's; `resources` is by kind.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    dependencies: Mapping[str, DependencyState] = field(default_factory=dict)
    stage_dependencies: Mapping[str, Mapping[str, DependencyState]] = field(default_factory=dict)
    canceled: bool = False
    start_time: datetime | None = None
    resources: Object = field(default_factory=lambda: Object(folds=True))

    def names(self) -> dict[str, Value]:
        stages: dict[str, Value] = {
            stage: Object({job: state.as_value() for job, state in jobs.items()}, folds=True)
            for stage, jobs in self.stage_dependencies.items()
        }
        return {
            "variables": Object(dict(self.variables), folds=True),
            "dependencies": Object({name: one.as_value() for name, one in self.dependencies.items()}, folds=True),
            "stagedependencies": Object(stages, folds=True),
            "pipeline": Object({"startTime": self.start_time}, folds=True),
            "resources": self.resources,
        }


def _not_here(arguments: Sequence[Thunk]) -> Value:
    raise AssertionError("a function of a slot is bound to its run before it is called")


def _declared_status(most: int | None) -> Mapping[str, Function]:
    """The five status functions of a slot. `most` is how many names succeeded, failed and succeededOrFailed take."""
    named = {name.lower(): Function(name, 0, most, _not_here) for name in ("succeeded", "failed", "succeededOrFailed")}
    return named | {name: Function(name, 0, 0, _not_here) for name in ("always", "canceled")}


def bound_status(context: RunContext) -> Mapping[str, Function]:
    """Status functions of a stage or job: over its dependencies."""
    results = {name.lower(): one.result for name, one in context.dependencies.items()}

    def chosen(arguments: Sequence[Thunk]) -> list[Result | None]:
        names = [to_text(one()).lower() for one in arguments]
        return [results.get(name) for name in names] if names else list(results.values())

    def succeeded(arguments: Sequence[Thunk]) -> Value:
        return not context.canceled and all(one in GOOD for one in chosen(arguments))

    def failed(arguments: Sequence[Thunk]) -> Value:
        return not context.canceled and any(one == Result.FAILED for one in chosen(arguments))

    def succeeded_or_failed(arguments: Sequence[Thunk]) -> Value:
        over = chosen(arguments)
        return not context.canceled and (not over or any(one in FINISHED for one in over))

    return _status(succeeded, failed, succeeded_or_failed, context.canceled, None)


def bound_step_status(status: Result, canceled: bool) -> Mapping[str, Function]:
    """Status functions of a step: over the job's status so far."""
    return _status(
        lambda _: not canceled and status in GOOD,
        lambda _: not canceled and status == Result.FAILED,
        lambda _: not canceled and status in FINISHED,
        canceled,
        0,
    )


def _status(succeeded: Call, failed: Call, either: Call, canceled: bool, most: int | None) -> Mapping[str, Function]:
    rows: tuple[tuple[str, int | None, Call], ...] = (
        ("succeeded", most, succeeded),
        ("failed", most, failed),
        ("succeededOrFailed", most, either),
        ("always", 0, lambda _: True),
        ("canceled", 0, lambda _: canceled),
    )
    return {name.lower(): Function(name, 0, count, call) for name, count, call in rows}


COUNTER = {"counter": Function("counter", 1, 2, _not_here)}
TEMPLATE = Slot("a template expression", frozenset({"parameters", "variables"}), GENERAL)
ROOT_VARIABLE = Slot(
    "a root variable's $[ ]", frozenset({"variables", "resources", "pipeline"}), {**GENERAL, **COUNTER}
)
JOB_VARIABLE = Slot("a job's $[ ]", None, {**GENERAL, **COUNTER})
_GRAPH_NAMES = frozenset({"variables", "dependencies", "stagedependencies", "pipeline"})
GRAPH_CONDITION = Slot("a stage's or job's condition", _GRAPH_NAMES, {**GENERAL, **_declared_status(None)})
STEP_CONDITION = Slot("a step's condition", frozenset({"variables"}), {**GENERAL, **_declared_status(0)})
STEP_CONDITION_AT_LOAD = Slot("a step's condition", None, GENERAL)  # the service looks at its form only


def environment(context: RunContext, functions: Mapping[str, Function]) -> Environment:
    """Names of a run and the given functions beside the general ones."""
    return Environment(context.names(), {**GENERAL, **functions})
