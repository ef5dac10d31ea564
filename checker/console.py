"""The one place that writes: text for a person or a program, and one screen on why the checker cannot go on."""

import os
import sys
from pathlib import Path
from typing import TextIO

from checker.errors import CheckerError
from checker.reports import View
from checker.settings import ConfigurationError
from checker.store import home

WIDEST = 120  # characters


def write(text: str, stream: TextIO | None = None) -> None:
    """Write to stdout, or to another stream; what its encoding does not have becomes a question mark."""
    out = stream or sys.stdout
    encoding = out.encoding or "ascii"
    out.write(text.encode(encoding, errors="replace").decode(encoding))
    out.flush()


def write_problem(problem: CheckerError | ConfigurationError) -> None:
    """One screen, to stderr."""
    from checker.reports.terminal import render_problem

    screen = view(sys.stderr)
    write(render_problem(problem.looked_at, problem.seen, problem.expected, problem.commands, screen), sys.stderr)


def view(stream: TextIO, hints: int = 1, verbose: bool = False) -> View:
    """How a person sees what goes to this stream."""
    import shutil

    colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = min(shutil.get_terminal_size((100, 24)).columns, WIDEST)
    return View(hints, verbose, colour, _takes_symbols(stream), width, log_file())


def log_file() -> Path:
    """Where defects of the checker are written to."""
    return home() / "checker.log"


def _takes_symbols(stream: TextIO) -> bool:
    try:
        "✓✗·→…".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
