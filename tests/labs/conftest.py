"""A clone of the kit with one commit, as a learner has it: labs/, solution/ and the pipeline, nothing else."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from manifest import wanted_files

ROOT = Path(__file__).resolve().parents[2]
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "core.autocrlf=false")


def git(folder: Path, *arguments: str, given: str | None = None) -> str:
    """What git prints. Fails the test with what it complained about."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", *IDENTITY, *arguments]
    done = subprocess.run(command, cwd=folder, env=variables, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The folder of the clone."""
    folder = tmp_path / "clone"
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    shutil.copytree(ROOT / "solution", folder / "solution", ignore=ignored)
    shutil.copytree(ROOT / "labs", folder / "labs", ignore=ignored)
    shutil.copy2(ROOT / "workshop.toml", folder / "workshop.toml")
    for name, text in wanted_files(folder).items():
        (folder / name).write_text(text, encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "The kit")
    return folder
