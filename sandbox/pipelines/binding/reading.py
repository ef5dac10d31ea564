"""Reading typed values out of nodes; what does not fit is a problem in the service's words, at its mark."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from sandbox.pipelines.errors import Mark, Problems
from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode, SequenceNode, empty

IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAME_RULE: Final = (
    "has an invalid name. Valid names may only contain alphanumeric characters and '_' and may not start with a number."
)
FLAGS: Final[Mapping[str, bool]] = {"true": True, "false": False}
Read = TypeVar("Read")


class Fields:
    """The keys of one mapping while it is read. `finish` reports what nobody asked for."""

    def __init__(self, node: Node, problems: Problems) -> None:
        self.problems = problems
        self.mark = node.mark
        self._asked: list[str] = []
        self._values: dict[str, Node] = {}
        self.marks: dict[str, Mark] = {}
        self._keys: dict[str, ScalarNode] = {}
        if isinstance(node, MappingNode):
            self._values = {key.text: value for key, value in node.pairs}
            self.marks = {key.text: value.mark for key, value in node.pairs}
            self._keys = {key.text: key for key, _ in node.pairs}
        elif not is_broken(node):
            problems.add("Expected a mapping", node.mark, "Write keys with a colon here, one per line.")

    def first(self) -> str:
        return next(iter(self._values), "")

    def has(self, key: str) -> bool:
        return key in self._values

    def key_mark(self, key: str) -> Mark:
        return self._keys[key].mark if key in self._keys else self.mark

    def only(self, keys: Sequence[str]) -> "Fields":
        """A view of some keys, counted as asked for here."""
        self._asked.extend(keys)
        view = Fields(MappingNode(self.mark, ()), self.problems)
        view._values = {key: value for key, value in self._values.items() if key in keys}
        view.marks = {key: mark for key, mark in self.marks.items() if key in keys}
        view._keys = {key: node for key, node in self._keys.items() if key in keys}
        return view

    def node(self, key: str) -> Node | None:
        """The value as it is; None when it is absent, left empty, or stands for a failed expression."""
        self._asked.append(key)
        found = self._values.get(key)
        return None if found is None or empty(found) or is_broken(found) else found

    def text(self, key: str) -> str:
        """A scalar's text, or empty."""
        self._asked.append(key)
        found = self._values.get(key)
        return read_text(found, self.problems) if found is not None else ""

    def flag(self, key: str, default: bool) -> bool:
        found = self.node(key)
        return default if found is None else read_flag(found, self.problems, default)

    def number(self, key: str) -> str:
        """A whole number's text, or a text with macros or `$[ ]` that the run will tell."""
        text = self.text(key)
        if text and not text.strip().isdigit() and "$" not in text:
            self.problems.add(f"Unexpected value '{text}'", self.marks[key], f"'{key}' is a whole number.")
            return ""
        return text.strip()

    def names(self, key: str) -> tuple[str, ...] | None:
        """A text or a list of texts; None when absent, and no names when empty."""
        self._asked.append(key)
        found = self._values.get(key)
        return None if found is None else read_texts(found, self.problems)

    def texts(self, key: str) -> dict[str, str]:
        """A mapping of texts."""
        found = self.node(key)
        return {} if found is None else read_text_mapping(found, self.problems)

    def list(self, key: str, read: Callable[[Node], Read | None]) -> tuple[Read, ...]:
        """Items of a list, each read; those that could not be read are left out."""
        found = self.node(key)
        if found is None:
            return ()
        if not isinstance(found, SequenceNode):
            self.problems.add("Expected a sequence", found.mark, f"`{key}:` holds a list: each item begins with `- `.")
            return ()
        items = (read(item) for item in found.items if not is_broken(item))
        return tuple(one for one in items if one is not None)

    def finish(self, ignored: Sequence[str] = (), hint: Mapping[str, str] | None = None) -> None:
        """Report unknown keys. `ignored` are accepted without a meaning here; `hint` explains classic mistakes."""
        allowed = {*self._asked, *ignored}
        for name, key in self._keys.items():
            if name in allowed or key.broken:
                continue
            help = (hint or {}).get(name) or _near(name, allowed)
            self.problems.add(f"Unexpected value '{name}'", key.mark, help)


def is_broken(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.broken


def read_text(node: Node, problems: Problems) -> str:
    if isinstance(node, ScalarNode):
        return node.text
    word = "sequence" if isinstance(node, SequenceNode) else "mapping"
    problems.add(f"A {word} was not expected", node.mark, "One text is expected here.")
    return ""


def read_flag(node: Node, problems: Problems, default: bool = False) -> bool:
    text = read_text(node, problems)
    value = FLAGS.get(text.strip().lower())
    if value is None and text:
        problems.add(f"Unexpected value '{text}'", node.mark, "Write true or false.")
    return default if value is None else value


def read_texts(node: Node, problems: Problems) -> tuple[str, ...]:
    """A text, or a list of texts; an empty text is none."""
    if isinstance(node, SequenceNode):
        return tuple(text for item in node.items if (text := read_text(item, problems)))
    text = read_text(node, problems)
    return (text,) if text else ()


def read_text_mapping(node: Node, problems: Problems) -> dict[str, str]:
    if isinstance(node, MappingNode):
        return {key.text: read_text(value, problems) for key, value in node.pairs}
    if not is_broken(node):
        problems.add("Expected a mapping", node.mark, "Write `name: value` lines here.")
    return {}


def pairs_of(node: Node | None, problems: Problems) -> Iterator[tuple[ScalarNode, Node]]:
    """Pairs of a mapping; none when it is absent."""
    if isinstance(node, MappingNode):
        yield from node.pairs
    elif node is not None and not is_broken(node):
        problems.add("Expected a mapping", node.mark)


def check_identifier(title: str, name: str, mark: Mark, problems: Problems) -> None:
    if name and not IDENTIFIER.fullmatch(name):
        help = "Put a readable title into displayName, and keep the name plain."
        problems.add(f"{title} {NAME_RULE}", mark, help)


def _near(name: str, allowed: set[str]) -> str:
    same = next((one for one in allowed if one.lower() == name.lower()), "")
    near = [same] if same else difflib.get_close_matches(name, allowed, 1, 0.6)
    if near:
        return f"The nearest key that is allowed here is '{near[0]}'."
    return f"Keys allowed here: {', '.join(sorted(allowed))}. Check the indentation."
