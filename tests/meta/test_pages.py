"""Generated pages are in step with what they are generated from."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_page_of_operations_is_in_step() -> None:
    script = REPOSITORY / "docs" / "reference" / "write_operations.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, "docs/reference/operations.md is out of step: make operations" + done.stderr


def test_operation_names_are_one_to_a_handler() -> None:
    """A name that stands for two templates must still be one thing to do: faults and coverage hang on names."""
    import tempfile

    from sandbox.app import build
    from sandbox.settings import Settings

    with tempfile.TemporaryDirectory() as scratch:
        application = build(Settings(Path(scratch)))
        handlers: dict[str, set[str]] = {}
        for operation in application.router.operations:
            handler = getattr(operation.handler, "__qualname__", repr(operation.handler))
            handlers.setdefault(operation.name, set()).add(handler)
        application.close()
    assert {name: found for name, found in handlers.items() if len(found) > 1} == {}
