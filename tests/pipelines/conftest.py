"""Cases of the pipelines library run with nobody's identity: a sandbox of the same test process may have set one."""

import os

import pytest

from tests.conftest import SDK_VARIABLES


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in os.environ if one.startswith(SDK_VARIABLES)]:
        monkeypatch.delenv(name)
