"""`checker hint` against the sandbox: one rung at a time, over several processes, for one person."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from journey.worlds.wire import soon
from tests.checks.worlds import World
from tests.conftest import REPOSITORY


class Person:
    """Somebody at a terminal who types checker commands about a world."""

    def __init__(self, world: World, home: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKSHOP_")}
        own = {"WORKSHOP_SUFFIX": world.suffix, "MLOPS_CHECKER_HOME": str(home), "PYTHONUTF8": "1"}
        self.environment = {**kept, **world.sandbox.environment, **own}

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "checker", *words],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )

    def looks(self, code: str) -> dict[str, Any]:
        """The result of a check that needs nothing."""
        return dict(json.loads(self.types("check", code, "--format", "json").stdout)["results"][0])


@pytest.fixture
def person(world: World, tmp_path: Path) -> Person:
    return Person(world, tmp_path / "home")


def test_hints_come_one_by_one_and_the_progress_knows(world: World, person: Person) -> None:
    world.make_group()
    blocked = person.types("hint", "WSP003")
    assert blocked.returncode == 3
    assert "checker hint WSP002" in blocked.stdout
    first = person.types("hint", "wsp002")
    again = person.types("hint", "WSP002")
    assert first.returncode == 1
    assert "hint 1/" in first.stdout
    assert first.stdout == again.stdout
    rungs = int(first.stdout.split("hint 1/")[1].split()[0])
    shown = [person.types("hint", "WSP002", "--more").stdout for _ in range(rungs)]
    assert f"hint {rungs}/{rungs}" in shown[-1]
    assert "for you only" in shown[-1]
    entry = json.loads(person.types("progress", "--format", "json").stdout)["checks"]["WSP002"]
    assert (entry["outcome"], entry["hints_used"], entry["first_passed_at"]) == ("fail", rungs, None)


def test_a_check_that_passes_needs_no_hint_and_its_first_pass_outlives_it(world: World, person: Person) -> None:
    world.make_group()
    done = person.types("hint", "WSP001")
    assert done.returncode == 0
    assert "hint" not in done.stdout
    first = person.looks("WSP001")["first_passed_at"]
    assert first
    world.call("DELETE", world.group, None, "2021-04-01")
    report = soon(lambda: person.looks("WSP001"), lambda found: found["outcome"] == "fail", "the group is gone")
    assert (report["outcome"], report["first_passed_at"]) == ("fail", first)
    text = person.types("progress").stdout
    assert "[x] WSP001" in text
    assert "to fix for" in text
