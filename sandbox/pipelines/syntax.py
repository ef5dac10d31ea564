"""Text to `Node`: YAML with positions, order and every key, and nothing interpreted.

Every scalar is text (`yes`, `on`, `1.0` stay what was written); `plain` remembers whether it was quoted. Built on
PyYAML's events because its composer drops the anchors that the service refuses at their definition, and its loaders
drop the second of two equal `${{ if }}` keys. Source of the rules: azure-pipelines contract, 2.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from sandbox.pipelines.errors import LoadError, Mark, Problem, Problems

LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)  # libyaml when it is there: ten times quicker
EXPRESSION_START = "${{"
MOST_DEPTH = 100


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A text. `plain` is false when it was quoted or a block; `broken` stands in for a value whose expression failed,
    so that one mistake is reported once."""

    mark: Mark
    text: str
    plain: bool = True
    broken: bool = False


@dataclass(frozen=True, slots=True)
class SequenceNode:
    mark: Mark
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Pairs in authored order; directive keys (`${{ if ... }}`) may occur more than once."""

    mark: Mark
    pairs: tuple[tuple[ScalarNode, "Node"], ...]

    def get(self, key: str) -> "Node | None":
        """The value of a key, whose case must match."""
        return next((value for name, value in self.pairs if name.text == key), None)


Node = ScalarNode | SequenceNode | MappingNode


def compose(text: str, file: str) -> Node:
    """The one document of a file. Raises LoadError for broken YAML, anchors, merge keys, a second document and
    duplicate keys, each at its place."""
    problems = Problems()
    try:
        root = _Composer(yaml.parse(text, Loader=LOADER), file, problems).document()
    except yaml.MarkedYAMLError as error:
        raise LoadError([_broken_yaml(error, file, text)]) from error
    except yaml.YAMLError as error:
        raise LoadError([Problem(str(error), Mark(file))]) from error
    problems.raise_if_any()
    return root


def empty(node: Node | None) -> bool:
    """Whether a value was left out: `key:` with nothing after it."""
    return node is None or (isinstance(node, ScalarNode) and node.plain and node.text in ("", "null", "~"))


def _broken_yaml(error: yaml.MarkedYAMLError, file: str, text: str) -> Problem:
    at = error.problem_mark or error.context_mark
    mark = Mark(file, at.line + 1, at.column + 1) if at else Mark(file)
    sentence = ", ".join(part for part in (error.context, error.problem) if part)
    return Problem(f"{sentence[:1].upper()}{sentence[1:]}.", mark, _yaml_help(text, mark.line))


def _yaml_help(text: str, line: int) -> str:
    lines = text.splitlines()
    seen = lines[line - 1] if 0 < line <= len(lines) else ""
    if "\t" in seen:
        return "A tab is in this line: YAML is indented with spaces only."
    if seen.lstrip().startswith("- ${{") or EXPRESSION_START in seen:
        return "A directive such as `${{ if ... }}` is a key: it ends with a colon, and its body is indented below."
    return "Compare the indentation of this line and the one above: items of one list or mapping start in one column."


class _Composer:
    """Builds nodes from events. Lives for one document."""

    def __init__(self, events: Iterator[Any], file: str, problems: Problems) -> None:
        self._events = events
        self._file = file
        self._problems = problems
        self._depth = 0

    def document(self) -> Node:
        next(self._events)
        first = next(self._events)
        if isinstance(first, yaml.StreamEndEvent):
            return MappingNode(Mark(self._file, 1, 1), ())
        root = self._node(next(self._events))
        next(self._events)
        if not isinstance(next(self._events), yaml.StreamEndEvent):
            help = "A pipeline file is one YAML document: remove the second `---` and what follows."
            self._problems.add("Expected stream end parse event", Mark(self._file), help)
        return root

    def _node(self, event: Any) -> Node:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            help = f"A file nests at most {MOST_DEPTH} levels here."
            raise LoadError([Problem("Maximum object depth exceeded", Mark(self._file), help)])
        node = self._read(event)
        self._depth -= 1
        return node

    def _read(self, event: Any) -> Node:
        mark = Mark(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor:
            self._refuse_anchor(event.anchor)
        if isinstance(event, yaml.AliasEvent):
            return ScalarNode(mark, "", broken=True)
        if isinstance(event, yaml.ScalarEvent):
            return ScalarNode(mark, event.value, event.style in (None, ""))
        if isinstance(event, yaml.SequenceStartEvent):
            return SequenceNode(mark, tuple(self._items()))
        return MappingNode(mark, tuple(self._pairs()))

    def _items(self) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event)

    def _pairs(self) -> Iterator[tuple[ScalarNode, Node]]:
        seen: set[str] = set()
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, value = self._node(event), self._node(next(self._events))
            if not isinstance(key, ScalarNode):
                self._problems.add("Expected a scalar value", key.mark, "A key is a plain text, not a list or mapping.")
                continue
            folded = key.text.lower()
            if folded in seen and not is_directive_key(key.text):
                help = "Each key stands once in a mapping, whatever its case; keep one of the two."
                self._problems.add(f"'{key.text}' is already defined", key.mark, help)
            elif key.text == "<<" and not (isinstance(value, ScalarNode) and value.broken):
                self._problems.add("Unexpected value '<<'", key.mark, "Merge keys are not supported; use a template.")
            else:
                yield key, value
            seen.add(folded)

    def _refuse_anchor(self, anchor: str) -> None:
        message = f"Anchors are not currently supported. Remove the anchor '{anchor}'"
        self._problems.add(message, Mark(self._file), "Repeat the lines, or move them to a template with parameters.")


def is_directive_key(text: str) -> bool:
    """Whether a whole key is one `${{ }}`: such keys may repeat."""
    stripped = text.strip()
    return stripped.startswith(EXPRESSION_START) and stripped.endswith("}}")
