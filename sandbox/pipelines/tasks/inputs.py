"""A task's inputs: by the manifest's name or an alias, whatever the case, with the manifest's defaults."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sandbox.pipelines.running.errors import StepError


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a task's manifest."""

    name: str
    aliases: tuple[str, ...] = ()
    default: str = ""
    required: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Values by manifest name; `written` are the names that the step gave."""

    values: Mapping[str, str]
    written: frozenset[str] = frozenset()

    def text(self, name: str) -> str:
        """The value as it is."""
        return self.values[name]

    def flag(self, name: str) -> bool:
        """True for the word true only, as the task library reads it."""
        return self.values[name].strip().lower() == "true"

    def choice(self, name: str, *choices: str) -> str:
        """One of the choices, whatever the case. Raises StepError."""
        value = self.values[name].strip()
        for one in choices:
            if one.lower() == value.lower():
                return one
        raise StepError(f"Input '{name}' is '{value}'; expected one of: {', '.join(choices)}.")

    def number(self, name: str) -> float:
        """A decimal number, 0 when empty. Raises StepError."""
        value = self.values[name].strip()
        try:
            return float(value or "0")
        except ValueError as error:
            raise StepError(f"Input '{name}' is '{value}'; expected a number.") from error


def resolve(declared: Iterable[Input], written: Mapping[str, str]) -> Inputs:
    """The inputs of a step. Raises StepError when a required one is missing."""
    folded = {name.lower(): value for name, value in written.items()}
    values: dict[str, str] = {}
    given: set[str] = set()
    for one in declared:
        found = next((folded[name.lower()] for name in one.names if name.lower() in folded), None)
        if found is not None:
            given.add(one.name)
        values[one.name] = one.default if found is None else found
        if one.required and not values[one.name].strip():
            raise StepError(f"Input required: {one.name}")
    return Inputs(values, frozenset(given))


def unknown_names(declared: Iterable[Input], written: Iterable[str]) -> list[str]:
    """Names that the task does not have."""
    known = {name.lower() for one in declared for name in one.names}
    return [name for name in written if name.lower() not in known]
