"""What an expression sees while a file is expanded: its file, parameters, loop variables and the variables so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sandbox.pipelines.expressions.contexts import TEMPLATE
from sandbox.pipelines.expressions.evaluation import Environment
from sandbox.pipelines.expressions.functions import GENERAL
from sandbox.pipelines.expressions.slots import Slot
from sandbox.pipelines.expressions.values import Object, Value
from sandbox.pipelines.templates.sources import Location


class VariableScope:
    """Template-time variables, growing in document order. A nested scope starts with what the outer one has."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def set(self, name: str, value: str) -> None:
        folded = name.lower()
        spelled = next((known for known in self._values if known.lower() == folded), name)
        self._values[spelled] = value

    def nested(self) -> "VariableScope":
        return VariableScope(self._values)

    def as_value(self) -> Object:
        return Object(self._values, folds=True)


@dataclass(frozen=True, slots=True)
class Frame:
    """One file being expanded, at one place in it. `depth` counts the files around it."""

    location: Location
    variables: VariableScope
    parameters: Object = field(default_factory=Object)
    loops: Mapping[str, Value] = field(default_factory=dict)
    depth: int = 0

    def with_loop(self, name: str, value: Value) -> "Frame":
        return replace(self, loops={**self.loops, name.lower(): value})

    def with_parameters(self, parameters: Object) -> "Frame":
        return replace(self, parameters=parameters)

    def nested(self) -> "Frame":
        """The same place with a variable scope of its own."""
        return replace(self, variables=self.variables.nested())

    def entered(self, location: Location) -> "Frame":
        """Within another file: no parameters and no loops of the caller."""
        return Frame(location, self.variables, depth=self.depth + 1)

    def slot(self) -> Slot:
        return TEMPLATE.with_names(*self.loops) if self.loops else TEMPLATE

    def environment(self) -> Environment:
        names: dict[str, Value] = {"parameters": self.parameters, "variables": self.variables.as_value(), **self.loops}
        return Environment(names, GENERAL)


def reserved_names() -> Iterable[str]:
    """Names that a loop variable may not take, in lower case."""
    return {*GENERAL, *(TEMPLATE.names or ())}
