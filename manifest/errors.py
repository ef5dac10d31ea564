"""What can be wrong with a manifest or with the markers of a file: where, what was seen, what is expected."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ManifestError(Exception):
    """A manifest that cannot be used. `line` and `column` count from 1; line 0 means the file as a whole."""

    def __init__(self, path: Path, line: int, seen: str, expected: str, column: int | None = None) -> None:
        place = "".join(f":{number}" for number in (line or None, column) if number is not None)
        super().__init__(f"{path}{place}: {seen}; expected {expected}")
        self.path, self.line, self.column, self.seen, self.expected = path, line, column, seen, expected


class RegionError(Exception):
    """Markers that do not pair, or a region that a text has not got. `line` counts from 1; 0 means the whole text."""

    def __init__(self, line: int, seen: str, expected: str) -> None:
        super().__init__(f"line {line}: {seen}; expected {expected}" if line else f"{seen}; expected {expected}")
        self.line, self.seen, self.expected = line, seen, expected


@contextmanager
def inside(path: Path) -> Iterator[None]:
    """Says which file a RegionError is about: it goes on as a ManifestError."""
    try:
        yield
    except RegionError as problem:
        raise ManifestError(path, problem.line, problem.seen, problem.expected) from problem
