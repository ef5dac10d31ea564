"""How far stages and jobs have come: data of the scheduling thread."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from sandbox.pipelines.errors import ExpressionError
from sandbox.pipelines.expressions.contexts import DependencyState, Result, RunContext
from sandbox.pipelines.planning import PlannedJob, PlannedStage, names_in
from sandbox.pipelines.running.context import RunState
from sandbox.pipelines.running.errors import RunRefused
from sandbox.pipelines.running.phases import PhaseProgress
from sandbox.pipelines.running.scopes import evaluate
from sandbox.pipelines.running.settings import StageOutcome
from sandbox.pipelines.running.variables import Variables


class State(Enum):
    WAITING = auto()
    GATED = auto()
    RUNNING = auto()
    FINISHED = auto()


@dataclass
class JobProgress:
    planned: PlannedJob
    state: State = State.WAITING
    result: Result = Result.SKIPPED
    outputs: dict[str, str] = field(default_factory=dict)
    phase: PhaseProgress | None = None
    names: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        return self.planned.name

    def depends_on(
        self, context: Callable[[], RunContext], variables: Callable[[], Variables], run: RunState
    ) -> tuple[str, ...]:
        """The jobs it waits for; a `$[ ]` is asked once. Raises RunRefused."""
        if self.names is None:
            self.names = self.planned.depends_on
            if self.planned.depends_on_expression is not None:
                try:
                    text = evaluate(self.planned.depends_on_expression, variables(), run, context())
                    self.names = names_in(text)
                except (ExpressionError, ValueError) as error:
                    raise RunRefused(str(error)) from error
        return self.names

    def finish(self, result: Result, outputs: dict[str, str]) -> None:
        self.state, self.result, self.outputs = State.FINISHED, result, outputs

    def as_dependency(self) -> DependencyState:
        return DependencyState(self.result, self.outputs)


class StageProgress:
    """A stage with its jobs, by name in lower case."""

    def __init__(self, planned: PlannedStage) -> None:
        self.planned = planned
        self.state = State.WAITING
        self.result = Result.SKIPPED
        self.reason = ""
        self.condition = ""
        self.left_out = False
        self.jobs = {one.name.lower(): JobProgress(one) for one in planned.jobs}

    @property
    def name(self) -> str:
        return self.planned.name

    def finish(self, result: Result, reason: str) -> None:
        self.state, self.result, self.reason = State.FINISHED, result, reason

    def take(self, earlier: StageOutcome) -> None:
        """It ran before, and is not run again."""
        jobs = {name.lower(): state for name, state in earlier.jobs.items()}
        for key, job in self.jobs.items():
            state = jobs.get(key, DependencyState(Result.SKIPPED))
            job.finish(state.result, dict(state.outputs))
        self.finish(earlier.result, earlier.reason)

    def as_dependency(self) -> DependencyState:
        """As another stage sees it: outputs are named `job.step.variable`."""
        outputs = {f"{job.name}.{name}": value for job in self.jobs.values() for name, value in job.outputs.items()}
        return DependencyState(self.result, outputs)

    def outcome(self) -> StageOutcome:
        jobs = {job.name: job.as_dependency() for job in self.jobs.values()}
        return StageOutcome(self.result, jobs, self.reason)
