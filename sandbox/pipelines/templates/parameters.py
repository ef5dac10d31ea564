"""Parameter lists: declared, given, converted and checked (azure-pipelines contract, 2.4)."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sandbox.pipelines.binding.jobs import bind_job
from sandbox.pipelines.binding.reading import read_text
from sandbox.pipelines.binding.root import bind_stage
from sandbox.pipelines.binding.steps import bind_step
from sandbox.pipelines.errors import ExpressionError, Mark, Problems
from sandbox.pipelines.expressions.values import Array, Value
from sandbox.pipelines.shorthands import BY_TYPE as WRITERS
from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode, SequenceNode
from sandbox.pipelines.templates.scalars import holds_expression, pieces, to_value

NOT_ALLOWED: Final = "A template expression is not allowed in this context"
ANYWHERE: Final = (
    "string",
    "number",
    "boolean",
    "object",
    "step",
    "stepList",
    "job",
    "jobList",
    "deployment",
    "deploymentList",
    "stage",
    "stageList",
    "stringList",
    "container",
    "containerList",
)
ROOT_ONLY: Final = ("environment", "filePath", "pool", "secureFile", "serviceConnection")
LOOSE: Final = frozenset({"object", "legacyObject", "pool"})
TEMPLATE_ONLY: Final = ("legacyObject",)
TEXT_TYPES: Final = frozenset({"string", *ROOT_ONLY} - LOOSE)
NUMBER: Final = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")
LONE_STRING: Final = re.compile(r"'((?:[^']|'')*)'")
KEYS: Final = ("name", "displayName", "type", "default", "values")


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declared parameter. `default` None means that a value must be given; `text_only` keeps leaves as text."""

    name: str
    type: str
    mark: Mark
    display_name: str = ""
    default: Node | None = None
    values: tuple[ScalarNode, ...] = ()


@dataclass(frozen=True, slots=True)
class Declarations:
    """A file's parameters. Not `listed` (no block, or the old mapping form) means lenient: anything may be given, and
    an unknown one is Null."""

    items: tuple[Declaration, ...] = ()
    listed: bool = False

    def find(self, name: str) -> Declaration | None:
        folded = name.lower()
        return next((one for one in self.items if one.name.lower() == folded), None)

    def nearest(self, name: str) -> str:
        near = difflib.get_close_matches(name.lower(), [one.name.lower() for one in self.items], 1, 0.6)
        known = ", ".join(f"'{one.name}'" for one in self.items) or "none"
        return f"The nearest name is '{near[0]}'." if near else f"Declared parameters: {known}."


def declare(node: Node | None, root: bool, problems: Problems) -> Declarations:
    """Read a `parameters:` block."""
    if isinstance(node, MappingNode):
        items = (Declaration(key.text, "legacyObject", key.mark, default=value) for key, value in node.pairs)
        return Declarations(tuple(items))
    if not isinstance(node, SequenceNode):
        return Declarations()
    found: dict[str, Declaration] = {}
    for item in node.items:
        one = _declaration(item, root, problems)
        if one and one.name.lower() in found:
            message = f"The '{one.name}' parameter is declared more than once in the parameter list."
            problems.add(message, one.mark, "Remove one of the two.")
        elif one:
            found[one.name.lower()] = one
    return Declarations(tuple(found.values()), listed=True)


def _declaration(item: Node, root: bool, problems: Problems) -> Declaration | None:
    if not isinstance(item, MappingNode) or not item.pairs:
        problems.add("Expected a mapping", item.mark, "A parameter is `- name: ...` with its type and default.")
        return None
    for index, (key, _) in enumerate(item.pairs):
        if key.text not in KEYS or (index == 0 and key.text != "name"):
            help = f"A parameter has the keys {', '.join(KEYS)}, and `name` comes first."
            problems.add(f"Unexpected value '{key.text}'", key.mark, help)
            return None
    texts = {key.text: value for key, value in item.pairs if isinstance(value, ScalarNode)}
    if "name" not in texts:
        read_text(item.pairs[0][1], problems)
        return None
    type_node = texts.get("type")
    allowed = (*ANYWHERE, *(ROOT_ONLY if root else TEMPLATE_ONLY))
    if type_node and type_node.text not in allowed:
        problems.add(f"Unexpected value '{type_node.text}'", type_node.mark, _type_help(type_node.text, allowed))
        return Declaration(texts["name"].text, "string", item.mark, default=ScalarNode(item.mark, "", broken=True))
    values = item.get("values")
    return Declaration(
        name=texts["name"].text,
        type=type_node.text if type_node else "string",
        mark=item.mark,
        display_name=texts["displayName"].text if "displayName" in texts else "",
        default=literal(item.get("default"), problems),
        values=tuple(one for one in values.items if isinstance(one, ScalarNode))
        if isinstance(values, SequenceNode)
        else (),
    )


def _type_help(text: str, allowed: tuple[str, ...]) -> str:
    same = next((one for one in allowed if one.lower() == text.lower()), None)
    return f"Types are matched exactly: write '{same}'." if same else f"Types here: {', '.join(allowed)}."


