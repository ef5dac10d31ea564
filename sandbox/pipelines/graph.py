"""The dependency graph of stages, or of one stage's jobs: what the service refuses, in its words and order.

First no starting node (and then nothing else, as the service stops there), then every edge of a cycle, then unknown
names. Sources: azure-pipelines contract, 2.6; the sentences are the service's resource strings.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sandbox.pipelines.errors import Mark, Problems


@dataclass(frozen=True, slots=True)
class Vertex:
    """A stage or job in its graph. Names fold case."""

    name: str
    depends_on: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Words:
    """How sentences about one graph begin: `Stage B`, `Job B`, or `Stage A job B`."""

    kind: str
    prefix: str = ""

    def title(self, name: str) -> str:
        return f"{self.prefix} {self.kind} {name}" if self.prefix else f"{self.kind.capitalize()} {name}"

    @property
    def whole(self) -> str:
        return self.prefix or "The pipeline"


def check(vertices: Sequence[Vertex], words: Words, problems: Problems) -> None:
    """Add what is wrong with a graph to the problems."""
    if not vertices:
        return
    edges = {one.name.lower(): tuple(name.lower() for name in one.depends_on) for one in vertices}
    if all(one.depends_on for one in vertices):
        message = f"{words.whole} must contain at least one {words.kind} with no dependencies."
        problems.add(message, vertices[0].mark, _no_start_help(vertices, words))
        return
    names = {one.name.lower(): one.name for one in vertices}
    for vertex, target in _edges(vertices):
        if target.lower() in names and vertex.name.lower() in _reached(edges, target.lower()):
            other = f"depends on {words.kind} {names[target.lower()]} which creates a cycle in the dependency graph."
            problems.add(
                f"{words.title(vertex.name)} {other}", vertex.mark, "Remove one of the dependsOn in the circle."
            )
    for vertex, target in _edges(vertices):
        if target.lower() not in names:
            message = f"{words.title(vertex.name)} depends on unknown {words.kind} {target}."
            problems.add(message, vertex.mark, _unknown_help(target, names, words))


def in_order(vertices: Sequence[Vertex]) -> list[str]:
    """Names so that each comes after what it depends on; the graph has been checked."""
    waiting = list(vertices)
    done: dict[str, str] = {}
    while waiting:
        ready = [one for one in waiting if all(name.lower() in done for name in one.depends_on)]
        if not ready:
            raise AssertionError("a graph with a cycle passed its check")
        done |= {one.name.lower(): one.name for one in ready}
        waiting = [one for one in waiting if one.name.lower() not in done]
    return list(done.values())


def _edges(vertices: Sequence[Vertex]) -> Iterator[tuple[Vertex, str]]:
    return ((one, target) for one in vertices for target in one.depends_on)


def _reached(edges: Mapping[str, tuple[str, ...]], start: str) -> set[str]:
    found = {start}
    waiting = [start]
    while waiting:
        for name in edges.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _no_start_help(vertices: Sequence[Vertex], words: Words) -> str:
    names = {one.name.lower() for one in vertices}
    unknown = [target for _, target in _edges(vertices) if target.lower() not in names]
    if unknown and words.kind == "job":
        return f"'{unknown[0]}' is no job of this stage: a job's dependsOn names jobs of its own stage only."
    return f"Let one {words.kind} start at once: leave out its dependsOn, or write `dependsOn: []`."


def _unknown_help(target: str, names: Mapping[str, str], words: Words) -> str:
    near = difflib.get_close_matches(target.lower(), list(names), 1, 0.6)
    if near:
        return f"The nearest name is '{names[near[0]]}'."
    known = ", ".join(f"'{name}'" for name in names.values())
    return f"A dependsOn names the {words.kind}'s own name, not its displayName; known here: {known}."
