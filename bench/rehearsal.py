"""The whole solution once, then the checker several times on what it made."""

import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
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
            # By hand there is no organisation, so the checker must not look for one.
            alone = {name: value for name, value in environment.items() if not name.startswith("AZURE_DEVOPS_")}
            runner = Runner(REPOSITORY, folder, release, {**alone, "WORKSHOP_SUFFIX": SUFFIX})
            for result in runner.run(solution_steps(release, folder)):
                if result.code:
                    raise RuntimeError(f"{result.step.title} failed:\n{result.log.read_text()}")
                steps[result.step.title] = round(result.seconds, 2)
            key = (folder / "staging.key").read_text().strip()
            return _check(
                {**os.environ, **alone, "WORKSHOP_SUFFIX": SUFFIX, "WORKSHOP_STAGING_KEY": key}, folder / "state"
            )

    checked: dict[str, Any] = {}
    total = seconds_of(lambda: checked.update(walk()))
    spent = sum(steps.values()) + checked.pop("spent")
    return {"rehearse_steps": steps, "rehearse_to_steps_ratio": total / spent, **checked}


def _check(environment: Mapping[str, str], state: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "checker", "check", "--no-devops", "--format", "json"]
    times, counts = [], []
    for _ in range(CHECKS):
        before = _calls_seen(environment, state)
        printed: list[str] = []
        times.append(seconds_of(lambda out=printed: out.append(_output(command, environment))))
        seen = _calls_seen(environment, state) - before
        # Staging answers at an address of its own, so the sandbox does not see those calls.
        to_staging = json.loads(printed[0])["calls"]["scores"] - seen["endpoint_score"]
        counts.append(seen.total() + to_staging)
    return {
        "check_one_attendee_seconds": statistics.median(times),
        "check_one_attendee_calls": statistics.median(counts),
        "spent": sum(times),
    }


def _output(command: list[str], environment: Mapping[str, str]) -> str:
    return subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True).stdout


def _calls_seen(environment: Mapping[str, str], state: Path) -> Counter[str]:
    """Every request the sandbox has seen, by operation, tokens and metadata included."""
    import requests

    secret = json.loads((state / "server.json").read_text())["secret"]
    answer = requests.get(
        f"{environment['AZURE_AUTHORITY_HOST']}/_sandbox/calls",
        headers={"x-sandbox-secret": secret},
        verify=environment["REQUESTS_CA_BUNDLE"],
        timeout=10,
    )
    return Counter({name: count for name, count in answer.json().items() if not name.startswith("sandbox_")})
