"""Operation tables and the router that matches them.

The route table is the product's index: every operation has a name, and coverage, faults, logs and the
501 answer hang on that name. Templates match case-insensitively, because ARM clients spell `resourceGroups`
and `resourcegroups` for one resource (azure-machine-learning.md, b).
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.wire.call import Call
from sandbox.wire.reply import Reply

Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Operation:
    """One thing a client can ask for.

    `template` has literal segments, `{name}` for one segment, `{name}.suffix` for a segment with a fixed end and
    `{name+}` for the rest of the path. `when` lists query values that must be there (Blob tells its operations
    apart by `comp` and `restype`). `anonymous` operations need no bearer token.
    """

    name: str
    method: str
    template: str
    handler: Handler
    dialect: str = "arm"
    when: Mapping[str, str] = field(default_factory=dict)
    anonymous: bool = False


@dataclass
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    suffixes: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    rest: "_Node | None" = None
    operations: dict[str, list[tuple[Operation, tuple[str, ...]]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """An operation and the values of its template."""

    operation: Operation
    params: Mapping[str, str]


class Router:
    """A tree of path segments: a literal wins over a suffix, a suffix over a parameter, a parameter over the rest."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = tuple(operations)
        self._root = _Node()
        for operation in self.operations:
            self._add(operation)

    def _add(self, operation: Operation) -> None:
        node, names = self._root, []
        for segment in _segments(operation.template):
            node, name = _descend(node, segment)
            names += [name] if name else []
        found = node.operations.setdefault(operation.method, [])
        found.append((operation, tuple(names)))
        found.sort(key=lambda pair: -len(pair[0].when))

    def match(self, method: str, path: str, query: Mapping[str, str]) -> Match | None:
        """The operation that answers, or None."""
        for node, values in _walk(self._root, _segments(path), 0, ()):
            for operation, names in node.operations.get(method, ()):
                if all(query.get(key) == value for key, value in operation.when.items()):
                    return Match(operation, dict(zip(names, values, strict=True)))
        return None

    def nearest(self, method: str, path: str) -> str:
        """The name and template of the operation that looks most like this request: for the 501 answer and the log."""
        candidates = {f"{operation.method} {operation.template}": operation.name for operation in self.operations}
        close = difflib.get_close_matches(f"{method} {path}", candidates, n=1, cutoff=0.0)
        return f"{candidates[close[0]]} ({close[0]})" if close else "none"


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.strip("/").split("/"))


def _descend(node: _Node, segment: str) -> tuple[_Node, str | None]:
    if not segment.startswith("{"):
        return node.literals.setdefault(segment.lower(), _Node()), None
    name, suffix = segment[1:].split("}", 1)
    if name.endswith("+"):
        node.rest = node.rest or _Node()
        return node.rest, name[:-1]
    if suffix:
        return node.suffixes.setdefault(suffix.lower(), _Node()), name
    node.parameter = node.parameter or _Node()
    return node.parameter, name


def _walk(
    node: _Node, segments: tuple[str, ...], index: int, values: tuple[str, ...]
) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    if index == len(segments):
        yield node, values
        return
    segment = segments[index]
    lowered = segment.lower()
    if lowered in node.literals:
        yield from _walk(node.literals[lowered], segments, index + 1, values)
    for suffix, child in node.suffixes.items():
        if lowered.endswith(suffix):
            yield from _walk(child, segments, index + 1, (*values, segment[: -len(suffix)]))
    if node.parameter and segment:
        yield from _walk(node.parameter, segments, index + 1, (*values, segment))
    if node.rest:
        yield node.rest, (*values, "/".join(segments[index:]))
