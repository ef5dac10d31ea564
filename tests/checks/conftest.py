"""A fresh world for a test that asks."""

import pytest

from tests.checks.workplace import Workplace
from tests.checks.worlds import World
from tests.conftest import Sandbox


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    """An attendee who has made nothing yet."""
    return World(sandbox)


@pytest.fixture
def workplace(world: World) -> Workplace:
    """The same attendee's project on Azure DevOps, not made yet."""
    return Workplace(world, f"AI Dev {world.suffix}")
