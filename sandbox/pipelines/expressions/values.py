"""The kinds of value an expression handles, and how one becomes another.

Null is None, Boolean bool, Number Decimal, String str; the rest are the classes here. Conversions are those of the
azure-pipelines contract, 2.3: the right operand is converted to the left operand's kind.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Union

from sandbox.pipelines.errors import ExpressionError

NUMBER = re.compile(r"\s*[-+]?(\d[\d,]*(\.\d*)?|\.\d+)\s*")
VERSION = re.compile(r"\d+(\.\d+){1,3}")


@dataclass(frozen=True, slots=True)
class Version:
    """Two to four whole numbers."""

    parts: tuple[int, ...]

    def __str__(self) -> str:
        return ".".join(map(str, self.parts))

    def key(self) -> tuple[int, ...]:
        """What comparison goes by: a missing part is less than zero, as in the service's runtime."""
        return self.parts + (-1,) * (4 - len(self.parts))


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """A mapping. `folds` says that its keys fold case; `strict` that a missing key is an error; `source` is the syntax
    node it came from, kept so that what is inserted again keeps its places. Equality is identity."""

    entries: Mapping[str, "Value"] = field(default_factory=lambda: MappingProxyType({}))
    folds: bool = False
    strict: bool = False
    source: object = None

    def get(self, key: str) -> "Value":
        """The member, or Null. Raises ExpressionError for a missing member of a strict object."""
        if key in self.entries:
            return self.entries[key]
        if self.folds:
            folded = key.lower()
            for name, value in self.entries.items():
                if name.lower() == folded:
                    return value
        if self.strict:
            raise ExpressionError(f"Key not found '{key}'", _declared(key, self.entries))
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """A list. `filtered` marks the result of `*`: later accesses map over its items."""

    items: tuple["Value", ...] = ()
    filtered: bool = False
    source: object = None


Value = Union[None, bool, Decimal, str, Version, datetime, Object, Array]  # noqa: UP007 (forward references)


def kind(value: Value) -> str:
    """The service's word for a value's kind."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    names = {Decimal: "Number", str: "String", datetime: "DateTime"}
    return names.get(type(value), type(value).__name__)


def is_simple(value: Value) -> bool:
    return not isinstance(value, Object | Array)


def to_boolean(value: Value) -> bool:
    """Everything converts: Null, 0 and empty text are false."""
    if isinstance(value, bool):
        return value
    if value is None:
        return False
    if isinstance(value, Decimal):
        return value != 0
    return value != "" if isinstance(value, str) else True


def to_text(value: Value) -> str:
    """Raises ExpressionError for an object or array."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, datetime):
        return value.strftime("%m/%d/%Y %H:%M:%S") + " +00:00"
    if isinstance(value, Version):
        return str(value)
    raise _no_conversion(value, "String")


def to_number(value: Value) -> Decimal:
    """Raises ExpressionError when the kind or the text has no number in it."""
    if isinstance(value, bool):
        return Decimal(int(value))
    if isinstance(value, Decimal):
        return value
    if value is None or value == "":
        return Decimal(0)
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return Decimal(value.replace(",", "").strip())
    raise _no_conversion(value, "Number")


def to_version(value: Value) -> Version:
    """Raises ExpressionError for what has not two to four parts."""
    if isinstance(value, Version):
        return value
    text = number_text(value) if isinstance(value, Decimal) else value
    if isinstance(text, str) and VERSION.fullmatch(text.strip()):
        return Version(tuple(int(part) for part in text.strip().split(".")))
    raise _no_conversion(value, "Version")


def number_text(value: Decimal) -> str:
    """The shortest decimal: 1.0 is 1."""
    if value == 0:
        return "0"
    return format(value.normalize(), "f")


def convert_like(value: Value, model: Value) -> Value:
    """`value` as the kind of `model`. Raises ExpressionError when that cannot be."""
    if model is None:
        if value is None or value == "":
            return None
        raise _no_conversion(value, "Null")
    if isinstance(model, bool):
        return to_boolean(value)
    if isinstance(model, Decimal):
        return to_number(value)
    if isinstance(model, str):
        return to_text(value)
    if isinstance(model, Version):
        return to_version(value)
    if type(value) is type(model):
        return value
    raise _no_conversion(value, kind(model))


def equal(left: Value, right: Value) -> bool:
    """Equality after conversion; what does not convert is not equal. Text ignores case."""
    if not is_simple(left) or not is_simple(right):
        return left is right if not is_simple(left) else isinstance(left, bool) and left is True
    try:
        same = convert_like(right, left)
    except ExpressionError:
        return False
    if isinstance(left, str) and isinstance(same, str):
        return left.upper() == same.upper()
    if isinstance(left, Version) and isinstance(same, Version):
        return left.key() == same.key()
    return left == same


def compare(left: Value, right: Value) -> int:
    """-1, 0 or 1 after conversion. Raises ExpressionError when the right does not convert or has no order."""
    same = convert_like(right, left)
    if isinstance(left, str) and isinstance(same, str):
        return _sign(left.upper(), same.upper())
    if isinstance(left, Version) and isinstance(same, Version):
        return _sign(left.key(), same.key())
    if isinstance(left, bool) and isinstance(same, bool):
        return _sign(int(left), int(same))
    if isinstance(left, Decimal) and isinstance(same, Decimal):
        return _sign(left, same)
    if isinstance(left, datetime) and isinstance(same, datetime):
        return _sign(left, same)
    if left is None:
        return 0
    raise _no_conversion(left, "Number")


def members(value: Value) -> Iterator[Value]:
    """Items of a list or property values of an object; nothing for the rest."""
    if isinstance(value, Array):
        yield from value.items
    elif isinstance(value, Object):
        yield from value.entries.values()


def _sign(left: object, right: object) -> int:
    return int(left > right) - int(left < right)  # type: ignore[operator]


def _no_conversion(value: Value, target: str) -> ExpressionError:
    shown = f"'{value}'" if isinstance(value, str) else kind(value) if not is_simple(value) else to_text(value)
    help = "Use one of its members, join it, or turn it into text with convertToJson()." if not is_simple(value) else ""
    return ExpressionError(f"Unable to convert from {kind(value)} to {target}. Value: {shown}", help)


def _declared(key: str, entries: Mapping[str, Value]) -> str:
    near = difflib.get_close_matches(key, list(entries), 1, 0.6)
    if near:
        return f"The nearest name is '{near[0]}'."
    names = ", ".join(f"'{name}'" for name in entries)
    return f"Declared here: {names or 'none'}. Add the name to this file's parameters."
