"""Two legs of the proof, module by module: before the work its checks do not pass, after it they all do."""

from collections.abc import Mapping

from journey.mistakes.registry import number
from journey.proving.judging import Verdict, judge_pass, judge_starter
from journey.proving.looking import Checker, Seen, codes_of
from journey.worlds import World

# What is so before the module's work, as its work is something else: to read, to compare, to make repeatable.
ALREADY_SO: Mapping[str, frozenset[str]] = {
    "M1": frozenset({"SCR001", "SCR003"}),
    "M2": frozenset({"ORG001"}),
    "M5": frozenset({"YML002", "YML003", "YML004", "YML005", "YML006"}),
    "M8": frozenset({"RUN003"}),
    "M9": frozenset({"LIN001", "LIN002"}),
    "M11": frozenset({"GAT003"}),
    "M15": frozenset({"SEC001", "SEC002", "SEC003", "SEC004", "SEC005", "CST002"}),
}
REACHED = tuple(f"M{one}" for one in range(1, 17))  # the modules whose work a world can have done
CLEANED, CLEAN = "M16", "M2"  # after the clean-up a world is as before anything was made in its project


def before(module: str) -> str:
    """The module that an attendee has done before this one."""
    earlier = [one for one in ("M0", *REACHED) if number(one) < number(module)]
    return earlier[-1]


def after(module: str) -> str:
    """The module whose world an attendee has who has done this one."""
    return CLEAN if module == CLEANED else module


def work_of(checker: Checker, module: str) -> tuple[str, ...]:
    """The checks of a module that its work is about."""
    return tuple(
        one for one in codes_of(checker, {module}, machine=True) if one not in ALREADY_SO.get(module, frozenset())
    )


def prove_starter(module: str, world: World, checker: Checker) -> Verdict:
    """Looks at a world, with its clone, that stands before a module."""
    return judge_starter(module, work_of(checker, module), look_at(module, world, checker))


def prove_solution(module: str, world: World, checker: Checker) -> Verdict:
    """Looks at a world, with its clone, that stands after a module."""
    seen = look_at(module, world, checker)
    return judge_pass("solution", module, {code: one for code, one in seen.items() if one.module == module})


def look_at(module: str, world: World, checker: Checker) -> Mapping[str, Seen]:
    return checker.look(world, codes_of(checker, {module}, machine=True))
