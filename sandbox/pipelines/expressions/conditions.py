"""Conditions: parsed when planning, evaluated when the runner knows the results."""

import re
from dataclasses import dataclass, replace

from sandbox.pipelines.errors import ExpressionError
from sandbox.pipelines.expressions.contexts import (
    GRAPH_CONDITION,
    STEP_CONDITION,
    STEP_CONDITION_AT_LOAD,
    Result,
    RunContext,
    bound_status,
    bound_step_status,
    environment,
)
from sandbox.pipelines.expressions.evaluation import evaluate, explain
from sandbox.pipelines.expressions.grammar import Call, Expression, Member, parse, parse_form
from sandbox.pipelines.expressions.values import to_boolean

DEFAULT = "succeeded()"
STATUS = frozenset({"always", "canceled", "failed", "succeeded", "succeededorfailed"})
WHOLE_RUNTIME = re.compile(r"\s*\$\[(.*)\]\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition; `text` is what stands in the file, or the default."""

    text: str
    tree: Expression
    error: str = ""  # what the agent will say of a step's condition: it alone knows the names

    @property
    def asks_for_status(self) -> bool:
        """Whether it calls a status function; without one a step runs even after a cancel (contract, 2.6)."""
        return bool(called(self.tree) & STATUS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition gave: `expanded` shows its operands; `error` is set when it could not be evaluated."""

    holds: bool
    text: str
    expanded: str
    error: str = ""

    def lines(self) -> tuple[str, ...]:
        """As the service's log shows it."""
        outcome = f"Error: {self.error}" if self.error else f"Result: {self.holds}"
        return (f"Evaluating: {self.text}", f"Expanded: {self.expanded}", outcome)


def parse_condition(text: str, step: bool = False) -> Condition:
    """A stage's or job's condition, or a step's. Raises ExpressionError."""
    shown = text.strip() or DEFAULT
    whole = WHOLE_RUNTIME.fullmatch(shown)
    inner = whole.group(1).strip() if whole else shown
    return _step_condition(inner) if step else Condition(inner, parse(inner, GRAPH_CONDITION))


def _step_condition(text: str) -> Condition:
    """Its form is checked at load, as the service does; its names by the agent, when the step's turn comes."""
    tree = parse_form(text, STEP_CONDITION_AT_LOAD)
    try:
        return Condition(text, parse(text, STEP_CONDITION))
    except ExpressionError as error:
        return Condition(text, tree, error.message)


def evaluate_condition(condition: Condition, context: RunContext) -> Verdict:
    """A stage's or job's condition over its dependencies. Never raises: an error is in the verdict, which then does not
    hold (the service calls such a job Abandoned)."""
    return _verdict(condition, context, graph=True, status=Result.SUCCEEDED)


def evaluate_step_condition(condition: Condition, context: RunContext, job_status: Result) -> Verdict:
    """A step's condition over the job's status so far. An error in the verdict fails the step."""
    return _verdict(condition, replace(context, dependencies={}, stage_dependencies={}), graph=False, status=job_status)


def called(tree: Expression) -> set[str]:
    """Names of the functions that a tree calls, in lower case."""
    if isinstance(tree, Call):
        return {tree.function.lower()}.union(*(called(one) for one in tree.arguments))
    if isinstance(tree, Member):
        return called(tree.target) | (called(tree.key) if tree.key else set())
    return set()


def _verdict(condition: Condition, context: RunContext, graph: bool, status: Result) -> Verdict:
    functions = bound_status(context) if graph else bound_step_status(status, context.canceled)
    known = environment(context, functions)
    if condition.error:
        return Verdict(False, condition.text, condition.text, condition.error)
    expanded = explain(condition.tree, known)
    try:
        return Verdict(to_boolean(evaluate(condition.tree, known)), condition.text, expanded)
    except ExpressionError as error:
        return Verdict(False, condition.text, expanded, error.message)
