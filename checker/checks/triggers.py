"""What a pipeline's YAML says about itself at the top: which branches start it, and its variables.

The checker has no YAML library. What it reads here is the block form that the workshop teaches, with flow lists; of
anything else it says that it cannot read it, and never guesses.
"""

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass

from checker.clients.devops import short_branch

Node = str | list[str] | Mapping[str, "Node"]
Line = tuple[int, str]  # spaces before it, and the text
COMMENT = re.compile(r"(?:^|\s)#.*$")
KEY = re.compile(r"(?P<key>[A-Za-z_][\w.-]*)\s*:(?:\s+(?P<rest>.*))?$")
QUOTES = "'\""
NOT_PLAIN = ("{", "[", "&", "!", "|", ">")
EVERYTHING = ("*",)


class NotReadHere(Exception):
    """YAML that is beyond the forms this module reads."""


@dataclass(frozen=True)
class Trigger:
    """Branches whose pushes start the pipeline; no include at all is `trigger: none`. `paths` is the path filter, all
    of them where it is empty."""

    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    excluded_paths: tuple[str, ...] = ()

    def starts_on(self, branch: str) -> bool:
        return _any(self.include, branch) and not _any(self.exclude, branch)

    def includes(self, path: str) -> bool:
        """Whether the path filter's include names a file, whatever its exclude says."""
        return not self.paths or any(_covers(one, path) for one in self.paths)

    def takes(self, path: str) -> bool:
        """Whether a change of a file starts the pipeline, by the path filter: an include within an excluded folder
        goes before that exclude (azure-pipelines.md, 2.10)."""
        included = [one.strip("/") for one in self.paths if _covers(one, path)]
        folders = [f"{one.strip('/*')}/" for one in self.excluded_paths if _covers(one, path)]
        return self.includes(path) and all(any(one.startswith(within) for one in included) for within in folders)


def read_trigger(source: str) -> Trigger:
    """The trigger of a pipeline. Without the key every branch starts it (azure-devops.md, 5.1). Raises NotReadHere."""
    lines = _lines(source)
    start = next((index for index, line in enumerate(lines) if re.match(r"trigger\s*:", line[1]) and not line[0]), None)
    if start is None:
        return Trigger(EVERYTHING)
    end = start + 1
    while end < len(lines) and (lines[end][0] or lines[end][1].startswith("- ")):
        end += 1
    document = _block(lines[start:end])
    node = document["trigger"] if isinstance(document, Mapping) else ""
    return _trigger(node)


def read_variable(source: str, name: str) -> str | None:
    """The value of a variable in the block of variables, as a mapping or as a list of names; None without one."""
    escaped = re.escape(name)
    value = r"""['"]?([^\s'"#]+)"""
    as_mapping = re.search(rf"^[ ]*{escaped}:[ ]*{value}", source, re.MULTILINE)
    as_list = re.search(rf"^[ -]*name:[ ]*['\"]?{escaped}['\"]?[ ]*\r?\n[ ]*value:[ ]*{value}", source, re.MULTILINE)
    found = as_mapping or as_list
    return found.group(1) if found else None


def _trigger(node: Node) -> Trigger:
    if isinstance(node, str):
        return Trigger(()) if node in ("none", "") else Trigger((node,))
    if isinstance(node, list):
        return Trigger(tuple(node))
    (include, exclude), paths = _filter(node.get("branches", "")), _filter(node.get("paths", ""))
    return Trigger(include or EVERYTHING, exclude, *paths)


def _filter(node: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a filter includes and excludes; a list alone is what it includes."""
    if isinstance(node, Mapping):
        return _names(node.get("include", "")), _names(node.get("exclude", ""))
    return _names(node), ()


def _names(node: Node) -> tuple[str, ...]:
    if isinstance(node, Mapping):
        raise NotReadHere("include and exclude are lists of names")
    return tuple(node) if isinstance(node, list) else tuple(filter(None, [node]))


def _any(patterns: tuple[str, ...], branch: str) -> bool:
    return any(fnmatch.fnmatchcase(branch, short_branch(pattern)) for pattern in patterns)


def _covers(pattern: str, path: str) -> bool:
    """Whether a pattern of a path filter is a path or a folder above it. A star stands for slashes too."""
    clean = pattern.strip("/")
    return not clean or any(fnmatch.fnmatchcase(path, one) for one in (clean, f"{clean}/*"))


def _lines(source: str) -> list[Line]:
    """Lines that say something, without their comments."""
    found = []
    for raw in source.expandtabs().splitlines():
        line = COMMENT.sub("", raw).rstrip()
        if line:
            found.append((len(line) - len(line.lstrip()), line.lstrip()))
    return found


def _block(lines: list[Line]) -> Node:
    """A block as a mapping or a list. Raises NotReadHere."""
    if lines[0][1].startswith("- "):
        if any(not text.startswith("- ") or KEY.match(text[2:].strip()) for _, text in lines):
            raise NotReadHere("a list of more than names")
        return [_plain(text[2:]) for _, text in lines]
    found: dict[str, Node] = {}
    indent, index = lines[0][0], 0
    while index < len(lines):
        end = index + 1
        while end < len(lines) and (lines[end][0] > indent or lines[end][1].startswith("- ")):
            end += 1
        entry = KEY.match(lines[index][1])
        if entry is None or lines[index][0] != indent:
            raise NotReadHere(f"`{lines[index][1]}`")
        rest, beneath = entry["rest"] or "", lines[index + 1 : end]
        if rest and beneath:
            raise NotReadHere(f"`{lines[index][1]}` with lines beneath it")
        found[entry["key"]] = _block(beneath) if beneath else _value(rest)
        index = end
    return found


def _value(text: str) -> Node:
    text = text.strip()
    if text.startswith("["):
        if not text.endswith("]"):
            raise NotReadHere(f"`{text}`")
        return [_plain(part) for part in text[1:-1].split(",") if part.strip()]
    return _plain(text)


def _plain(text: str) -> str:
    text = text.strip()
    if text[:1] in NOT_PLAIN or "${{" in text:
        raise NotReadHere(f"`{text}`")
    quoted = len(text) > 1 and text[0] in QUOTES and text[-1] == text[0]
    return text[1:-1] if quoted else text
