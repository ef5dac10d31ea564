"""File patterns of tasks: `*`, `?`, `[ab]`, `{a,b}` and `**`, one a line; `!` takes out what earlier lines chose."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

WILD = re.compile(r"[*?\[{]")
ALTERNATIVES = re.compile(r"\{([^{}]*,[^{}]*)\}")


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether the lines, in order, choose a path with forward slashes. A line that starts with `#` is a comment."""
    chosen = False
    for line in patterns:
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        negated = pattern.startswith("!")
        if _fits(path, pattern.removeprefix("!")):
            chosen = not negated
    return chosen


def find_files(root: Path, text: str) -> list[Path]:
    """Files that the pattern lines choose, sorted. Relative patterns are beneath `root`; absolute ones may lead
    elsewhere, and are then looked for below their part without wildcards."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    rooted = [_rooted(root, line) for line in lines]
    starts = dict.fromkeys(_start(line) for line in rooted if not line.startswith("!"))
    found = dict.fromkeys(path for start in starts for path in _files(start))
    return sorted(path for path in found if matches(path.as_posix(), rooted))


def _rooted(root: Path, line: str) -> str:
    negated, pattern = ("!", line[1:]) if line.startswith("!") else ("", line)
    if Path(pattern).is_absolute():
        return negated + Path(pattern).as_posix()
    return f"{negated}{root.as_posix()}/{pattern.replace(chr(92), '/').removeprefix('./')}"


def _start(pattern: str) -> Path:
    parts: list[str] = []
    for part in pattern.split("/"):
        if WILD.search(part):
            break
        parts.append(part)
    return Path("/".join(parts) or "/")


def _files(start: Path) -> Iterator[Path]:
    if start.is_file():
        yield start
    elif start.is_dir():
        yield from (path for path in start.rglob("*") if path.is_file())


def _fits(path: str, pattern: str) -> bool:
    return any(_compiled(one).fullmatch(path) for one in _spelled_out(pattern))


def _spelled_out(pattern: str) -> list[str]:
    found = ALTERNATIVES.search(pattern)
    if not found:
        return [pattern]
    head, tail = pattern[: found.start()], pattern[found.end() :]
    return [text for word in found.group(1).split(",") for text in _spelled_out(head + word + tail)]


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    out: list[str] = []
    position = 0
    while position < len(pattern):
        piece, position = _piece(pattern, position)
        out.append(piece)
    return re.compile("".join(out))


def _piece(pattern: str, at: int) -> tuple[str, int]:
    """The regular expression for what stands at a place, and the next place."""
    if pattern.startswith("**/", at) and (at == 0 or pattern[at - 1] == "/"):
        return "(?:.*/)?", at + 3
    if pattern[at:] == "**" and (at == 0 or pattern[at - 1] == "/"):
        return ".*", at + 2
    if pattern[at] == "*":
        return "[^/]*", at + 1
    if pattern[at] == "?":
        return "[^/]", at + 1
    end = pattern.find("]", at + 2)
    if pattern[at] == "[" and end > 0:
        inner = pattern[at + 1 : end].replace("\\", "\\\\").replace("^", "\\^")
        return f"[{'^' + inner[1:] if inner.startswith('!') else inner}]", end + 1
    return re.escape(pattern[at]), at + 1
