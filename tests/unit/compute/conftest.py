"""Children of the tests: every one is ended with its test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Runtime


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path / "records")
    yield made
    made.stop_all(1.0)


@pytest.fixture
def runtime() -> Runtime:
    """The interpreter the tests run in: enough wherever no model is served."""
    return Runtime(Path(sys.executable))


@pytest.fixture(scope="session")
def served_runtime(runtime_python: Path) -> Runtime:
    """The real runtime environment, with the inference server."""
    return Runtime(runtime_python)
