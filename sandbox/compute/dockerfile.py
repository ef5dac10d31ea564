"""Reading a Dockerfile: text -> instructions with their lines, and the expansion of its variables."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.compute.errors import BuildError

UNEXPANDED = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK", "MAINTAINER", "ONBUILD", "RUN", "SHELL"})
# The instructions whose variables the builder expands; the others leave that to the shell that runs their text.
EXPANDED = frozenset(
    {"ADD", "ARG", "COPY", "ENV", "EXPOSE", "FROM", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)
KEYWORDS = EXPANDED | UNEXPANDED

DIRECTIVE = re.compile(r"^#\s*(?P<name>[A-Za-z]+)\s*=\s*(?P<value>\S+)\s*$")
FLAG = re.compile(r"^--(?P<name>[a-z-]+)(?:=(?P<value>\S+))?\s+")
HEREDOC = re.compile(r"<<-?[\"']?[A-Za-z_]")
VARIABLE = re.compile(r"\\(?P<escaped>\$)|\$(?P<plain>\w+)|\$\{(?P<name>\w+)(?::(?P<how>[-+])(?P<word>[^}]*))?\}")


@dataclass(frozen=True)
class Instruction:
    """One instruction: upper-case keyword, its `--flags`, the rest as one line, and where it starts (1-based)."""

    keyword: str
    value: str
    line: int
    file: str = "Dockerfile"
    flags: Mapping[str, str] = field(default_factory=dict)

    def error(self, message: str) -> BuildError:
        """A build error at this instruction."""
        return BuildError(message, self.file, self.line)

    def __str__(self) -> str:
        flags = [f"--{name}={value}" if value else f"--{name}" for name, value in self.flags.items()]
        return " ".join([self.keyword, *flags, self.value])


def parse(text: str, file: str = "Dockerfile") -> list[Instruction]:
    """The instructions of a Dockerfile, in order.

    Raises `BuildError` with file and line for an instruction that does not exist or is not written as it has to be, for
    a file without FROM, and for what is not implemented (several stages, here-documents).
    """
    instructions = [_instruction(line, number, file) for number, line in logical_lines(text)]
    stages = [item for item in instructions if item.keyword == "FROM"]
    if not stages:
        raise BuildError("there is no FROM instruction", file)
    if len(stages) > 1:
        raise stages[1].error("several build stages are not implemented here; use one FROM")
    if any(item.keyword != "ARG" for item in instructions[: instructions.index(stages[0])]):
        raise instructions[0].error(f"only ARG may come before FROM, not {instructions[0].keyword}")
    return instructions


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number, line): continuations joined, comments and empty lines left out, also inside a continuation."""
    escape = escape_character(text)
    start, gathered = 0, ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        start = start if gathered else number
        if line.endswith(escape):
            gathered += line[: -len(escape)].rstrip() + " "
            continue
        yield start, (gathered + line).strip()
        gathered = ""
    if gathered.strip():
        yield start, gathered.strip()


def escape_character(text: str) -> str:
    """The line continuation character: a backslash, or what the directive `# escape=` at the top says."""
    for line in text.splitlines():
        match = DIRECTIVE.match(line.strip())
        if match is None:
            break
        if match["name"].lower() == "escape":
            return match["value"]
    return "\\"


def _instruction(line: str, number: int, file: str) -> Instruction:
    keyword, _, rest = line.partition(" ")
    keyword, rest = keyword.upper(), rest.strip()
    if keyword not in KEYWORDS:
        raise BuildError(f"unknown instruction {keyword}", file, number)
    if not rest:
        raise BuildError(f"{keyword} needs an argument", file, number)
    if keyword in ("RUN", "COPY", "ADD") and HEREDOC.search(rest):
        raise BuildError("here-documents are not implemented here; use a file of the build context", file, number)
    flags, value = split_flags(rest)
    return Instruction(keyword, value, number, file, flags)


def split_flags(text: str) -> tuple[dict[str, str], str]:
    """The leading `--name=value` flags, and what follows them."""
    flags: dict[str, str] = {}
    while match := FLAG.match(text):
        flags[match["name"]] = match["value"] or ""
        text = text[match.end() :]
    return flags, text


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME:+word}`; unknown names are empty, `\\$` is a dollar."""

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        held = variables.get(match["plain"] or match["name"], "")
        if match["how"] == "-":
            return held or expand(match["word"], variables)
        if match["how"] == "+":
            return expand(match["word"], variables) if held else ""
        return held

    return VARIABLE.sub(value, text)


def json_words(text: str) -> tuple[str, ...] | None:
    """The words of the exec form `["a", "b"]`; None when the text is not one, so that it is the shell form."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except ValueError:
        return None
    return tuple(words) if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def command_words(text: str, shell: tuple[str, ...]) -> tuple[str, ...]:
    """A command in exec form as it is, one in shell form as the argument of the shell."""
    words = json_words(text)
    return (*shell, text) if words is None else words


def words_of(instruction: Instruction, text: str) -> list[str]:
    """The words of a value in either form, quotes removed. Raises `BuildError` for a quote that is not closed."""
    listed = json_words(text)
    if listed is not None:
        return list(listed)
    try:
        return shlex.split(text)
    except ValueError as error:
        raise instruction.error(f"{instruction.keyword} cannot be split into words: {error}") from error


def pairs_of(instruction: Instruction, text: str) -> dict[str, str]:
    """The pairs of ENV and LABEL: `NAME=value ...`, or the older `NAME value`."""
    name, space, rest = text.partition(" ")
    if "=" not in name:
        if not space:
            raise instruction.error(f"{instruction.keyword} needs a name and a value: {instruction.keyword} NAME=value")
        return {name: rest.strip()}
    pairs = [word.partition("=") for word in words_of(instruction, text)]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise instruction.error(f"{instruction.keyword} has a word without a value: {wrong[0]}")
    return {name: value for name, _, value in pairs}
