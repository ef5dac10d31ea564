"""npm packages for tests: fetched once, kept in pytest's cache. Without node or a registry the tests are skipped."""

import json
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

PATIENCE = 180


def install_packages(folder: Path, *packages: str) -> Path:
    """Have packages, each `name@version`, beneath node_modules of a folder below this one. Gives that folder.

    Installed beside it and moved into place: an installation that was cut short, or another test process that installs
    at the same time, is never seen.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip(f"node and npm are not installed: {' '.join(packages)} cannot run")
    place = folder / "-".join(package.replace("/", "_") for package in packages)
    if not all(_is_installed(place, *package.rsplit("@", 1)) for package in packages):
        scratch = Path(tempfile.mkdtemp(dir=folder))
        fetch([npm, "install", "--no-audit", "--no-fund", "--prefix", str(scratch), *packages], scratch)
        with suppress(OSError):  # another process was first, with the same packages
            scratch.rename(place)
    return place


def _is_installed(folder: Path, name: str, version: str) -> bool:
    described = folder / "node_modules" / name / "package.json"
    return described.is_file() and json.loads(described.read_text(encoding="utf-8"))["version"] == version


def fetch(command: list[str], folder: Path) -> None:
    """Runs an installer. Skips the tests, with its last words, when it cannot reach a registry."""
    program = Path(command[0]).name
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{program} got no answer from its registry within {PATIENCE} seconds")
    if done.returncode:
        pytest.skip(f"{program} cannot fetch what the tests run: {done.stderr.strip()[-300:]}")
