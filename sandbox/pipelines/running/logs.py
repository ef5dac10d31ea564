"""A step's output on its way: lines to a file as they come, and to every reader of events in bounded batches.

Nothing is kept. What is not yet a whole line waits, at most about a mebibyte of it; secrets are masked before anything
is written, also where one lies across the border of two chunks.
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from sandbox.pipelines.commands import PREFIX
from sandbox.pipelines.masking import Masker

LONGEST_LINE = 1024 * 1024
TIME_CHARACTERS = len("2026-01-01T00:00:00.0000000Z ")

# Takes a line with a logging command in it; gives the line to show instead, or None for none.
OnCommand = Callable[[str], str | None]
OnLines = Callable[[int, tuple[str, ...]], None]


class StepLog:
    """The log of one step. Belongs to the step's thread."""

    def __init__(
        self, path: Path, masker: Masker, now: Callable[[], datetime], on_lines: OnLines, on_command: OnCommand
    ) -> None:
        self.path = path
        self.lines = 0
        self._masker = masker
        self._now = now
        self._on_lines = on_lines
        self._on_command = on_command
        self._waiting = b""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, *lines: str) -> None:
        """Whole lines, or texts of several, of the agent's own: no command in them is carried out."""
        self._show([line for text in lines for line in text.split("\n")])

    def feed(self, chunk: bytes) -> None:
        """A piece of a command's output."""
        head, newline, tail = (self._waiting + chunk).rpartition(b"\n")
        self._waiting = tail
        if newline:
            self._read(head.decode("utf-8", "replace"))
        if len(self._waiting) > LONGEST_LINE:
            self._cut()

    def flush(self) -> None:
        """The command has ended: what waits is a line too."""
        waiting, self._waiting = self._waiting, b""
        if waiting:
            self._read(waiting.decode("utf-8", "replace"))

    def close(self) -> None:
        self.flush()
        os.close(self._descriptor)

    def _read(self, text: str) -> None:
        if "\r" in text:
            text = "\n".join(line.removesuffix("\r") for line in text.split("\n"))
        lines = text.split("\n")
        if PREFIX not in text:
            self._show(lines)
            return
        plain: list[str] = []
        for line in lines:
            if PREFIX not in line:
                plain.append(line)
                continue
            self._show(plain)
            plain = []
            shown = self._on_command(line)
            if shown is not None:
                self._show([shown])
        self._show(plain)

    def _cut(self) -> None:
        """Write the beginning of a line that does not end, broken into one of its own."""
        end = len(self._waiting) - 4
        while end and self._waiting[end] & 0xC0 == 0x80:  # the bytes of one character stay together
            end -= 1
        whole = self._waiting[:end]
        text = whole.decode("utf-8", "replace")
        done, rest = self._masker.split(text)
        self._waiting = rest.encode() + self._waiting[len(whole) :]
        if done:
            self._put([done])

    def _show(self, lines: Sequence[str]) -> None:
        if lines:
            self._put(self._masker.mask("\n".join(lines)).split("\n"))

    def _put(self, lines: list[str]) -> None:
        stamp = f"{self._now():%Y-%m-%dT%H:%M:%S.%f}0Z "
        text = "".join(f"{stamp}{line}\n" for line in lines)
        data = memoryview(text.encode("utf-8", "replace"))
        while data:
            data = data[os.write(self._descriptor, data) :]
        first = self.lines + 1
        self.lines += len(lines)
        self._on_lines(first, tuple(lines))


def read_tail(path: Path, most_lines: int, most_bytes: int = 4 * LONGEST_LINE) -> list[str]:
    """The last lines of a log without their times; reads no more than that many bytes."""
    with path.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(0, size - most_bytes))
        text = log.read().decode("utf-8", "replace")
    lines = text.split("\n")[:-1]
    if size > most_bytes:
        lines = lines[1:]
    return [line[TIME_CHARACTERS:] for line in lines[-most_lines:]]
