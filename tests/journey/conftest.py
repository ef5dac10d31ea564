"""A service to talk to, and an attendee who talks to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from journey.attendee import Attendee, read_attendee
from journey.day import Day
from journey.organization import Organization
from tests.journey.service import Service, serve

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def service() -> Iterator[Service]:
    """Knows no route until the test names one."""
    with serve() as running:
        yield running


@pytest.fixture
def attendee(service: Service) -> Attendee:
    """Somebody with a token and the suffix ada1."""
    environment = {
        "AZURE_DEVOPS_ORG_URL": service.url,
        "AZURE_DEVOPS_EXT_PAT": "token-of-ada",
        "AZURE_SUBSCRIPTION_ID": "11111111-1111-1111-1111-111111111111",
        "WORKSHOP_SUFFIX": "ada1",
    }
    return read_attendee(environment, ROOT / "workshop.toml", "https://example.org/kit.git")


@pytest.fixture
def told() -> list[str]:
    """What the day says, line by line."""
    return []


@pytest.fixture
def day(attendee: Attendee, told: list[str], tmp_path: Path) -> Iterator[Day]:
    """The attendee's day."""
    organization = Organization(attendee.organization, attendee.token)
    yield Day(attendee, organization, tmp_path, told.append)
    organization.close()
