"""`${{inputs.x}}` and `$[[...]]` in a job's command.

`$[[--rate ${{inputs.rate}}]]` is a segment that is left out when an input in it has no value (Azure ML's syntax for
optional inputs).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.compute.errors import TrainingError

PLACEHOLDER = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
UNSAFE = re.compile(r"([^\w@%+=:,./\\-])")


@dataclass(frozen=True)
class Values:
    """What the placeholders stand for: literals go in as they are, paths so that a space in them does no harm."""

    literals: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)

    def known(self) -> list[str]:
        """The names that have a value, for a message."""
        return sorted({*self.literals, *self.paths})


def expand(command: str, values: Values) -> str:
    """The command with every placeholder replaced. Raises `TrainingError` naming the first one without a value."""
    return _expand(OPTIONAL.sub(lambda segment: _segment(segment.group(1), values), command), values)


def _segment(text: str, values: Values) -> str:
    names = PLACEHOLDER.findall(text)
    return text if all(name in values.literals or name in values.paths for name in names) else ""


def _expand(command: str, values: Values) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in values.literals:
            return values.literals[name]
        if name in values.paths:
            return _path(values.paths[name], quoted=inside_quotes(command[: match.start()]))
        known = ", ".join(values.known()) or "none"
        raise TrainingError(f"The command names {match.group(0)}, which has no value. Names with a value: {known}.")

    return PLACEHOLDER.sub(value, command)


def _path(path: str, *, quoted: bool) -> str:
    return path if quoted else UNSAFE.sub(r"\\\1", path)


def inside_quotes(before: str) -> bool:
    """Whether a shell is inside single or double quotes after this text."""
    quote = ""
    skip = False
    for character in before:
        if skip:
            skip = False
        elif character == "\\" and quote != "'":
            skip = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
    return bool(quote)
