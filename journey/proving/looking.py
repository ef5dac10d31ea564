"""How a proof sees a world: by what the checker prints, which is a program of its own and never imported here."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from journey.errors import JourneyError
from journey.worlds import Ground, World

SECONDS = 300
SEED = "11"
MACHINE = "this machine"


@dataclass(frozen=True)
class Statement:
    """One check of the checker's list. `service` is what it looks at."""

    code: str
    module: str
    service: str


@dataclass(frozen=True)
class Seen:
    """What the checker says of one check. `text` is what it saw, or why it could not look."""

    code: str
    module: str
    outcome: str
    text: str = ""
    hints: tuple[str, ...] = ()


class Checker(Protocol):
    """The checker, however it is run."""

    @property
    def statements(self) -> Sequence[Statement]:
        """Every check there is."""

    def look(self, world: World, codes: Sequence[str]) -> Mapping[str, Seen]:
        """What it says of these checks and of what they need, by code."""


def codes_of(checker: Checker, modules: Collection[str], machine: bool) -> tuple[str, ...]:
    """The codes of these modules; those of checks that look at the attendee's machine only when they are wanted."""
    return tuple(
        one.code for one in checker.statements if one.module in modules and (machine or one.service != MACHINE)
    )


class Command:
    """The `checker` command, one process for every look. Every look raises JourneyError when no report is printed."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    @cached_property
    def statements(self) -> Sequence[Statement]:
        document = self._call(["list", "--format", "json"], {})
        return tuple(Statement(str(one["code"]), str(one["module"]), str(one["service"])) for one in document["checks"])

    def look(self, world: World, codes: Sequence[str]) -> Mapping[str, Seen]:
        if not codes:
            return {}
        options = ["--format", "json", "--seed", SEED, "--config", str(world.file)]
        document = self._call(["check", *codes, *options], world.variables)
        return {str(one["code"]): _seen(one) for one in document["results"]}

    def _call(self, arguments: Sequence[str], variables: Mapping[str, str]) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "checker", *arguments],
            cwd=self._ground.kit,
            env={**os.environ, **self._ground.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            said = done.stderr.strip()[-600:] or done.stdout.strip()[-600:] or f"exit code {done.returncode}"
            raise JourneyError(f"checker {' '.join(arguments[:4])}", said, "a report as JSON") from error


def _seen(result: Mapping[str, Any]) -> Seen:
    finding = result["finding"] or {}
    return Seen(
        code=str(result["code"]),
        module=str(result["module"]),
        outcome=str(result["outcome"]),
        text=str(finding.get("seen", "")),
        hints=tuple(str(hint) for hint in finding.get("hints", ())),
    )
