"""From nothing to the start of module 12 by one command, and the same command again: then nothing is left to do."""

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from journey.attendee import read_attendee
from journey.day import Day
from journey.day.versions import list_versions
from journey.organization import Organization
from journey.source import make_source
from tests.conftest import Sandbox

ROOT = Path(__file__).resolve().parents[2]
LAST = 11


def state(day: Day) -> dict[str, Any]:
    """Everything that a second walk must leave as it is."""
    path = day.path(f"git/repositories/{day.repository['id']}")
    builds = day.organization.list(day.path("build/builds"))
    return {
        "branches": sorted((one["name"], one["objectId"]) for one in day.organization.list(f"{path}/refs")),
        "runs": [(one["id"], one["reason"], one["result"]) for one in builds],
        "versions": [one.number for one in list_versions(day)],
        "policies": [one["id"] for one in day.organization.list(day.path("policy/configurations"))],
    }


@pytest.mark.walk
@pytest.mark.timeout(900)
def test_a_catch_up_needs_two_runs_and_a_second_one_none(
    sandbox: Sandbox, runtime_python: Path, tmp_path: Path
) -> None:
    """One run for the first version, one that a merge starts for the second, one that is stopped. All checks pass."""
    suffix, clone = uuid.uuid4().hex[:7], tmp_path / "AIDevCollege"
    environment = {
        **os.environ,
        **sandbox.environment,
        "WORKSHOP_SUFFIX": suffix,
        "WORKSHOP_RUNTIME": str(runtime_python),
        "MLOPS_CHECKER_HOME": str(tmp_path / "progress"),
    }
    source, project = make_source(ROOT, tmp_path / "source"), f"Late {suffix}"

    def call(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    walk = ("journey", "run", "--to", str(LAST), "--source", source, "--project", project, "--clone", str(clone))
    call(*walk)
    attendee = read_attendee(environment, ROOT / "workshop.toml", source, project)
    organization = Organization(attendee.organization, attendee.token)
    try:
        first = state(Day(attendee, organization, tmp_path, lambda _: None))
        assert sorted(one[1:] for one in first["runs"]) == [
            ("individualCI", "succeeded"),
            ("manual", "failed"),
            ("manual", "succeeded"),
        ]
        assert first["versions"] == [1, 2]
        said = call(*walk)
        assert state(Day(attendee, organization, tmp_path, lambda _: None)) == first
    finally:
        organization.close()
    assert "pushed as" not in said
    assert "started" not in said.replace("(started by hand)", "")
    settings = clone / "workshop.toml"
    settings.write_text(settings.read_text().replace('"AIDevCollege"', f'"{project}"'), encoding="utf-8")
    environment["WORKSHOP_STAGING_KEY"] = (clone / "build" / "staging.key").read_text(encoding="utf-8").strip()
    modules = [f"M{number}" for number in range(1, LAST + 1)]
    assert "all is well" in call("checker", "check", *modules, "--config", str(settings))
