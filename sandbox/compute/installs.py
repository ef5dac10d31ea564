"""What a RUN instruction installs with pip or conda, read from its shell text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.compute.dockerfile import Instruction, json_words
from sandbox.compute.environments import Requirements, parse_conda, parse_requirements

COMMAND_BREAK = re.compile(r"\s*(?:&&|\|\||;|\|)\s*")
PYTHON = re.compile(r"^(.*/)?python[0-9.]*$")
PIP = re.compile(r"^(.*/)?pip[0-9.]*$")
CONDA = re.compile(r"^(.*/)?(conda|mamba|micromamba)$")

# Options of `pip install` and `conda env` that take the next word as their value.
WITH_VALUE = frozenset(
    {
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "--trusted-host",
        "--timeout",
        "--retries",
        "--proxy",
    }
    | {
        "--cert",
        "-t",
        "--target",
        "--prefix",
        "--root",
        "--progress-bar",
        "--cache-dir",
        "--log",
        "--platform",
        "--src",
    }
    | {"--python-version", "--only-binary", "--no-binary", "-n", "--name", "-p", "--solver"}
)

Kind = Literal["pip", "conda", "other"]


@dataclass(frozen=True)
class Install:
    """One command of a RUN: what it is, its text, the packages it names and the files it reads them from."""

    kind: Kind
    text: str
    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def installs_of(instruction: Instruction, value: str) -> list[Install]:
    """The commands of a RUN, in order; those that install nothing we can compare are of kind `other`."""
    listed = json_words(value)
    commands = [" ".join(map(shlex.quote, listed))] if listed is not None else COMMAND_BREAK.split(value)
    return [_install(instruction, command) for command in commands if command.strip()]


def _install(instruction: Instruction, command: str) -> Install:
    try:
        words = shlex.split(command)
    except ValueError:
        return Install("other", command)  # quotes that span a break: not a plain pip command
    rest = pip_arguments(words)
    if rest is not None:
        packages, files = _read_arguments(instruction, rest, ("-r", "--requirement"))
        return Install("pip", command, packages, files)
    if len(words) > 3 and CONDA.match(words[0]) and words[1] == "env" and words[2] in ("create", "update"):
        _, files = _read_arguments(instruction, words[3:], ("-f", "--file"))
        return Install("conda", command, (), files)
    return Install("other", command)


def pip_arguments(words: Sequence[str]) -> list[str] | None:
    """What follows `pip install` or `python -m pip install`; None for any other command."""
    if len(words) > 2 and PIP.match(words[0]) and words[1] == "install":
        return list(words[2:])
    if len(words) > 4 and PYTHON.match(words[0]) and list(words[1:4]) == ["-m", "pip", "install"]:
        return list(words[4:])
    return None


def _read_arguments(
    instruction: Instruction, words: Sequence[str], file_options: tuple[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    packages: list[str] = []
    files: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in file_options:
            files.append(value if equals else next(rest, ""))
        elif word.startswith(file_options[0]) and not word.startswith("--"):
            files.append(word[len(file_options[0]) :])
        elif word in ("-c", "--constraint", "-e", "--editable"):
            packages.append(f"{word} {next(rest, '')}")
        elif word in WITH_VALUE:
            next(rest, "")
        elif not word.startswith("-"):
            packages.append(word)
    if "" in files:
        raise instruction.error(f"{file_options[0]} names no file")
    return tuple(packages), tuple(files)


def requirements_of(install: Install, read: Callable[[str], str]) -> Requirements:
    """What the command installs. Raises `RequirementsError` for a line or a file that is not understood."""
    parse_file = parse_conda if install.kind == "conda" else parse_requirements
    found = parse_requirements("\n".join(install.packages), read)
    for file in install.files:
        found += parse_file(read(file), read)
    return found
