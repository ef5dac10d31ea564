"""Texts with `${{ }}` in them: found, parsed, evaluated, and put back as nodes (azure-pipelines contract, 2.4)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sandbox.pipelines.errors import ExpressionError, Mark
from sandbox.pipelines.expressions.values import Array, Object, Value, Version, is_simple, to_text
from sandbox.pipelines.syntax import EXPRESSION_START, MappingNode, Node, ScalarNode, SequenceNode

NOT_CLOSED: Final = (
    "The expression is not closed. An unescaped ${{ sequence was found, but the closing }} sequence was not found."
)
STRING = re.compile(r"'(?:[^']|'')*'")
QUOTE_OR_CLOSE = re.compile(r"'|\}\}")
TYPED_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")
TYPED_BOOLEAN: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text: literal, or the trimmed inside of one `${{ }}`."""

    text: str
    is_expression: bool


def pieces(text: str) -> Iterator[Piece]:
    """Raises ExpressionError when an expression is not closed."""
    position = 0
    while (start := text.find(EXPRESSION_START, position)) >= 0:
        if start > position:
            yield Piece(text[position:start], False)
        end = _close(text, start + len(EXPRESSION_START))
        yield Piece(text[start + len(EXPRESSION_START) : end - 2].strip(), True)
        position = end
    if position < len(text):
        yield Piece(text[position:], False)


def as_expression(parts: list[Piece]) -> str:
    """One expression for a whole text: itself when it is alone, else the `format` call that the service makes of it."""
    if len(parts) == 1:
        return parts[0].text
    template: list[str] = []
    arguments: list[str] = []
    for part in parts:
        if part.is_expression:
            template.append(f"{{{len(arguments)}}}")
            arguments.append(part.text)
        else:
            template.append(part.text.replace("'", "''").replace("{", "{{").replace("}", "}}"))
    return f"format('{''.join(template)}', {', '.join(arguments)})"


def to_node(value: Value, mark: Mark) -> Node:
    """A value as syntax. What came from syntax goes back as it was, with its own places."""
    if isinstance(value, Array):
        if isinstance(value.source, SequenceNode):
            return value.source
        return SequenceNode(mark, tuple(to_node(one, mark) for one in value.items))
    if isinstance(value, Object):
        if isinstance(value.source, MappingNode):
            return value.source
        pairs = ((ScalarNode(mark, name), to_node(one, mark)) for name, one in value.entries.items())
        return MappingNode(mark, tuple(pairs))
    return ScalarNode(mark, to_text(value), plain=not isinstance(value, str))


def to_value(node: Node, typed: bool = False, keep_places: bool = False) -> Value:
    """Syntax as a value. Leaves are text; with `typed`, as in an `object` parameter, unquoted booleans and decimals are
    not. With `keep_places` what is put back later stands where it stood; without, where it is put."""
    source = node if keep_places else None
    if isinstance(node, SequenceNode):
        return Array(tuple(to_value(one, typed, keep_places) for one in node.items), source=source)
    if isinstance(node, MappingNode):
        return Object({key.text: to_value(value, typed, keep_places) for key, value in node.pairs}, source=source)
    if not typed or not node.plain:
        return node.text
    if node.text in TYPED_BOOLEAN:
        return TYPED_BOOLEAN[node.text]
    return Decimal(node.text) if TYPED_NUMBER.fullmatch(node.text) else node.text


def holds_expression(node: Node) -> bool:
    """Whether a scalar has `${{` in it."""
    return isinstance(node, ScalarNode) and EXPRESSION_START in node.text


def shown(value: Value) -> str:
    """A value within a message."""
    return to_text(value) if is_simple(value) or isinstance(value, Version) else type(value).__name__


def _close(text: str, position: int) -> int:
    """Where an expression ends; a `}}` within quotes does not end it."""
    while found := QUOTE_OR_CLOSE.search(text, position):
        if found.group(0) == "}}":
            return found.end()
        string = STRING.match(text, found.start())
        if string is None:
            break
        position = string.end()
    raise ExpressionError(NOT_CLOSED, "Close it with }}, and a quote within it by a second one.")
