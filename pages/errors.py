"""What is wrong with a page. The text is for its author: where, what was seen, what is expected."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend. `page` is relative to the folder of the pages; `line` counts from 1, 0 for the whole page."""

    page: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.message}" if self.line else f"{self.page}: {self.message}"


class PageError(Exception):
    """A page that cannot be read as it is."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem
