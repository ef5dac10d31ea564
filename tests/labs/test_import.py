"""Module 3 in the sandbox: the kit is imported with both of its branches."""

import uuid
from pathlib import Path

from journey.attendee import read_attendee
from journey.day import Day
from journey.day.project import create_project
from journey.day.repository import import_repository
from journey.organization import Organization
from journey.source import make_source
from tests.conftest import Sandbox
from tests.labs.conftest import ROOT, git


def test_the_learner_gets_the_starter_and_the_solution(sandbox: Sandbox, tmp_path: Path) -> None:
    """What `git diff main origin/solution -- labs azure-pipelines.yml` of module 17 needs."""
    name = uuid.uuid4().hex[:7]
    address = make_source(ROOT, tmp_path / "kit")
    variables = {**sandbox.environment, "WORKSHOP_SUFFIX": name}
    attendee = read_attendee(variables, ROOT / "workshop.toml", address, project=f"Labs {name}")
    organization = Organization(attendee.organization, attendee.token)
    try:
        day = Day(attendee, organization, tmp_path / "scratch", lambda _: None)
        create_project(day)
        import_repository(day)
        repository = day.find_repository()
        assert repository is not None
        found = organization.get(day.path(f"git/repositories/{repository['id']}/refs"))
    finally:
        organization.close()
    branches = {one["name"]: one["objectId"] for one in found["value"]}
    source = tmp_path / "kit"
    assert branches == {
        f"refs/heads/{branch}": git(source, "rev-parse", f"refs/heads/{branch}").strip()
        for branch in ("main", "solution")
    }
