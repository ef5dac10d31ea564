"""The attendee's own scripts, run in the clone as they are typed: those of modules 12 to 14 are beside the pipeline."""

import os
import subprocess
import sys
from dataclasses import dataclass

from journey.day.context import Day
from journey.errors import JourneyError

SECONDS = 3600
TAIL = 12


@dataclass(frozen=True)
class Ended:
    """What a script came to, and the lines that it printed."""

    code: int
    lines: tuple[str, ...]

    def says(self, word: str) -> bool:
        return any(word in line for line in self.lines)


def run_script(day: Day, script: str, *arguments: str) -> str:
    """Runs one; its last line. Raises JourneyError, with what it said, unless it ends well."""
    ended = try_script(day, script, *arguments)
    if ended.code:
        raise failed(script, arguments, ended, "exit code 0")
    return ended.lines[-1] if ended.lines else "done"


def try_script(day: Day, script: str, *arguments: str) -> Ended:
    """Runs one, whatever it comes to. It has this shell's identity and the packages of the laptop's environment."""
    done = subprocess.run(
        [sys.executable, f"labs/{script}", *arguments],
        cwd=day.copy.folder,
        env={**os.environ, "WORKSHOP_SUFFIX": day.attendee.suffix, "AZURE_SUBSCRIPTION_ID": day.attendee.subscription},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Ended(done.returncode, tuple(line for line in done.stdout.splitlines() if line.strip()))


def failed(script: str, arguments: tuple[str, ...], ended: Ended, expected: str) -> JourneyError:
    """What is to be said of a script that did not do as it should."""
    command = " ".join(("python", f"labs/{script}", *arguments))
    said = "\n".join(f"  | {line}" for line in ended.lines[-TAIL:])
    return JourneyError(command, f"exit code {ended.code}\n{said}\n ", expected, f"{command}, in your clone")
