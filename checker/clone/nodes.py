"""YAML as nodes that know their place: PyYAML's `compose`, and the few questions that are asked of its nodes."""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from checker.clone.indentation import Misplaced, misplaced_step

DIRECTIVE = "${{"


@dataclass(frozen=True)
class Place:
    """Where something stands: the file, and line and column from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(frozen=True)
class Problem:
    """Something that the pipeline's file must not have, and the hints that belong to it, from nudge to solution."""

    place: Place
    seen: str
    expected: str
    hints: tuple[str, ...]


class Unreadable(Exception):
    """A file that is no YAML; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.seen)
        self.problem = problem


def compose(text: str, file: str) -> yaml.Node | None:
    """The root node of a document; None for an empty one. Raises Unreadable."""
    loader = yaml.SafeLoader(text)
    loader.name = file
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_problem(text, file, error)) from error
    except yaml.YAMLError as error:
        place = Place(file, 1)
        raise Unreadable(Problem(place, str(error), "YAML", ("A character that YAML does not take.",))) from error


def _problem(text: str, file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1)
    tab = _tab_in_indentation(text, place.line)
    if tab is not None or "\\t" in str(error.problem):
        place = Place(file, tab.line, tab.column) if tab else place
        hints = (
            f"YAML wants spaces: there is a tab in line {place.line}, column {place.column}.",
            "Set your editor to write spaces for a tab, and to show both.",
            f"Replace the tab in line {place.line} by the spaces of the line above.",
        )
        return Problem(place, f"a tab in column {place.column}", "spaces in front of every line", hints)
    misplaced = misplaced_step(text, place.line)
    if misplaced is not None:
        return _misplaced(file, misplaced)
    said = " ".join(filter(None, (error.context, error.problem)))
    return Problem(
        place,
        f"column {place.column}: {said}",
        "YAML that can be read",
        (
            "Compare the indentation with the lines above.",
            "A colon, a quotation mark or a bracket without its other half is the usual reason.",
        ),
    )


def _misplaced(file: str, found: Misplaced) -> Problem:
    seen = f"`{found.word}` found where a `{found.expected}` is expected"
    return Problem(
        Place(file, found.line),
        seen,
        f"a `{found.word}` as far in as the steps around it",
        (
            f"{seen}, line {found.line}.",
            "Indentation says what belongs to what: compare the spaces in front of it with those of its neighbours.",
        ),
    )


def _tab_in_indentation(text: str, upto: int) -> Place | None:
    """The nearest line, not after `upto`, whose indentation has a tab."""
    lines = text.splitlines()[:upto]
    for number in range(len(lines), max(0, len(lines) - 3), -1):
        indentation = lines[number - 1][: len(lines[number - 1]) - len(lines[number - 1].lstrip())]
        if "\t" in indentation:
            return Place("", number, indentation.index("\t") + 1)
    return None


def place(node: yaml.Node) -> Place:
    return Place(str(node.start_mark.name), node.start_mark.line + 1, node.start_mark.column + 1)


def pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    """The entries of a mapping; none of anything else."""
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def items(node: yaml.Node | None) -> list[yaml.Node]:
    """The items of a list; those of a single thing are the thing, those of nothing are none."""
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    return [] if node is None or (isinstance(node, yaml.ScalarNode) and not node.value) else [node]


def entry(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """The value of a key, found in conditional blocks as well: `${{ if }}` may stand between."""
    for key, value in pairs(node):
        if scalar(key).lower() == name.lower():
            return value
        if scalar(key).startswith(DIRECTIVE) and (found := entry(value, name)) is not None:
            return found
    return None


def scalar(node: yaml.Node | None) -> str:
    """The text of a scalar, '' of anything else."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def keys(node: yaml.Node | None) -> list[yaml.Node]:
    """The keys of a mapping that are words, not directives."""
    return [key for key, _ in pairs(node) if not scalar(key).startswith(DIRECTIVE)]


def spread(nodes: list[yaml.Node]) -> Iterator[yaml.Node]:
    """The items of a list; those beneath `- ${{ if ... }}:` and `- ${{ each ... }}:` stand in its place.

    An item that is an expression as a whole, such as a parameter of steps, is not known before it is evaluated.
    """
    for node in nodes:
        if scalar(node).startswith(DIRECTIVE):
            continue
        found = pairs(node)
        if found and all(scalar(key).startswith(DIRECTIVE) for key, _ in found):
            for _, value in found:
                yield from spread(items(value))
        else:
            yield node


def scalars(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    """Every scalar value beneath a node with the keys that lead to it."""
    if isinstance(node, yaml.ScalarNode):
        yield path, node
    for key, value in pairs(node):
        yield from scalars(value, (*path, scalar(key)))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from scalars(item, path)