def literal(node: Node | None, problems: Problems) -> Node | None:
    """A default as it is; a lone string literal expression is its text, any other expression a problem."""
    if isinstance(node, SequenceNode):
        return SequenceNode(node.mark, tuple(one for item in node.items if (one := literal(item, problems))))
    if isinstance(node, MappingNode):
        pairs = tuple((key, one) for key, value in node.pairs if (one := literal(value, problems)))
        return MappingNode(node.mark, pairs)
    if node is None or not holds_expression(node):
        return node
    try:
        parts = list(pieces(node.text))
    except ExpressionError as error:
        problems.add(error.message, node.mark, error.help)
        return ScalarNode(node.mark, "", broken=True)
    lone = LONE_STRING.fullmatch(parts[0].text)
    if len(parts) == 1 and lone:
        return ScalarNode(node.mark, lone.group(1).replace("''", "'"), plain=False)
    problems.add(NOT_ALLOWED, node.mark, "A default is literal: move the expression to where the parameter is used.")
    return ScalarNode(node.mark, "", broken=True)


def convert(one: Declaration, node: Node, problems: Problems) -> Value:
    """A given or default value as the declared type; what does not fit is a problem at its place, and Null."""
    if isinstance(node, ScalarNode) and node.broken:
        return None
    if one.type in TEXT_TYPES or one.type in ("number", "boolean"):
        return _simple(one, node, problems)
    if one.type == "stringList":
        return _string_list(one, node, problems)
    if one.type in LOOSE:
        value = to_value(node, typed=one.type == "object")
        _check_value(one, node, problems)
        return value
    return _structure(one, node, problems)


def _simple(one: Declaration, node: Node, problems: Problems) -> Value:
    word = one.type.capitalize() if one.type in ("string", "number", "boolean") else "String"
    if not isinstance(node, ScalarNode):
        problems.add(f"The '{one.name}' parameter is not a valid {word}.", _first(node), _kind_help(one))
        return None
    value: Value = node.text
    if one.type == "number":
        value = Decimal(node.text.strip()) if NUMBER.fullmatch(node.text.strip()) else None
    elif one.type == "boolean":
        value = {"true": True, "false": False}.get(node.text.strip().lower())
    if value is None:
        message = f"The '{one.name}' parameter value '{node.text}' is not a valid {word}."
        problems.add(message, node.mark, _kind_help(one))
        return None
    _check_value(one, node, problems, value)
    return value


def _kind_help(one: Declaration) -> str:
    expected = {"boolean": "true or false", "number": "a plain number such as 0.25"}.get(one.type, "one text")
    return f"'{one.name}' is declared as {one.type}: give {expected}, or declare it as object."


def _check_value(
    one: Declaration, node: Node, problems: Problems, value: Value = None, mark: Mark | None = None
) -> None:
    if not one.values or not isinstance(node, ScalarNode):
        return
    allowed = [each.text for each in one.values]
    same = node.text in allowed
    if isinstance(value, Decimal):
        same = any(NUMBER.fullmatch(text) and Decimal(text) == value for text in allowed)
    elif isinstance(value, bool):
        same = any(text.lower() == str(value).lower() for text in allowed)
    if not same:
        message = f"The '{one.name}' parameter value '{node.text}' is not a valid value."
        problems.add(message, mark or node.mark, f"Allowed values, in this case: {', '.join(allowed)}.")


def _string_list(one: Declaration, node: Node, problems: Problems) -> Value:
    if not isinstance(node, SequenceNode):
        text = node.text if isinstance(node, ScalarNode) else ""
        problems.add(f"The '{one.name}' parameter value '{text}' is not a valid StringList.", node.mark, "Give a list.")
        return None
    for item in node.items:
        _check_value(one, item, problems, mark=node.mark)
    return to_value(node)


def _structure(one: Declaration, node: Node, problems: Problems) -> Value:
    """Steps, jobs, stages: bound to see whether they are, then written out, so that a template sees `task` and `inputs`
    where a shorthand was written."""
    item_type = one.type.removesuffix("List")
    items = node.items if isinstance(node, SequenceNode) else (node,)
    wrong = Problems()
    if one.type.endswith("List") and not isinstance(node, SequenceNode):
        shown = node.text if isinstance(node, ScalarNode) else ""
        wrong.add(f"Unexpected value '{shown}'", node.mark, f"A {one.type} is a list: each item begins with `- `.")
    else:
        for item in items:
            CHECKS[item_type](item, wrong)
    if not wrong:
        write = WRITERS.get(item_type, _as_it_is)
        return to_value(_map(node, write), keep_places=True)
    word = one.type[:1].upper() + one.type[1:]
    problems.add(f"The '{one.name}' parameter is not a valid {word}.", one.mark)
    for problem in wrong:
        problems.add(problem.message, problem.mark, problem.help)
    return Array() if one.type.endswith("List") else None


def _map(node: Node, write: Callable[[Node], Node]) -> Node:
    if isinstance(node, SequenceNode):
        return SequenceNode(node.mark, tuple(write(item) for item in node.items))
    return write(node)


def _as_it_is(node: Node) -> Node:
    return node


def _check_container(node: Node, problems: Problems) -> None:
    first = node.pairs[0][0] if isinstance(node, MappingNode) and node.pairs else node
    if isinstance(first, ScalarNode) and first.text != "container":
        problems.add(f"Unexpected value '{first.text}'", first.mark, "A container begins with `container:`.")


CHECKS: Final[Mapping[str, Callable[[Node, Problems], object]]] = {
    "step": lambda node, problems: bind_step(node, "", problems),
    "job": bind_job,
    "deployment": bind_job,
    "stage": bind_stage,
    "container": _check_container,
}


def _first(node: Node) -> Mark:
    """Where the content of a value begins."""
    if isinstance(node, MappingNode) and node.pairs:
        return node.pairs[0][0].mark
    return node.items[0].mark if isinstance(node, SequenceNode) and node.items else node.mark
