"""The general functions, with the arities that the service checks while parsing (azure-pipelines contract, 2.3)."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.pipelines.errors import ExpressionError
from sandbox.pipelines.expressions.slots import Function, Thunk
from sandbox.pipelines.expressions.values import (
    Array,
    Object,
    Value,
    compare,
    equal,
    is_simple,
    kind,
    members,
    number_text,
    to_boolean,
    to_number,
    to_text,
)

DATE_PARTS: tuple[tuple[str, str], ...] = (
    ("yyyy", "%Y"),
    ("yy", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("dd", "%d"),
    ("HH", "%H"),
    ("hh", "%I"),
    ("mm", "%M"),
    ("ss", "%S"),
)
DATE_PART = re.compile("|".join(part for part, _ in DATE_PARTS))
FORMAT_PART = re.compile(r"\{\{|\}\}|\{(\d+)(?::([^{}]*))?\}|[{}]")


def _and(arguments: Sequence[Thunk]) -> Value:
    return all(to_boolean(one()) for one in arguments)


def _or(arguments: Sequence[Thunk]) -> Value:
    return any(to_boolean(one()) for one in arguments)


def _in(arguments: Sequence[Thunk]) -> Value:
    left = arguments[0]()
    return any(equal(left, one()) for one in arguments[1:])


def _coalesce(arguments: Sequence[Thunk]) -> Value:
    return next((value for value in (one() for one in arguments) if value is not None and value != ""), None)


def _iif(arguments: Sequence[Thunk]) -> Value:
    test, yes, no = (one() for one in arguments)  # both branches, as measured
    return yes if to_boolean(test) else no


def _contains(text: Value, part: Value) -> Value:
    return to_text(part).upper() in to_text(text).upper()


def _starts_with(text: Value, part: Value) -> Value:
    return to_text(text).upper().startswith(to_text(part).upper())


def _ends_with(text: Value, part: Value) -> Value:
    return to_text(text).upper().endswith(to_text(part).upper())


def _contains_value(collection: Value, value: Value) -> Value:
    return any(equal(value, one) for one in members(collection) if is_simple(one))


def _join(separator: Value, collection: Value) -> Value:
    if not isinstance(collection, Array):
        return to_text(collection) if is_simple(collection) else ""
    parts = (to_text(one) if is_simple(one) else "" for one in collection.items)
    return to_text(separator).join(parts)


def _split(text: Value, delimiter: Value) -> Value:
    whole, by = to_text(text), to_text(delimiter)
    return Array(tuple(whole.split(by) if by else (whole,)))


def _replace(text: Value, old: Value, new: Value) -> Value:
    return to_text(text).replace(to_text(old), to_text(new)) if to_text(old) else to_text(text)


def _length(value: Value) -> Value:
    if isinstance(value, Array):
        return Decimal(len(value.items))
    if isinstance(value, Object):
        return Decimal(len(value.entries))
    return Decimal(len(to_text(value)))


def _substring(arguments: Sequence[Thunk]) -> Value:
    text, start = to_text(arguments[0]()), int(to_number(arguments[1]()))
    end = start + int(to_number(arguments[2]())) if len(arguments) > 2 else len(text)
    if start < 0 or end < start or end > len(text):
        raise ExpressionError(f"The range {start} to {end} is not within the text '{text}' of {len(text)} characters")
    return text[start:end]


def _format(arguments: Sequence[Thunk]) -> Value:
    template = to_text(arguments[0]())

    def put(found: re.Match[str]) -> str:
        text = found.group(0)
        if text in ("{{", "}}"):
            return text[0]
        if found.group(1) is None:
            raise ExpressionError(f"The following format string is invalid: {template}", "A literal brace is doubled.")
        index = int(found.group(1)) + 1
        if index >= len(arguments):
            message = f"The following format string references more arguments than were supplied: {template}"
            raise ExpressionError(message, f"{{{index - 1}}} needs {index} value(s) after the format text.")
        return _formatted(arguments[index](), found.group(2))

    return FORMAT_PART.sub(put, template)


def _formatted(value: Value, pattern: str | None) -> str:
    if not pattern:
        return to_text(value)
    if isinstance(value, datetime):
        codes = dict(DATE_PARTS)
        return value.strftime(DATE_PART.sub(lambda found: codes[found.group(0)], pattern))
    if isinstance(value, Decimal) and set(pattern) == {"0"}:
        return number_text(value).zfill(len(pattern))
    raise ExpressionError(f"The format specifiers '{pattern}' are not valid for objects of type '{kind(value)}'")


def plain(value: Value) -> Any:
    """A value as JSON data."""
    if isinstance(value, Object):
        return {name: plain(one) for name, one in value.entries.items()}
    if isinstance(value, Array):
        return [plain(one) for one in value.items]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if value is None or isinstance(value, bool | str) else to_text(value)


def _strict(call: Callable[..., Value]) -> Callable[[Sequence[Thunk]], Value]:
    return lambda arguments: call(*(one() for one in arguments))


def _table() -> Mapping[str, Function]:
    lazy: tuple[tuple[str, int, int | None, Callable[[Sequence[Thunk]], Value]], ...] = (
        ("and", 2, None, _and),
        ("or", 2, None, _or),
        ("in", 2, None, _in),
        ("notIn", 2, None, lambda arguments: not _in(arguments)),
        ("coalesce", 2, None, _coalesce),
        ("iif", 3, 3, _iif),
        ("format", 1, None, _format),
        ("substring", 2, 3, _substring),
    )
    strict: tuple[tuple[str, int, Callable[..., Value]], ...] = (
        ("not", 1, lambda value: not to_boolean(value)),
        ("xor", 2, lambda left, right: to_boolean(left) != to_boolean(right)),
        ("eq", 2, equal),
        ("ne", 2, lambda left, right: not equal(left, right)),
        ("lt", 2, lambda left, right: compare(left, right) < 0),
        ("le", 2, lambda left, right: compare(left, right) <= 0),
        ("gt", 2, lambda left, right: compare(left, right) > 0),
        ("ge", 2, lambda left, right: compare(left, right) >= 0),
        ("contains", 2, _contains),
        ("startsWith", 2, _starts_with),
        ("endsWith", 2, _ends_with),
        ("containsValue", 2, _contains_value),
        ("join", 2, _join),
        ("split", 2, _split),
        ("replace", 3, _replace),
        ("upper", 1, lambda value: to_text(value).upper()),
        ("lower", 1, lambda value: to_text(value).lower()),
        ("trim", 1, lambda value: to_text(value).strip()),
        ("length", 1, _length),
        ("convertToJson", 1, lambda value: json.dumps(plain(value), indent=2, ensure_ascii=False)),
    )
    functions = [Function(*row) for row in lazy]
    functions += [Function(name, count, count, _strict(call)) for name, count, call in strict]
    return {one.name.lower(): one for one in functions}


GENERAL: Mapping[str, Function] = _table()
