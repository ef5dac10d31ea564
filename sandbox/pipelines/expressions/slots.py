"""Where an expression stands, and so which names and functions it may use (azure-pipelines contract, 2.3)."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sandbox.pipelines.expressions.values import Value

Thunk = Callable[[], Value]


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments it takes (`most` None is no limit), and what it does with them. Arguments come
    unevaluated, so that `and`, `or` and `coalesce` may leave some alone."""

    name: str
    fewest: int
    most: int | None
    call: Callable[[Sequence[Thunk]], Value]


@dataclass(frozen=True, slots=True)
class Slot:
    """`names` None means that any name passes, because the service checks none there."""

    title: str
    names: frozenset[str] | None
    functions: Mapping[str, Function]

    def knows(self, name: str) -> bool:
        return self.names is None or name.lower() in self.names

    def with_names(self, *names: str) -> "Slot":
        """The same slot with loop variables in it."""
        return replace(self, names=(self.names or frozenset()) | {name.lower() for name in names})

    def help_for(self, word: str) -> str:
        """One sentence for a name that does not exist here."""
        folded = word.lower()
        if folded in ELSEWHERE:
            return ELSEWHERE[folded].format(title=self.title)
        known = [*self.functions, *(self.names or ())]
        near = difflib.get_close_matches(folded, known, 1, 0.7)
        if near:
            shown = self.functions[near[0]].name if near[0] in self.functions else near[0]
            return f"The nearest name that exists here is '{shown}'."
        return "A text is written in single quotes; a variable as variables['name']."


STATUS_HELP: Final = "Status functions work in `condition:` only, not in {title}."
ELSEWHERE: Final[Mapping[str, str]] = {
    "null": "There is no null here: compare with '' instead.",
    "always": STATUS_HELP,
    "canceled": STATUS_HELP,
    "failed": STATUS_HELP,
    "succeeded": STATUS_HELP,
    "succeededorfailed": STATUS_HELP,
    "counter": "counter() works in a variable's $[ ] only, not in {title}.",
    "dependencies": "Results of other jobs and stages are known at run time: use `condition:` or a job's $[ ].",
    "stagedependencies": "Results of other stages are known at run time: use `condition:` or a job's $[ ].",
    "resources": "`resources` is known at run time: use a root variable's $[ ], not {title}.",
    "pipeline": "`pipeline` is known at run time: use a root variable's $[ ], not {title}.",
    "parameters": "Parameters exist at template time only: write ${{{{ parameters.name }}}}, not {title}.",
    "env": "There is no env context: write variables['name'].",
}
