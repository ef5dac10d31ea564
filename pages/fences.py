"""The blocks of a page: what its fences hold, in order, with the attributes that say how they run.

An attribute stands in a comment before the fence, so that every builder and every reader of the source sees plain
Markdown:

    <!-- run: skip="asks a person" -->            not executed, and why
    <!-- run: expect-error="nothing is made yet" --> has to fail, and why
    <!-- run: timeout=300 -->                     seconds; 120 where nothing is said
    <!-- run: lane=azure -->                      for Azure only: looked at, not executed

    <!-- run: before="git stash" after="git stash pop" -->  hooks: commands that nobody sees, around the block

What nobody sees and has lines of its own is a hook too, at the place where it stands:

    <!-- hook
    commands
    -->

Only `bash` runs. Output is never part of a `bash` block: what a reader should see is said in words.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pages.errors import PageError, Problem

LANES = ("sandbox", "azure")
NAMES = frozenset({"skip", "expect-error", "timeout", "lane", "before", "after"})
SECONDS = 120
EXECUTED = "bash"
FENCE = re.compile(r"(?P<indent>\s*)(?P<marks>`{3,}|~{3,})\s*(?:\{\s*\.)?(?P<language>[\w-]*)")
COMMENT = re.compile(r"\s*<!--\s*run:\s*(?P<text>.*?)\s*-->\s*$")
HOOK = re.compile(r"\s*<!--\s*hook\s*$")
TAB = re.compile(r'(?P<indent>\s*)===\+?!?\s*"(?P<title>[^"]+)"')


@dataclass(frozen=True)
class Attributes:
    """How a block runs. `skip` and `expect_error` are reasons, empty for a block that runs and succeeds; `timeout` is
    in seconds; `before` and `after` are commands."""

    skip: str = ""
    expect_error: str = ""
    timeout: int = SECONDS
    lane: str = "sandbox"
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Block:
    """A fence, or a hook. `line` is that of its first line of text; `tab` the title of the tab it stands in, if any."""

    page: str
    line: int
    language: str
    text: str
    tab: str = ""
    hidden: bool = False
    attributes: Attributes = field(default_factory=Attributes)

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def runs(self) -> bool:
        """Whether the sandbox lane executes it."""
        mine = self.attributes.lane == "sandbox" and not self.attributes.skip
        return self.language == EXECUTED and mine


def read_page(folder: Path, page: str) -> list[Block]:
    """The blocks of a page, in order. Raises PageError."""
    return read_blocks(page, (folder / page).read_text(encoding="utf-8"))


def read_blocks(page: str, text: str) -> list[Block]:
    """The blocks of a page's text, in order. Raises PageError."""
    return list(_Reader(page, text.splitlines()).blocks())


class _Reader:
    """One pass over a page's lines."""

    def __init__(self, page: str, lines: Sequence[str]) -> None:
        self._page = page
        self._lines = lines
        self._at = 0
        self._tab = (0, "")
        self._waiting: tuple[int, Attributes] | None = None

    def blocks(self) -> Iterator[Block]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            self._note_tab(line)
            if HOOK.match(line):
                yield self._hook()
            elif comment := COMMENT.match(line):
                self._waiting = (self._at, _attributes(self._page, self._at, comment["text"]))
            elif fence := FENCE.match(line):
                yield from self._with_hooks(self._fence(fence))
            elif line.strip():
                self._refuse_waiting()
        self._refuse_waiting()

    def _note_tab(self, line: str) -> None:
        if found := TAB.match(line):
            self._tab = (len(found["indent"]) + 1, found["title"])
        elif line.strip() and len(line) - len(line.lstrip()) < self._tab[0]:
            self._tab = (0, "")

    def _hook(self) -> Block:
        start = self._at
        lines = self._until(lambda line: line.strip() == "-->", "a hook that no --> ends")
        return Block(self._page, start + 1, EXECUTED, _dedent(lines, 0), self._tab[1], hidden=True)

    def _fence(self, fence: re.Match[str]) -> Block:
        start, marks = self._at, fence["marks"]
        lines = self._until(lambda line: line.strip() == marks, f"a fence that no {marks} ends")
        attributes = self._waiting[1] if self._waiting else Attributes()
        if self._waiting and fence["language"] != EXECUTED:
            raise PageError(Problem(self._page, self._waiting[0], "run: stands before a fence that is not bash"))
        self._waiting = None
        text = _dedent(lines, len(fence["indent"]))
        return Block(self._page, start + 1, fence["language"], text, self._tab[1], attributes=attributes)

    def _with_hooks(self, block: Block) -> Iterator[Block]:
        given = block.attributes
        for text in (given.before, None, given.after):
            if text is None:
                yield block
            elif text:
                timeout = Attributes(timeout=given.timeout)
                yield Block(block.page, block.line, EXECUTED, f"{text}\n", block.tab, hidden=True, attributes=timeout)

    def _until(self, is_end: Callable[[str], bool], message: str) -> Sequence[str]:
        start = self._at
        for index in range(start, len(self._lines)):
            if is_end(self._lines[index]):
                self._at = index + 1
                return self._lines[start:index]
        raise PageError(Problem(self._page, start, message))

    def _refuse_waiting(self) -> None:
        if self._waiting:
            raise PageError(Problem(self._page, self._waiting[0], "run: stands before no fence"))


def _dedent(lines: Sequence[str], indent: int) -> str:
    """Lines without the fence's own indentation; deeper indentation is the text's."""
    return "".join(f"{line[indent:] if not line[:indent].strip() else line}\n" for line in lines)


def _attributes(page: str, line: int, text: str) -> Attributes:
    """Raises PageError for an attribute that does not exist, has no value, or a value that it cannot have."""
    given = dict(_pairs(page, line, text))
    unknown = given.keys() - NAMES
    if unknown:
        raise PageError(Problem(page, line, f"run: knows no attribute {', '.join(sorted(unknown))}"))
    if not given.get("timeout", "1").isdigit():
        raise PageError(Problem(page, line, f"timeout is a number of seconds; this is {given['timeout']}"))
    if given.get("lane", LANES[0]) not in LANES:
        raise PageError(Problem(page, line, f"lane is one of {', '.join(LANES)}; this is {given['lane']}"))
    return Attributes(
        given.get("skip", ""),
        given.get("expect-error", ""),
        int(given.get("timeout", SECONDS)),
        given.get("lane", LANES[0]),
        given.get("before", ""),
        given.get("after", ""),
    )


def _pairs(page: str, line: int, text: str) -> Iterator[tuple[str, str]]:
    for word in shlex.split(text):
        name, _, value = word.partition("=")
        if not value:
            raise PageError(Problem(page, line, f'{name} has no value: give the reason, as in {name}="..."'))
        yield name, value
