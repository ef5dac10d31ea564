"""What a pipeline's YAML says about itself at the top: which branches start it, and its variables.

Every scalar is read as the text that it is: a branch `1.10` is no number.
What is no trigger is said, and never guessed.
"""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass

from checker.clients.devops import short_branch

Node = str | list["Node"] | Mapping[str, "Node"]
EVERYTHING = ("*",)
KEYS = frozenset({"branches", "paths", "tags", "batch"})


class NotReadHere(Exception):
    """Text that is no YAML, or a trigger in a form that the schema does not have."""


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
    document = read_document(source)
    return _trigger(document["trigger"]) if "trigger" in document else Trigger(EVERYTHING)


def read_variable(source: str, name: str) -> str | None:
    """The value of a variable in the block of variables, as a mapping or as a list of names; None without one.

    Raises NotReadHere.
    """
    variables = read_document(source).get("variables", "")
    if isinstance(variables, Mapping):
        value = variables.get(name)
    else:
        entries = [one for one in variables if isinstance(one, Mapping)]
        value = next((one.get("value") for one in entries if one.get("name") == name), None)
    return value if isinstance(value, str) else None


def read_document(source: str) -> Mapping[str, Node]:
    """The mapping at the root. Raises NotReadHere."""
    import yaml

    try:
        found = yaml.load(source, Loader=yaml.BaseLoader)  # a safe loader that makes text of every scalar
    except yaml.YAMLError as error:
        raise NotReadHere(" ".join(str(error).split())) from error
    if not isinstance(found, Mapping):
        raise NotReadHere("a pipeline is a mapping")
    return found


def _trigger(node: Node) -> Trigger:
    if isinstance(node, str):
        return Trigger(()) if node in ("none", "") else Trigger((node,))
    if isinstance(node, Mapping):
        if unknown := set(node) - KEYS:
            raise NotReadHere(f"`{sorted(unknown)[0]}` in a trigger")
        (include, exclude), paths = _filter(node.get("branches", "")), _filter(node.get("paths", ""))
        return Trigger(include or EVERYTHING, exclude, *paths)
    return Trigger(_names(node))


def _filter(node: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a filter includes and excludes; a list alone is what it includes."""
    if isinstance(node, Mapping):
        return _names(node.get("include", "")), _names(node.get("exclude", ""))
    return _names(node), ()


def _names(node: Node) -> tuple[str, ...]:
    names = node if isinstance(node, list) else [node]
    if not all(isinstance(name, str) for name in names):
        raise NotReadHere("include and exclude are lists of names")
    return tuple(str(name) for name in names if name)


def _any(patterns: tuple[str, ...], branch: str) -> bool:
    return any(fnmatch.fnmatchcase(branch, short_branch(pattern)) for pattern in patterns)


def _covers(pattern: str, path: str) -> bool:
    """Whether a pattern of a path filter is a path or a folder above it. A star stands for slashes too."""
    clean = pattern.strip("/")
    return not clean or any(fnmatch.fnmatchcase(path, one) for one in (clean, f"{clean}/*"))
