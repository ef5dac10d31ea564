"""Logging commands: lines by which a step talks to its agent (azure-pipelines contract, 2.8).

`##vso[area.event key=value;key=value]data`, anywhere in a line. Names and keys fold case. `##[group]` and its kin only
format a line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "##vso["
FORMATS = frozenset({"group", "endgroup", "section", "command", "warning", "error", "debug"})
# In this order: a percent sign is written %AZP25, so that what it stands before is not read as an escape.
DATA_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%AZP25", "%"), ("%azp25", "%"))
PROPERTY_ESCAPES = (("%3B", ";"), ("%3b", ";"), ("%0d", "\r"), ("%0a", "\n"), ("%5D", "]"), ("%5d", "]"), *DATA_ESCAPES)


class CommandError(Exception):
    """A command that cannot be carried out. The step then fails, and its output goes on."""


@dataclass(frozen=True, slots=True)
class LoggingCommand:
    """`name` is `area.event` in lower case; keys of `properties` are in lower case."""

    name: str
    properties: Mapping[str, str] = field(default_factory=dict)
    data: str = ""

    def get(self, key: str, default: str = "") -> str:
        """A property by its key in lower case."""
        return self.properties.get(key, default)

    def is_true(self, key: str) -> bool:
        """Flags are on for the word true only."""
        return self.get(key).strip().lower() == "true"

    def required(self, key: str) -> str:
        """Raises CommandError when the property is missing or empty."""
        value = self.get(key)
        if not value:
            raise CommandError(f"Required field '{key}' is missing in ##vso[{self.name}] command.")
        return value


def parse_command(line: str) -> LoggingCommand | None:
    """The command in a line, or None: a line without one, or one that is not written to its end."""
    start = line.find(PREFIX)
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    head, _, written = line[start + len(PREFIX) : end].strip().partition(" ")
    if head.count(".") != 1 or head.startswith(".") or head.endswith("."):
        return None
    data = _unescaped(line[end + 1 :], (*DATA_ESCAPES, ("%0d", "\r"), ("%0a", "\n")))
    return LoggingCommand(head.lower(), _properties(written), data)


def format_of(line: str) -> str:
    """`group`, `error` ... when the line starts with such a mark, else empty."""
    if not line.startswith("##["):
        return ""
    word = line[3:].partition("]")[0].lower()
    return word if word in FORMATS else ""


def escape_data(text: str) -> str:
    """A text as a command's data, on one line."""
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """A text as the value of a property."""
    return escape_data(text).replace("]", "%5D").replace(";", "%3B")


def _properties(written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in written.split(";"):
        key, equals, value = pair.partition("=")
        if equals and key.strip():
            found[key.strip().lower()] = _unescaped(value, PROPERTY_ESCAPES)
    return found


def _unescaped(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    if "%" not in text:
        return text
    for written, meant in escapes:
        text = text.replace(written, meant)
    return text
