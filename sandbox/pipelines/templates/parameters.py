"""Parameter lists: declared, given, converted and checked (azure-pipelines contract, 2.4)."""

import difflib
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sandbox.pipelines.errors import Mark, Problems
from sandbox.pipelines.expressions.values import Array, Value
from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode, SequenceNode
from sandbox.pipelines.templates.scalars import holds_expression, pieces, to_value
from sandbox.pipelines.templates.shapes import KEYWORDS

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
    type_node = texts.get("type")
    allowed = (*ANYWHERE, *(ROOT_ONLY if root else TEMPLATE_ONLY))
    if type_node and type_node.text not in allowed:
        problems.add(f"Unexpected value '{type_node.text}'", type_node.mark, _type_help(type_node.text, allowed))
        return Declaration(texts["name"].text, "string", item.mark, default=ScalarNode(item.mark, "", broken=True))
    values = item.get("values")
    return Declaration(
        name=texts["name"].text if "name" in texts else "",
        type=type_node.text if type_node else "string",
        mark=item.mark,
        display_name=texts["displayName"].text if "displayName" in texts else "",
        default=_literal(item.get("default"), problems),
        values=tuple(one for one in values.items if isinstance(one, ScalarNode))
        if isinstance(values, SequenceNode)
        else (),
    )


def _type_help(text: str, allowed: tuple[str, ...]) -> str:
    same = next((one for one in allowed if one.lower() == text.lower()), None)
    return f"Types are matched exactly: write '{same}'." if same else f"Types here: {', '.join(allowed)}."


def _literal(node: Node | None, problems: Problems) -> Node | None:
    """A default as it is; a lone string literal expression is its text, any other expression a problem."""
    if isinstance(node, SequenceNode):
        return SequenceNode(node.mark, tuple(one for item in node.items if (one := _literal(item, problems))))
    if isinstance(node, MappingNode):
        pairs = tuple((key, one) for key, value in node.pairs if (one := _literal(value, problems)))
        return MappingNode(node.mark, pairs)
    if node is None or not holds_expression(node):
        return node
    parts = list(pieces(node.text))
    literal = LONE_STRING.fullmatch(parts[0].text)
    if len(parts) == 1 and literal:
        return ScalarNode(node.mark, literal.group(1).replace("''", "'"), plain=False)
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
    return to_value(node, typed=False)


def _structure(one: Declaration, node: Node, problems: Problems) -> Value:
    """Steps, jobs, stages, containers: whether they look like it; binding looks closer where they are used."""
    word = one.type[:1].upper() + one.type[1:]
    items = node.items if isinstance(node, SequenceNode) else (node,)
    listed = one.type.endswith("List")
    if listed and not isinstance(node, SequenceNode):
        wrong: Node | None = node
    else:
        keywords = KEYWORDS[one.type.removesuffix("List")]
        wrong = next((item for item in items if not _looks_like(item, keywords)), None)
    if wrong is None or (one.type == "containerList" and not items):
        return to_value(node, typed=False)
    first = wrong.pairs[0][0] if isinstance(wrong, MappingNode) and wrong.pairs else wrong
    problems.add(f"The '{one.name}' parameter is not a valid {word}.", one.mark, _structure_help(one))
    problems.add(f"Unexpected value '{first.text if isinstance(first, ScalarNode) else ''}'", first.mark)
    return Array() if listed else None


def _structure_help(one: Declaration) -> str:
    begins = " or ".join(f"`{word}:`" for word in KEYWORDS[one.type.removesuffix("List")][:4])
    return f"Each {one.type.removesuffix('List')} begins with {begins} ..."


def _looks_like(node: Node, keywords: tuple[str, ...]) -> bool:
    return isinstance(node, MappingNode) and bool(node.pairs) and node.pairs[0][0].text in (*keywords, "template")


def _first(node: Node) -> Mark:
    """Where the content of a value begins."""
    if isinstance(node, MappingNode) and node.pairs:
        return node.pairs[0][0].mark
    return node.items[0].mark if isinstance(node, SequenceNode) and node.items else node.mark
