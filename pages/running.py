"""Runs every executable block of pages in their order, as one reader with one shell, from an empty folder."""

import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pages.fences import Block, read_page
from pages.shell import Answer, Shell
from pages.site import Site

KEPT = ("PATH", "LANG", "TMPDIR", "PIP_", "UV_", "SSL_CERT_FILE", "no_proxy", "http_proxy", "https_proxy")
TAIL = 30  # lines of output that a failure shows
# What the reader's own machine has and this one lends: a free port for the sandbox, and environments that are made.
STAND_INS = """
sandbox() { if [ "$1" = up ]; then shift; command sandbox up --port "$PAGES_PORT" "$@"; else command sandbox "$@"; fi; }
"""
LENT = """
make() {
  case " $* " in
    *" install "*) ln -s "$PAGES_LENT/.venv" .venv && ln -s "$PAGES_LENT/.venv-runtime" .venv-runtime \
      && export PYTHONPATH="$PWD" ;;
    *) command make "$@" ;;
  esac
}
"""


@dataclass(frozen=True)
class Finding:
    """A block that did not do what it should, and why."""

    block: Block
    why: str
    output: str

    def __str__(self) -> str:
        shown = "\n".join(self.output.splitlines()[-TAIL:])
        return f"{self.block.place}: {self.why}\n{self.block.text.rstrip()}\n---\n{shown}"


@dataclass
class Outcome:
    """What a run came to: seconds by page, and the findings, of which the first ends the run."""

    seconds: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Reader:
    """Who reads: an empty folder, a checkout, the clone address of the kit, and whether the checkout's environments
    are lent."""

    folder: Path
    checkout: Path
    kit: str
    lends: bool = True

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        return {
            **kept,
            "HOME": str(home),
            "TERM": "dumb",
            "KIT_URL": self.kit,
            "SANDBOX_STATE": str(self.folder / "state"),
            "PAGES_PORT": str(_free_port()),
            "PAGES_LENT": str(self.checkout),
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def preamble(self) -> str:
        return STAND_INS + (LENT if self.lends else "")


def planned(site: Site, pages: Iterable[str]) -> Iterator[Block]:
    """Every block that is bash, in the order in which it would run, with those that do not."""
    for page in pages:
        yield from (block for block in read_page(site.docs, page) if block.language == "bash")


def run_pages(site: Site, pages: Iterable[str], reader: Reader, tell: Callable[[str], None]) -> Outcome:
    """Run pages until the first block that fails, or does not fail as it should. Raises PageError.

    `tell` hears of every block. What the pages started is stopped: the sandbox of the reader's state folder.
    """
    outcome, work = Outcome(), reader.folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    blocks = [block for block in planned(site, pages) if block.runs]
    shell = Shell(work, reader.environment(), reader.folder)
    try:
        shell.run(reader.preamble(), 30)
        for block in blocks:
            answer = shell.run(block.text, block.attributes.timeout)
            outcome.seconds[block.page] = outcome.seconds.get(block.page, 0.0) + answer.seconds
            why = judged(block, answer)
            tell(_line(block, answer, why))
            if why:
                outcome.findings.append(Finding(block, why, answer.output))
                break
    finally:
        shell.close()
        _stop_sandbox(reader)
    return outcome


def _stop_sandbox(reader: Reader) -> None:
    """Whatever became of the shell: a sandbox is a daemon, and outlives it."""
    if (state := reader.folder / "state").exists():
        command = [sys.executable, "-m", "sandbox", "down", "--state", str(state)]
        subprocess.run(command, cwd=reader.checkout, capture_output=True, timeout=60, check=False)


def judged(block: Block, answer: Answer) -> str:
    """Why a block did not do what it should; empty where it did."""
    if answer.timed_out:
        return f"it has not ended after its timeout of {block.attributes.timeout} seconds"
    if answer.status is None:
        return "it ended the shell"
    expected = block.attributes.expect_error
    if expected and answer.succeeded:
        return f"it succeeded, and should have failed: {expected}"
    if expected or answer.succeeded:
        return ""
    return f"it failed with status {answer.status}, first in `{answer.failed or 'its last command'}`"


def _line(block: Block, answer: Answer, why: str) -> str:
    first = next(iter(block.text.strip().splitlines()), "")
    mark = "failed" if why else "hook" if block.hidden else "ran"
    return f"{mark:6} {answer.seconds:6.1f} s  {block.place}  {first[:70]}"


def write_measured(path: Path, outcome: Outcome, today: date) -> None:
    """Seconds of each page's commands, with the day and the machine. Pages that this run did not touch keep theirs."""
    known = json.loads(path.read_text(encoding="utf-8"))["seconds"] if path.exists() else {}
    found = {
        "date": today.isoformat(),
        "machine": f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "seconds": {**known, **{page: round(seconds, 1) for page, seconds in outcome.seconds.items()}},
    }
    path.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
