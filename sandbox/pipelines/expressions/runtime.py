"""`$[ ]`: must be the whole value; parsed when planning, evaluated when the run or the job starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sandbox.pipelines.expressions.conditions import WHOLE_RUNTIME
from sandbox.pipelines.expressions.contexts import JOB_VARIABLE, ROOT_VARIABLE, RunContext, environment
from sandbox.pipelines.expressions.evaluation import evaluate
from sandbox.pipelines.expressions.grammar import Expression, parse
from sandbox.pipelines.expressions.slots import Function, Thunk
from sandbox.pipelines.expressions.values import Value, to_number, to_text


class Counter(Protocol):
    """Where `counter(prefix, seed)` keeps its numbers: the seed the first time, then one more per run."""

    def __call__(self, prefix: str, seed: int) -> int: ...


@dataclass(frozen=True, slots=True)
class RuntimeExpression:
    text: str
    tree: Expression


def is_runtime(text: str) -> bool:
    """Whether a value is wholly one `$[ ]`."""
    return WHOLE_RUNTIME.fullmatch(text) is not None


def parse_runtime(text: str, root: bool) -> RuntimeExpression:
    """The expression of a root or of a stage's or job's `$[ ]`. Raises ExpressionError."""
    whole = WHOLE_RUNTIME.fullmatch(text)
    inner = whole.group(1).strip() if whole else text.strip()
    return RuntimeExpression(inner, parse(inner, ROOT_VARIABLE if root else JOB_VARIABLE))


def evaluate_runtime(expression: RuntimeExpression, context: RunContext, counter: Counter) -> Value:
    """Raises ExpressionError. For a variable's text use `evaluate_runtime_text`."""
    return evaluate(expression.tree, environment(context, {"counter": Function("counter", 1, 2, _counting(counter))}))


def evaluate_runtime_text(expression: RuntimeExpression, context: RunContext, counter: Counter) -> str:
    """The text a variable gets: missing is empty, Booleans are True and False. Raises ExpressionError."""
    return to_text(evaluate_runtime(expression, context, counter))


def _counting(counter: Counter) -> Callable[[Sequence[Thunk]], Value]:
    def call(arguments: Sequence[Thunk]) -> Value:
        seed = int(to_number(arguments[1]())) if len(arguments) > 1 else 0
        return str(counter(to_text(arguments[0]()), seed))

    return call
