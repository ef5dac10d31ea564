"""Calls of the kit's own programs on the pages: the command exists, and has the options that it is given.

The measure is the generated page of commands, which a test keeps in step with the programs.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from pages.errors import Problem
from pages.fences import EXECUTED, read_page
from pages.quality import CODE, prose
from pages.site import Site

PROGRAMS = ("checker", "journey", "sandbox")
SHELLS = (EXECUTED, "sh", "")  # a fence without a language holds commands too
CALL = re.compile(rf"(?:^|[\s$(`;|&/])(?P<call>(?:{'|'.join(PROGRAMS)}) [a-z-][^`|;&()\n]*)")
HEADING = re.compile(r"### `(?P<command>[^`]+)`")
OPTION = re.compile(r"`(--?[\w-]+)`")
EVERYWHERE = frozenset({"--help", "--version"})
ELSEWHERE = "reference/"  # made from the programs themselves


def check_programs(site: Site) -> list[Problem]:
    """Every call of a command, or with an option, that no program has. Needs the page of commands."""
    commands = read_commands(site.docs / "reference" / "commands.md")
    return [
        Problem(page, line, message)
        for page in site.pages
        if not page.startswith(ELSEWHERE)
        for line, text in _codes(site.docs, page)
        for message in wrong_calls(text, commands)
    ]


def read_commands(path: Path) -> Mapping[str, frozenset[str]]:
    """The options of each command, as `checker check`."""
    found: dict[str, frozenset[str]] = {}
    command = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if heading := HEADING.match(line):
            command = heading["command"]
            found[command] = frozenset()
        elif command and line.startswith("| `-"):
            found[command] |= frozenset(OPTION.findall(line.split("|")[1]))
    return found


def wrong_calls(text: str, commands: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """What is wrong with the calls in a line of code. A program or a group alone is named, not called."""
    for found in CALL.finditer(text):
        words = _words(found["call"])
        options = {word.partition("=")[0] for word in words if word.startswith("-")} - EVERYWHERE
        name = next((name for name in _names(words) if name in commands), None)
        if name is not None:
            yield from (f"{name} has no option {one}" for one in sorted(options - commands[name]))
        elif options or not _is_group(words, commands):
            yield f"{' '.join(words)}: no such command"


def _words(call: str) -> list[str]:
    """The words of a call; what is not closed on its line is cut at blanks."""
    try:
        return shlex.split(call)
    except ValueError:
        return call.split()


def _names(words: list[str]) -> Iterator[str]:
    for length in (3, 2):
        yield " ".join(words[:length])


def _is_group(words: list[str], commands: Mapping[str, frozenset[str]]) -> bool:
    """Whether this is a program with an option of everywhere, or the name of a group such as `checker cleanup`."""
    named = " ".join(word for word in words if not word.startswith("-"))
    return any(f"{one} ".startswith(f"{named} ") for one in commands)


def _codes(docs: Path, page: str) -> Iterator[tuple[int, str]]:
    """Every line of commands of a page, inline code included."""
    for block in read_page(docs, page):
        if block.language in SHELLS:
            joined = block.text.replace("\\\n", " ")
            yield from ((block.line, line.partition(" #")[0]) for line in joined.splitlines())
    for line in prose((docs / page).read_text(encoding="utf-8")):
        yield from ((line.number, found.strip("`")) for found in CODE.findall(line.text))
