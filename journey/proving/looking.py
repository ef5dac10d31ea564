"""How a proof sees a world: by what the checker prints, which is a program of its own and never imported here."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from journey.errors import JourneyError
from journey.worlds import World

SECONDS = 300
SEED = "11"


@dataclass(frozen=True)
class Seen:
    """What the checker says of one check. `text` is what it saw, or why it could not look."""

    code: str
    module: str
    outcome: str
    text: str = ""
    hints: tuple[str, ...] = ()


Look = Callable[[World, tuple[str, ...]], Mapping[str, Seen]]
"""What the checker says of a world, by code: all checks of these modules, and what they need."""


def call_checker(world: World, modules: tuple[str, ...]) -> Mapping[str, Seen]:
    """Runs the `checker` command. Raises JourneyError when it prints no report."""
    command = [sys.executable, "-m", "checker", "check", *modules, "--format", "json", "--seed", SEED]
    done = subprocess.run(
        [*command, "--config", str(world.file)],
        cwd=world.folder,
        env={**os.environ, **world.ground.environment, **world.variables, "PYTHONPATH": str(world.ground.kit)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    try:
        document = json.loads(done.stdout)
    except ValueError as error:
        said = done.stderr.strip()[-600:] or done.stdout.strip()[-600:]
        raise JourneyError(f"checker check {' '.join(modules)}", said, "a report as JSON") from error
    return {str(one["code"]): _seen(one) for one in document["results"]}


def _seen(result: Mapping[str, Any]) -> Seen:
    finding = result["finding"] or {}
    return Seen(
        code=str(result["code"]),
        module=str(result["module"]),
        outcome=str(result["outcome"]),
        text=str(finding.get("seen", "")),
        hints=tuple(str(hint) for hint in finding.get("hints", ())),
    )
