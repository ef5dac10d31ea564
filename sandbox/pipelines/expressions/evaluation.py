"""A tree and an environment to a value, and to the text that shows how it came about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.pipelines.errors import ExpressionError
from sandbox.pipelines.expressions.functions import GENERAL
from sandbox.pipelines.expressions.grammar import Call, Expression, Literal, Name
from sandbox.pipelines.expressions.slots import Function
from sandbox.pipelines.expressions.values import Array, Object, Value, is_simple, kind, members, to_number, to_text


@dataclass(frozen=True, slots=True)
class Environment:
    """What names and functions mean for one evaluation. Keys are lower case; a name that is absent is Null."""

    names: Mapping[str, Value] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=lambda: GENERAL)


def evaluate(tree: Expression, environment: Environment) -> Value:
    """Raises ExpressionError when values do not fit."""
    if isinstance(tree, Literal):
        return tree.value
    if isinstance(tree, Name):
        return environment.names.get(tree.text.lower())
    if isinstance(tree, Call):
        function = environment.functions.get(tree.function.lower())
        if function is None:
            raise ExpressionError(f"Unrecognized value: '{tree.function}'")
        return function.call([lambda one=one: evaluate(one, environment) for one in tree.arguments])  # type: ignore[misc]
    target = evaluate(tree.target, environment)
    if tree.key is None:
        return _all_members(target)
    return _member(target, evaluate(tree.key, environment))


def explain(tree: Expression, environment: Environment) -> str:
    """The expression with its names replaced by their values, as the service's log shows a condition."""
    if isinstance(tree, Literal):
        return _shown(tree.value)
    if isinstance(tree, Call) and tree.arguments:
        inner = ", ".join(explain(one, environment) for one in tree.arguments)
        return f"{tree.function}({inner})"
    try:
        return _shown(evaluate(tree, environment))
    except ExpressionError as error:
        return f"<{error.message}>"


def _all_members(target: Value) -> Array:
    """`*`: the members, or of a filtered array the members of its items."""
    if isinstance(target, Array) and target.filtered:
        return Array(tuple(one for item in target.items for one in members(item)), filtered=True)
    return Array(tuple(members(target)), filtered=True)


def _member(target: Value, key: Value) -> Value:
    if isinstance(target, Array) and target.filtered:
        found = (_member(one, key) for one in target.items if not is_simple(one))
        return Array(tuple(one for one in found if one is not None), filtered=True)
    if isinstance(target, Object):
        return target.get(to_text(key)) if is_simple(key) else None
    if isinstance(target, Array) and is_simple(key):
        return _item(target, key)
    return None


def _item(target: Array, key: Value) -> Value:
    try:
        index = to_number(key)
    except ExpressionError:
        return None
    return target.items[int(index)] if 0 <= index < len(target.items) else None


def _shown(value: Value) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool | Decimal):
        return to_text(value)
    if not is_simple(value):
        return kind(value)
    text = to_text(value).replace("'", "''")
    return f"'{text}'"
