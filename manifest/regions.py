"""Marked regions of a text: find them, read one, replace one. Pure functions; a text is not a file here.

A marker is a comment line of its own, `# --8<-- [start:m7-honest-errors]` and `# --8<-- [end:m7-honest-errors]`: the
form in which pymdownx.snippets includes a section, so that the pages show the same regions that `labs/` is cut at.
"""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from manifest.errors import RegionError
from manifest.model import PIPELINE, Region

MARKER = re.compile(r"^([ \t]*)(?:#|//|<!--)[ \t]*--8<--[ \t]*\[(start|end):([a-z0-9-]+)\][ \t]*(?:-->)?[ \t]*\r?\n?$")
LOOKS_LIKE_A_MARKER = re.compile(r"--8<--[ \t]*\[")
TO_LABS = (
    (re.compile(r"(?<![\w/.-])solution/azure-pipelines\.yml"), PIPELINE),
    (re.compile(r"(?<![\w/.-])solution/"), "labs/"),
    (re.compile(r"^([ \t]*- )solution(?=\r?$)", re.MULTILINE), r"\1labs"),
)
TEMPLATE = re.compile(r"^([ \t]*- template: )(?=pipelines/)", re.MULTILINE)


@dataclass(frozen=True)
class Span:
    """Where a region lies: the lines of its two markers, counted from 0, and their indentation."""

    id: str
    start: int
    end: int
    indentation: str

    def holds(self, other: "Span") -> bool:
        """Whether another region lies inside this one."""
        return self.start < other.start and other.end < self.end


def list_regions(text: str) -> tuple[Span, ...]:
    """The regions of a text in the order of their start. Raises RegionError, with the line, for markers that do not
    pair, an id that is used twice, or a line that is nearly a marker.
    """
    opened: list[tuple[str, int, str]] = []
    found: dict[str, Span] = {}
    for number, line in enumerate(text.splitlines(keepends=True)):
        marker = MARKER.match(line)
        if marker is None:
            _refuse_near_marker(line, number)
            continue
        indentation, side, identity = marker.groups()
        if side == "start":
            if identity in found or any(identity == one for one, _, _ in opened):
                raise RegionError(number + 1, f"a second start of {identity}", "every region once")
            opened.append((identity, number, indentation))
            continue
        if not opened or opened[-1][0] != identity:
            expected = f"the end of {opened[-1][0]}" if opened else "a start before it"
            raise RegionError(number + 1, f"the end of {identity}", expected)
        _, start, indentation = opened.pop()
        found[identity] = Span(identity, start, number, indentation)
    if opened:
        raise RegionError(opened[-1][1] + 1, f"the start of {opened[-1][0]} without its end", "both markers")
    return tuple(sorted(found.values(), key=lambda span: span.start))


def get_region(text: str, identity: str) -> str:
    """The lines between the two markers, as they are. Raises RegionError when there is no such region."""
    span = _find(text, identity)
    return "".join(text.splitlines(keepends=True)[span.start + 1 : span.end])


def replace_region(text: str, identity: str, body: str, indentation: str = "") -> str:
    """The text with another body between the markers. The body comes at `indentation` and gets that of the marker.

    Its line ends become the text's. Raises RegionError when there is no such region.
    """
    span, lines = _find(text, identity), text.splitlines(keepends=True)
    ending = "\r\n" if lines[span.start].endswith("\r\n") else "\n"
    fitted = [line.rstrip("\r\n") + ending for line in _indent(body, indentation, span.indentation).splitlines()]
    return "".join((*lines[: span.start + 1], *fitted, *lines[span.end :]))


def copy_region(text: str, identity: str, source: str) -> str:
    """The text with a region as another text has it. Raises RegionError when either has no such region."""
    return replace_region(text, identity, get_region(source, identity), _find(source, identity).indentation)


def cut(text: str, regions: Iterable[Region]) -> str:
    """The text with each of these regions in its starter state; the markers stay.

    A region that another one holds goes with it. Raises RegionError for one that the text has not got.
    """
    spans = {span.id: span for span in list_regions(text)}
    wanted = {region.id: region for region in regions}
    for identity in wanted:
        _require(identity, spans)
    for identity, region in wanted.items():
        if not any(spans[other].holds(spans[identity]) for other in wanted):
            text = replace_region(text, identity, region.starter)
    return text


def holders(text: str, identity: str) -> tuple[str, ...]:
    """The regions of a text that hold this one, the outermost first. Raises RegionError when it is not there."""
    span = _find(text, identity)
    return tuple(other.id for other in list_regions(text) if other.holds(span))


def rewrite(text: str, file: str = "") -> str:
    """A text of the solution with its paths as the attendee has them: solution/ is labs/, the pipeline is in the root.

    `file` is the text's own name: the paths of templates are relative to it, and the pipeline is the one that moves.
    """
    for pattern, replacement in TO_LABS:
        text = pattern.sub(replacement, text)
    return TEMPLATE.sub(r"\1labs/", text) if file == PIPELINE else text


def _find(text: str, identity: str) -> Span:
    return _require(identity, {span.id: span for span in list_regions(text)})


def _require(identity: str, spans: dict[str, Span]) -> Span:
    if identity not in spans:
        raise RegionError(0, f"no region {identity}; there is {', '.join(spans) or 'none'}", "its two markers")
    return spans[identity]


def _refuse_near_marker(line: str, number: int) -> None:
    if LOOKS_LIKE_A_MARKER.search(line):
        raise RegionError(number + 1, f"`{line.strip()}`", "a comment of its own: # --8<-- [start:m7-some-name]")


def _indent(body: str, seen: str, wanted: str) -> str:
    """A body moved from one indentation to another; untouched when it is there, so that no text inside it changes."""
    if seen == wanted:
        return body
    lines = body.splitlines(keepends=True)
    if all(line.startswith(seen) or not line.strip() for line in lines):
        return "".join(wanted + line[len(seen) :] if line.strip() else line for line in lines)
    return textwrap.indent(textwrap.dedent(body), wanted)
