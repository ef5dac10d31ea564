"""`Pipeline` to `Plan`: the graphs, every expression parsed, matrix legs, hooks, and what nobody wrote but happens.

All that a runner needs is in the Plan. Expressions are parsed here, so that a wrong one is found before a run; they are
evaluated by `expressions.conditions` and `expressions.runtime` with a context that the runner gives.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sandbox.pipelines import graph, prediction
from sandbox.pipelines.errors import ExpressionError, Mark, Problems
from sandbox.pipelines.expressions.conditions import Condition, parse_condition
from sandbox.pipelines.expressions.runtime import RuntimeExpression, is_runtime, parse_runtime
from sandbox.pipelines.model import (
    DEFAULT_STAGE,
    NOTHING,
    Deployment,
    Hook,
    HookName,
    Job,
    Matrix,
    Parallel,
    Pipeline,
    Pool,
    Stage,
    Step,
    StepKind,
    Variable,
    VariableEntry,
    VariableGroupReference,
)
from sandbox.pipelines.notices import Notice, list_notices
from sandbox.pipelines.prediction import Prediction

LOADING = "An error occurred while loading the YAML build pipeline."
PER_INCREMENT = frozenset({HookName.DEPLOY, HookName.ROUTE_TRAFFIC, HookName.POST_ROUTE_TRAFFIC})
MOST_LEGS = 256
UNJUDGED = Prediction()


@dataclass(frozen=True, slots=True)
class PlannedVariable:
    """A variable; `expression` is set when its value is wholly one `$[ ]`."""

    variable: Variable
    expression: RuntimeExpression | None = None


PlannedEntry = PlannedVariable | VariableGroupReference


@dataclass(frozen=True, slots=True)
class PlannedStep:
    step: Step
    condition: Condition


@dataclass(frozen=True, slots=True)
class Activity:
    """A stretch of steps on one agent: a plain job has one, a deployment job one per hook (and per canary increment).
    `increment` is canary's percentage, else empty."""

    steps: tuple[PlannedStep, ...]
    pool: Pool | None = None
    hook: HookName | None = None
    increment: str = ""


