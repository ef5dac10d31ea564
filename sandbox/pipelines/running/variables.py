"""Variables as a run holds them: names fold case, values may hold macros, some are secret, some cannot be set again.

Source: azure-pipelines contract, 2.5.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sandbox.pipelines.commands import CommandError
from sandbox.pipelines.expressions.macros import MOST_DEPTH, expand_macros, expand_variables


@dataclass(frozen=True, slots=True)
class VariableValue:
    """`name` as it was first written; `value` before its macros are expanded."""

    name: str
    value: str
    secret: bool = False
    readonly: bool = False


@dataclass(frozen=True)
class Expanded:
    """All variables at one moment, macros replaced. Keys are lower case; `names` gives each as written."""

    values: Mapping[str, str]
    secrets: frozenset[str]
    names: Mapping[str, str]

    def expand(self, text: str) -> str:
        """A text with its macros replaced."""
        return expand_macros(text, self.values) if "$(" in text else text

    @cached_property
    def by_name(self) -> Mapping[str, str]:
        """Values by name as written, for expressions."""
        return {self.names[key]: value for key, value in self.values.items()}

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """What a step's process gets: every variable that is no secret, by its automatic name."""
        public = ((self.names[key], value) for key, value in self.values.items() if key not in self.secrets)
        return {environment_name(name): value for name, value in public if can_be_environment(name, value)}


class Variables:
    """The variables of one scope. Belongs to one thread; an inner scope is a copy."""

    def __init__(self, entries: Iterable[VariableValue] = ()) -> None:
        self._entries = {one.name.lower(): one for one in entries}
        self._expanded: Expanded | None = None

    def __iter__(self) -> Iterator[VariableValue]:
        return iter(tuple(self._entries.values()))

    def copy(self) -> "Variables":
        """The same variables, for an inner scope."""
        return Variables(self._entries.values())

    def get(self, name: str) -> VariableValue | None:
        return self._entries.get(name.lower())

    def text(self, name: str, default: str = "") -> str:
        """The expanded value, or the default when there is no such variable."""
        return self.expanded().values.get(name.lower(), default)

    def define(self, name: str, value: str, *, secret: bool = False, readonly: bool = False) -> None:
        """An inner scope's word counts, whatever an outer one said."""
        self._entries[name.lower()] = VariableValue(name, value, secret, readonly)
        self._expanded = None

    def assign(self, name: str, value: str, *, secret: bool = False, readonly: bool = False) -> None:
        """What `task.setvariable` does: a secret stays one. Raises CommandError for a read-only variable."""
        before = self.get(name)
        if before is None:
            self.define(name, value, secret=secret, readonly=readonly)
            return
        if before.readonly:
            raise CommandError(f"Overwriting readonly variable '{name}' is not permitted; it stays as it was.")
        self.define(before.name, value, secret=secret or before.secret, readonly=readonly)

    def expanded(self) -> Expanded:
        """All values with macros replaced, deep. A variable that takes a secret in is a secret too."""
        if self._expanded is None:
            raw = {key: one.value for key, one in self._entries.items()}
            names = {key: one.name for key, one in self._entries.items()}
            self._expanded = Expanded(expand_variables(raw), self._secrets(), names)
        return self._expanded

    def _secrets(self) -> frozenset[str]:
        found = {key for key, one in self._entries.items() if one.secret}
        waiting = {key: one.value.lower() for key, one in self._entries.items() if "$(" in one.value} if found else {}
        for _ in range(MOST_DEPTH):
            more = {key for key, text in waiting.items() if any(f"$({name})" in text for name in found)} - found
            if not more:
                break
            found |= more
        return frozenset(found)


def can_be_environment(name: str, value: str) -> bool:
    """Whether a process can be given such a variable at all."""
    return bool(name) and "=" not in name and "\0" not in name and "\0" not in value


def environment_name(name: str) -> str:
    """Upper case, dots and blanks as underscores, anything else kept."""
    return name.upper().replace(".", "_").replace(" ", "_")
