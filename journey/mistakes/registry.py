"""How a function becomes a mistake of the corpus, or a valid variation, and how they become one registry.

A mistake is one wrong thing in a world that is otherwise right: made through the public wire, or in the clone. The
checker must find it with one check, the one whose code is named here, and no other may cry out.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TypeVar

from journey.worlds import World

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FAIL, WAITING, UNKNOWN = "fail", "waiting", "unknown"
OUTCOMES = (FAIL, WAITING, UNKNOWN)
FIRST_MODULE = 2  # what is before it is looked at only by mistakes that name it
NOTHING = "M0"

Undo = Callable[[], None]
Apply = Callable[[World], Undo | None]


@dataclass(frozen=True)
class Mistake:
    """A typical mistake. `needs` is the module after which the world stands when it is made.

    `code` is the check that must come to `outcome`, and one of its hints holds `hint`. `apply` returns what takes the
    mistake back; None, with `spoils`, where the world is of no use to others afterwards. `switches` are failures of
    the organisation that are on meanwhile. `looks` are the modules that are checked; what is on the attendee's machine
    is looked at, which takes seconds, for a mistake in the `clone` only.
    """

    id: str
    module: str
    title: str
    text: str
    needs: str
    code: str
    hint: str
    outcome: str
    apply: Apply
    spoils: bool = False
    clone: bool = False
    switches: Mapping[str, object] = field(default_factory=dict)
    looks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variation:
    """Something that is done otherwise and is right: every check of `looks` must still pass."""

    id: str
    module: str
    title: str
    text: str
    needs: str
    apply: Apply
    spoils: bool = False
    clone: bool = False
    looks: tuple[str, ...] = ()


def mistake(
    id: str,
    module: str,
    code: str,
    hint: str,
    needs: str,
    outcome: str = FAIL,
    spoils: bool = False,
    switches: Mapping[str, object] | None = None,
    clone: bool = False,
    looks: tuple[str, ...] = (),
) -> Callable[[Apply], Mistake]:
    """Turns a function into a Mistake; its docstring's first line is the title. Raises ValueError for a bad id or an
    unknown outcome.
    """

    def make(apply: Apply) -> Mistake:
        _require_id(id)
        if outcome not in OUTCOMES:
            raise ValueError(f"{id}: the outcome {outcome} is none of {', '.join(OUTCOMES)}")
        title, text = _words(apply)
        seen = looks or ((module,) if clone else modules_to(max(module, needs, key=number)))
        return Mistake(id, module, title, text, needs, code, hint, outcome, apply, spoils, clone, switches or {}, seen)

    return make


def variation(
    id: str, module: str, needs: str, spoils: bool = False, clone: bool = False, looks: tuple[str, ...] = ()
) -> Callable[[Apply], Variation]:
    """Turns a function into a Variation; its docstring's first line is the title. Raises ValueError for a bad id."""

    def make(apply: Apply) -> Variation:
        _require_id(id)
        title, text = _words(apply)
        seen = looks or ((module,) if clone else modules_to(max(module, needs, key=number)))
        return Variation(id, module, title, text, needs, apply, spoils, clone, seen)

    return make


T = TypeVar("T", Mistake, Variation)


def gather(*subjects: ModuleType) -> Mapping[str, Mistake]:
    """All mistakes of these modules by id, in the order of the workshop. Raises ValueError for an id that is taken."""
    return _by_id([one for subject in subjects for one in vars(subject).values() if isinstance(one, Mistake)])


def gather_variations(*subjects: ModuleType) -> Mapping[str, Variation]:
    """All variations of these modules by id, in the order of the workshop. Raises ValueError for an id twice."""
    return _by_id([one for subject in subjects for one in vars(subject).values() if isinstance(one, Variation)])


def number(module: str) -> int:
    return int(module[1:])


def modules_to(last: str) -> tuple[str, ...]:
    """The modules from the first that changes anything outside the clone to this one."""
    return tuple(f"M{one}" for one in range(FIRST_MODULE, number(last) + 1))


def _by_id(found: list[T]) -> Mapping[str, T]:
    by_id: dict[str, T] = {}
    for one in sorted(found, key=lambda entry: number(entry.module)):
        if one.id in by_id:
            raise ValueError(f"the id {one.id} is taken")
        by_id[one.id] = one
    return by_id


def _require_id(text: str) -> None:
    if not ID.fullmatch(text):
        raise ValueError(f"the id {text} is not words with hyphens between")


def _words(apply: Apply) -> tuple[str, str]:
    title, _, text = (inspect.getdoc(apply) or "").partition("\n")
    if not title:
        raise ValueError(f"{apply} has no docstring")
    return title.rstrip("."), " ".join(text.split())