@dataclass(frozen=True, slots=True)
class JobInstance:
    """One leg of a job. `name` is System.JobName; `identifier` is job or job.leg; `variables` are the leg's.
    `position` counts from 1 among `total`."""

    name: str
    identifier: str
    display_name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    position: int = 1
    total: int = 1


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job. `instances` is empty while its strategy needs a value of the run: then `list_instances` gives them.
    `depends_on_expression` likewise replaces `depends_on` when it is set. `max_parallel` 0 is no limit."""

    job: Job
    name: str
    depends_on: tuple[str, ...]
    condition: Condition
    instances: tuple[JobInstance, ...]
    activities: tuple[Activity, ...]
    variables: tuple[PlannedEntry, ...] = ()
    depends_on_expression: RuntimeExpression | None = None
    matrix_expression: RuntimeExpression | None = None
    max_parallel: int = 0
    prediction: Prediction = UNJUDGED

    @property
    def pool(self) -> Pool | None:
        return self.activities[0].pool if self.activities else self.job.pool


@dataclass(frozen=True, slots=True)
class PlannedStage:
    stage: Stage
    name: str
    depends_on: tuple[str, ...]
    condition: Condition
    jobs: tuple[PlannedJob, ...]
    variables: tuple[PlannedEntry, ...] = ()
    prediction: Prediction = UNJUDGED


@dataclass(frozen=True, slots=True)
class Plan:
    """`stages` in authored order; `notices` name what this machine does not honour."""

    pipeline: Pipeline
    stages: tuple[PlannedStage, ...]
    variables: tuple[PlannedEntry, ...] = ()
    notices: tuple[Notice, ...] = ()
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def plan(pipeline: Pipeline, facts: Mapping[str, str] = NOTHING, skip: Collection[str] = ()) -> Plan:
    """Plan a run. `facts` are variables known before it starts (Build.SourceBranch, queue-time variables ...); `skip`
    names stages left out by the person who starts it. Raises LoadError."""
    planner = _Planner(pipeline)
    stages = tuple(planner.stages())
    variables = planner.variables(pipeline.variables, root=True)
    planner.problems.raise_if_any()
    planned = Plan(pipeline, stages, variables, (*list_notices(pipeline), *planner.notices), dict(facts))
    return _with_predictions(planned, skip)


def list_instances(job: Job, name: str, strategy: Matrix | Parallel | None) -> tuple[JobInstance, ...]:
    """The legs of a job whose strategy is fully known. An empty matrix is one job. Raises ExpressionError when
    `parallel` is no number, or when there are more than 256."""
    shown = job.display_name or name
    if isinstance(strategy, Parallel):
        count = _whole(strategy.count)
        legs = [(f"{name}{index}", NOTHING) for index in range(1, count + 1)]
        display = [f"{shown} {index}" for index in range(1, count + 1)]
    else:
        legs = list(strategy.legs.items()) if strategy else []
        display = [f"{shown} {leg}" for leg, _ in legs]
    if len(legs) > MOST_LEGS:
        limit = f"exceeds the maximum allowable job count of {MOST_LEGS}."
        raise ExpressionError(f"The matrix expansion resulted in {len(legs)} jobs which {limit}")
    if not legs:
        return (JobInstance(name, name, shown),)
    return tuple(
        JobInstance(leg, f"{name}.{leg}", display[index], variables, index + 1, len(legs))
        for index, (leg, variables) in enumerate(legs)
    )


def parse_matrix(text: str, max_parallel: str = "") -> Matrix:
    """A matrix from the JSON text that a `$[ ]` gave. Empty text is no matrix. Raises ExpressionError."""
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise ExpressionError(f"The matrix is not JSON: {error}", _matrix_help(text)) from error
    if not isinstance(found, dict) or not all(isinstance(leg, dict) for leg in found.values()):
        raise ExpressionError("The matrix must be an object of objects.", _matrix_help(text))
    legs = {name: {key: _json_text(value) for key, value in leg.items()} for name, leg in found.items()}
    return Matrix(legs, max_parallel=max_parallel)


def names_in(text: str) -> tuple[str, ...]:
    """The names that a `dependsOn` expression gave: none, one, or a JSON list of them."""
    stripped = text.strip()
    if not stripped.startswith("["):
        return (stripped,) if stripped else ()
    return tuple(str(name) for name in json.loads(stripped))


def _matrix_help(text: str) -> str:
    return f'It was {text[:80]!r}; expected such as {{"leg": {{"name": "value"}}}} on one line.'


def _json_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _whole(text: str) -> int:
    if not text.strip().isdigit():
        raise ExpressionError(f"The value '{text}' is not a valid number of jobs.", "Write `parallel: 3`.")
    return int(text)


def _with_predictions(planned: Plan, skip: Collection[str]) -> Plan:
    found = prediction.predict(planned, skip)
    stages = []
    for stage in planned.stages:
        jobs = tuple(replace(job, prediction=found[stage.name, job.name]) for job in stage.jobs)
        stages.append(replace(stage, jobs=jobs, prediction=found[stage.name, ""]))
    return replace(planned, stages=tuple(stages))


class _Planner:
    """Collects problems while it plans. Lives for one plan."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.problems = Problems()
        self.notices: list[Notice] = []

    def stages(self) -> Iterator[PlannedStage]:
        names = _names([one.name for one in self._pipeline.stages], "Stage")
        edges = [self._stage_edges(index, names) for index in range(len(names))]
        vertices = [
            graph.Vertex(name, edge, one.marks.get("dependsOn", one.mark))
            for name, edge, one in zip(names, edges, self._pipeline.stages, strict=True)
        ]
        sentence = "The stage name {0} appears more than once. Stage names must be unique within a pipeline."
        if self._are_unique(vertices, sentence):
            graph.check(vertices, graph.Words("stage"), self.problems)
        for name, edge, stage in zip(names, edges, self._pipeline.stages, strict=True):
            condition = self._condition(stage.condition, stage.marks, stage.mark)
            jobs = tuple(self._jobs(stage, name))
            yield PlannedStage(stage, name, edge, condition, jobs, self.variables(stage.variables))

    def variables(self, entries: Sequence[VariableEntry], root: bool = False) -> tuple[PlannedEntry, ...]:
        return tuple(self._variable(one, root) for one in entries)

    def _stage_edges(self, index: int, names: Sequence[str]) -> tuple[str, ...]:
        written = self._pipeline.stages[index].depends_on
        if written is not None:
            return written
        return (names[index - 1],) if index else ()

    def _jobs(self, stage: Stage, stage_name: str) -> Iterator[PlannedJob]:
        prefix = "" if stage_name == DEFAULT_STAGE else f"Stage {stage_name}"
        names = _names([one.name for one in stage.jobs], "Job")
        vertices = [
            graph.Vertex(name, one.depends_on or (), one.marks.get("dependsOn", one.mark))
            for name, one in zip(names, stage.jobs, strict=True)
        ]
        within = f"Stage {stage_name} job {{0}}" if prefix else "The job name {0}"
        limit = "a stage" if prefix else "a pipeline"
        sentence = f"{within} appears more than once. Job names must be unique within {limit}."
        if self._are_unique(vertices, sentence):
            graph.check(vertices, graph.Words("job", prefix), self.problems)
        for name, job in zip(names, stage.jobs, strict=True):
            yield self._job(name, job, stage)

    def _job(self, name: str, job: Job, stage: Stage) -> PlannedJob:
        pool = job.pool or stage.pool or self._pipeline.pool
        matrix = job.strategy if isinstance(job.strategy, Matrix) else None
        return PlannedJob(
            job=job,
            name=name,
            depends_on=job.depends_on or (),
            condition=self._condition(job.condition, job.marks, job.mark),
            instances=self._instances(name, job),
            activities=tuple(self._activities(name, job, pool)),
            variables=self.variables(job.variables),
            depends_on_expression=self._runtime(job.depends_on_expression, job.marks.get("dependsOn", job.mark)),
            matrix_expression=self._runtime(matrix.expression if matrix else "", job.marks.get("strategy", job.mark)),
            max_parallel=_limit(matrix),
        )

    def _instances(self, name: str, job: Job) -> tuple[JobInstance, ...]:
        strategy = job.strategy
        if isinstance(strategy, Matrix) and strategy.expression:
            return ()
        if isinstance(strategy, Parallel) and "$" in strategy.count:
            return ()
        try:
            return list_instances(job, name, strategy)
        except ExpressionError as error:
            self.problems.add(error.message, job.marks.get("strategy", job.mark), error.help)
            return ()

    def _activities(self, name: str, job: Job, pool: Pool | None) -> Iterator[Activity]:
        if job.deployment:
            self._check_deployment(name, job, job.deployment)
        if job.deployment is None:
            steps = job.steps
            if not any(one.kind == StepKind.CHECKOUT for one in steps) and not (pool and pool.server):
                steps = (_implicit(StepKind.CHECKOUT, {"repository": "self"}, job.mark), *steps)
            yield Activity(self._steps(name, steps), pool)
            return
        hooks = job.deployment.hooks
        for hook in hooks:
            if hook.name not in PER_INCREMENT or not job.deployment.increments:
                yield self._hook(name, hook, pool)
            elif hook is next(one for one in hooks if one.name in PER_INCREMENT):
                for increment in job.deployment.increments:
                    each = (one for one in hooks if one.name in PER_INCREMENT)
                    yield from (replace(self._hook(name, one, pool), increment=increment) for one in each)

    def _check_deployment(self, name: str, job: Job, deployment: Deployment) -> None:
        """What a deployment job cannot do without. The service's words for these are not known; these are ours."""
        if not deployment.environment.name:
            help = "Write `environment: name`; it is created at the first run."
            self.problems.add(f"Job {name}: an environment is required.", job.mark, help)
        if not any(hook.name == HookName.DEPLOY for hook in deployment.hooks):
            help = "Write strategy, runOnce, deploy, steps, each one level below the other."
            self.problems.add(f"Job {name}: a deployment strategy with a deploy hook is required.", job.mark, help)

    def _hook(self, job_name: str, hook: Hook, pool: Pool | None) -> Activity:
        steps = hook.steps
        if hook.name == HookName.DEPLOY and not any(one.kind == StepKind.DOWNLOAD for one in steps):
            steps = (_implicit(StepKind.DOWNLOAD, {"alias": "current"}, hook.mark or Mark(self._pipeline.file)), *steps)
        return Activity(self._steps(job_name, steps), hook.pool or pool, hook.name)

    def _steps(self, job_name: str, steps: Sequence[Step]) -> tuple[PlannedStep, ...]:
        seen: set[str] = set()
        for step in steps:
            if step.name and step.name.lower() in seen:
                unique = f"The step name {step.name} appears more than once. Step names must be unique within a job."
                self.problems.add(f"Job {job_name}: {unique}", step.marks.get("name", step.mark))
            seen.add(step.name.lower())
        return tuple(PlannedStep(one, self._step_condition(one, job_name)) for one in steps)

    def _step_condition(self, step: Step, job_name: str) -> Condition:
        place = step.marks.get("condition", step.mark)
        try:
            condition = parse_condition(step.condition, step=True)
        except ExpressionError as error:
            words = f"specifies condition {step.condition} which is not valid. Reason: {error.message}"
            self.problems.add(f"Job {job_name}: Step {step.name} {words}", place, error.help)
            return parse_condition("", step=True)
        if condition.error:
            title = step.name or step.display_name or step.kind
            self.notices.append(Notice(f"The condition of step '{title}' fails at its turn: {condition.error}", place))
        return condition

    def _condition(self, text: str, marks: Mapping[str, Mark], mark: Mark) -> Condition:
        try:
            return parse_condition(text)
        except ExpressionError as error:
            self.problems.add(error.message, marks.get("condition", mark), error.help)
            return parse_condition("")

    def _variable(self, entry: VariableEntry, root: bool) -> PlannedEntry:
        if isinstance(entry, VariableGroupReference):
            return entry
        expression = self._runtime(entry.value if is_runtime(entry.value) else "", entry.mark, root)
        return PlannedVariable(entry, expression)

    def _runtime(self, text: str, mark: Mark | None, root: bool = False) -> RuntimeExpression | None:
        if not text:
            return None
        try:
            return parse_runtime(text, root)
        except ExpressionError as error:
            self.problems.add(f"{LOADING} {error.message}", mark, error.help)
            return None

    def _are_unique(self, vertices: Sequence[graph.Vertex], sentence: str) -> bool:
        seen: set[str] = set()
        for vertex in vertices:
            if vertex.name.lower() in seen:
                self.problems.add(sentence.format(vertex.name), vertex.mark, "Names fold case: give one another name.")
            seen.add(vertex.name.lower())
        return len(seen) == len(vertices)


def _implicit(kind: StepKind, inputs: Mapping[str, str], mark: Mark) -> Step:
    return Step(kind, mark, inputs=inputs, implicit=True)


def _limit(matrix: Matrix | None) -> int:
    text = matrix.max_parallel if matrix else ""
    return int(text) if text.isdigit() else 0


def _names(written: Sequence[str], word: str) -> list[str]:
    """Names as written; a nameless one gets the word and a number that nobody uses."""
    taken = {name.lower() for name in written if name}
    names: list[str] = []
    for name in written:
        number = 1
        while not name and f"{word}{number}".lower() in taken:
            number += 1
        names.append(name or f"{word}{number}")
        taken.add(names[-1].lower())
    return names
