"""A fresh world for a test that asks."""

import pytest

from tests.checks.worlds import World
from tests.conftest import Sandbox


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    """An attendee who has made nothing yet."""
    return World(sandbox)
