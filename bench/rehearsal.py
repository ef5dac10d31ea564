"""The whole solution once, then the checker several times on what it made."""

import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from bench.measure import seconds_of
from journey.cli import REPOSITORY, SUFFIX
from journey.local import running_sandbox
from journey.rehearsal import Runner
from journey.steps import solution_steps

CHECKS = 3


def rehearse(folder: Path) -> dict[str, Any]:
    """Step seconds, the ratio of the whole to its steps, and what a check of one attendee costs."""
    folder.mkdir()
    release = folder / "release.json"
    steps: dict[str, float] = {}

    def walk() -> dict[str, Any]:
        with running_sandbox(folder / "state") as environment:
            runner = Runner(REPOSITORY, folder, release, {**environment, "WORKSHOP_SUFFIX": SUFFIX})
            for result in runner.run(solution_steps(release, folder)):
                if result.code:
                    raise RuntimeError(f"{result.step.title} failed:\n{result.log.read_text()}")
                steps[result.step.title] = round(result.seconds, 2)
            key = (folder / "staging.key").read_text().strip()
            return _check({**os.environ, **environment, "WORKSHOP_SUFFIX": SUFFIX, "WORKSHOP_STAGING_KEY": key})

    checked: dict[str, Any] = {}
    total = seconds_of(lambda: checked.update(walk()))
    spent = sum(steps.values()) + checked.pop("spent")
    return {"rehearse_steps": steps, "rehearse_to_steps_ratio": total / spent, **checked}


def _check(environment: dict[str, str]) -> dict[str, Any]:
    import subprocess

    command = [sys.executable, "-m", "checker", "check", "--format", "json"]
    times, report = [], {}
    for _ in range(CHECKS):
        done: list[str] = []

        def once(done: list[str] = done) -> None:
            finished = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True)
            done.append(finished.stdout)

        times.append(seconds_of(once))
        report = json.loads(done[0])
    return {
        "check_one_attendee_seconds": statistics.median(times),
        "check_one_attendee_calls": sum(report["calls"].values()),
        "spent": sum(times),
    }
