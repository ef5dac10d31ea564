"""Include and exclude filters of triggers, over branches, tags and paths (azure-pipelines contract, 2.10)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sandbox.pipelines.model import Filter

HEADS: Final = "refs/heads/"
TAGS: Final = "refs/tags/"


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a filter lets a name pass, and which pattern decided (empty when none did)."""

    passes: bool
    reason: str


def matches(pattern: str, name: str) -> bool:
    """`*` stands for any text, slashes too; `?` for one character. Case counts."""
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.fullmatch("".join(parts), name, re.DOTALL) is not None


def match_ref(filter: Filter, ref: str, prefix: str, word: str) -> Match:
    """Whether a branch or tag passes. Patterns may be full refs; exclude without include means all but those."""
    short = ref.removeprefix(prefix)
    excluded = _first(filter.exclude, ref, short)
    if excluded:
        return Match(False, f"{word} '{short}' is excluded by '{excluded}'")
    if not filter.include:
        return Match(True, f"no pattern excludes {word} '{short}'" if filter.exclude else f"every {word} is included")
    included = _first(filter.include, ref, short)
    if included:
        return Match(True, f"{word} '{short}' is included by '{included}'")
    return Match(False, f"{word} '{short}' matches none of {_listed(filter.include)}")


def match_paths(filter: Filter, paths: Iterable[str]) -> Match:
    """Whether a change passes: one file that is included and not excluded suffices. A folder covers what is below it;
    a deeper include wins over the exclude of a folder above it."""
    changed = [path.lstrip("/") for path in paths]
    reasons = [_path(filter, path) for path in changed]
    passing = next((one for one in reasons if one.passes), None)
    if passing:
        return passing
    if not reasons:
        return Match(False, "no file changed, and there is a path filter")
    more = f" (and {len(reasons) - 1} more files likewise)" if len(reasons) > 1 else ""
    return Match(False, f"{reasons[0].reason}{more}")


def _path(filter: Filter, path: str) -> Match:
    included = [one for one in filter.include if _covers(one, path)]
    if filter.include and not included:
        return Match(False, f"path '{path}' matches none of {_listed(filter.include)}")
    for excluded in (one for one in filter.exclude if _covers(one, path)):
        folder = _folder(excluded)
        if not any(_clean(one).startswith(folder) and _clean(one) != _clean(excluded) for one in included):
            return Match(False, f"path '{path}' is excluded by '{excluded}'")
    return Match(
        True, f"path '{path}' is included by '{included[0]}'" if included else f"path '{path}' is not excluded"
    )


def _covers(pattern: str, path: str) -> bool:
    clean = _clean(pattern).rstrip("/")
    return not clean or matches(clean, path) or matches(f"{clean}/*", path)


def _clean(pattern: str) -> str:
    return pattern.lstrip("/")


def _folder(pattern: str) -> str:
    return _clean(pattern).rstrip("*").rstrip("/") + "/"


def _first(patterns: Iterable[str], ref: str, short: str) -> str:
    return next((one for one in patterns if matches(one, ref if one.startswith("refs/") else short)), "")


def _listed(patterns: Iterable[str]) -> str:
    return ", ".join(f"'{one}'" for one in patterns)
