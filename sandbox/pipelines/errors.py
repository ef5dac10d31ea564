"""What a pipeline file can be wrong about: marks, problems, and the errors that carry them.

PipelineError
├── LoadError          the file cannot be planned; carries up to ten problems
└── ExpressionError    one expression: wrong text (with its position) or wrong values
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_PROBLEMS = 10


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file. Lines and columns count from 1; the file is a path from its repository's root, such as
    `/azure-pipelines.yml` or `/steps/test.yml@templates`. Line 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file} (Line: {self.line}, Col: {self.column})" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing the service would refuse: its own sentence, where, and one sentence of help (empty when none)."""

    message: str
    mark: Mark | None = None
    help: str = ""

    def __str__(self) -> str:
        return f"{self.mark}: {self.message}" if self.mark and self.mark.file else self.message


class PipelineError(Exception):
    """Root of this library's errors."""


class LoadError(PipelineError):
    """The pipeline cannot be loaded. `problems` is in document order; `more` counts those beyond ten."""

    def __init__(self, problems: Iterable[Problem], more: int = 0) -> None:
        self.problems = tuple(problems)
        self.more = more
        super().__init__("\n".join(str(one) for one in self.problems))


class ExpressionError(PipelineError):
    """An expression cannot be parsed or evaluated; the message is the service's."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class Problems:
    """Collects problems while a file is read, so that a person sees them together. Lives as long as one load."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    def add(self, message: str, mark: Mark | None = None, help: str = "") -> None:
        """Keep a problem; the same sentence at the same place counts once."""
        problem = Problem(message, mark, help)
        if problem not in self._found:
            self._found.append(problem)

    def error(self) -> LoadError:
        """All problems as one error: in document order within each file, at most ten."""
        files = {one.mark.file: None for one in self._found if one.mark}
        order = {name: index for index, name in enumerate(files)}
        placed = sorted(self._found, key=lambda one: _order(one, order))
        return LoadError(placed[:MOST_PROBLEMS], max(0, len(placed) - MOST_PROBLEMS))

    def raise_if_any(self) -> None:
        """Raises LoadError when something was found."""
        if self._found:
            raise self.error()


def _order(problem: Problem, files: dict[str, int]) -> tuple[int, int, int]:
    if problem.mark is None:
        return (-1, 0, 0)
    return (files[problem.mark.file], problem.mark.line, problem.mark.column)
