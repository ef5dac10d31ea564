"""The build context: its files, what `.dockerignore` leaves out, and which of them a COPY means."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sandbox.archives import extract
from sandbox.compute.errors import BuildError


@dataclass(frozen=True)
class IgnoreRule:
    """One line of `.dockerignore`: what it matches, and whether it brings a file back (`!`)."""

    pattern: re.Pattern[str]
    keeps: bool


@dataclass(frozen=True)
class Context:
    """The files a build may copy: path with slashes, relative to the root -> the file's real place."""

    root: Path
    files: dict[str, Path]


def read_context(root: Path, dockerfile: str) -> Context:
    """All files below `root` that are not left out. Raises `BuildError` for a link that leads out of the context.

    `<Dockerfile name>.dockerignore` beside the Dockerfile wins over `.dockerignore`, as with docker itself.
    """
    own, shared = root / f"{dockerfile}.dockerignore", root / ".dockerignore"
    chosen = own if own.is_file() else shared
    rules = parse_dockerignore(chosen.read_text(encoding="utf-8")) if chosen.is_file() else []
    found = sorted((path.relative_to(root).as_posix(), path) for path in root.rglob("*") if path.is_file())
    files = {name: path for name, path in found if not ignored(name, rules)}
    for name, path in files.items():
        if not path.resolve().is_relative_to(root.resolve()):
            raise BuildError(f"{name} is a link that leads out of the build context", dockerfile)
    return Context(root, files)


def unpack_context(archive: Path, target: Path) -> Path:
    """Unpack an uploaded context (tar, also compressed) into `target`. Raises `BuildError` when it is not one."""
    target.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                extract(packed, member, target)
    except (tarfile.TarError, OSError) as error:
        raise BuildError(f"The build context cannot be unpacked: {error}", archive.name) from error
    return target


def parse_dockerignore(text: str) -> list[IgnoreRule]:
    """The rules of a `.dockerignore`, in order; the last one that matches decides."""
    rules = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        keeps = line.startswith("!")
        path = line.lstrip("!").strip().strip("/").removeprefix("./").rstrip("/")
        if path and path != ".":
            rules.append(IgnoreRule(re.compile(glob_expression(path) + r"(/.*)?\Z"), keeps))
    return rules


def ignored(path: str, rules: Sequence[IgnoreRule]) -> bool:
    """Whether the rules leave the file out."""
    left_out = False
    for rule in rules:
        if rule.keeps == left_out and rule.pattern.match(path):
            left_out = not rule.keeps
    return left_out


def glob_expression(pattern: str) -> str:
    """A regular expression for a Go path pattern: `*` and `?` stay within a folder, `**` crosses them."""
    translated, position = "", 0
    while position < len(pattern):
        part = _glob_part(pattern, position)
        translated += _translate(part)
        position += len(part)
    return translated


def _glob_part(pattern: str, start: int) -> str:
    for known in ("**/", "**"):
        if pattern.startswith(known, start):
            return known
    bracket = re.compile(r"\[\^?[^\]/]+\]").match(pattern, start)
    if bracket:
        return bracket[0]
    return pattern[start : start + (2 if pattern[start] == "\\" else 1)]


def _translate(part: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if part in fixed:
        return fixed[part]
    if part.startswith("[") and len(part) > 1:
        return part
    return re.escape(part[-1])


def sources(context: Context, word: str) -> list[dict[str, Path]]:
    """What one source of a COPY means: for each match, the files it brings, by their path relative to the target.

    A file brings itself under its name; a folder brings its contents. Empty when nothing matches. Raises `ValueError`
    for a path that leads out of the context.
    """
    path = PurePosixPath(word.lstrip("/"))
    if ".." in path.parts:
        raise ValueError(f"{word} leads out of the build context")
    clean = path.as_posix()
    if clean == ".":
        return [dict(context.files)]
    pattern = re.compile(rf"({glob_expression(clean)})(?:/(.*))?\Z")
    matches: dict[str, dict[str, Path]] = {}
    for name, place in context.files.items():
        match = pattern.match(name)
        if match:
            matches.setdefault(match[1], {})[match[2] or ""] = place
    return list(matches.values())
