"""The attendee's clone: the kit's starter with the modules done that the attendee has done, in a git repository."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from journey.errors import JourneyError
from manifest import wanted_files

PASSPORT = "labs/passport.toml"
IGNORED = shutil.ignore_patterns("__pycache__", ".pytest_cache")
COPIED = ("labs", "solution")
IDENTITY = ("-c", "user.name=Ada Attendee", "-c", "user.email=ada@example.org")


def write_clone(kit: Path, folder: Path, last: int) -> None:
    """Fills a folder, in which workshop.toml may lie already, with the kit as it is after module `last`."""
    for name in COPIED:
        shutil.copytree(kit / name, folder / name, ignore=IGNORED, dirs_exist_ok=True)
    for name, text in wanted_files(kit, [f"M{number}" for number in range(last + 1)]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def commit_clone(folder: Path, message: str = "Import the kit") -> None:
    """A commit of all that lies there, in a repository that is made where it is missing. Raises JourneyError."""
    if not (folder / ".git").is_dir():
        run_git(folder, "init", "--quiet", "--initial-branch", "main")
    run_git(folder, "add", "--all")
    run_git(folder, *IDENTITY, "commit", "--quiet", "--allow-empty", "--message", message)


def run_git(folder: Path, *arguments: str) -> str:
    """What git prints. Raises JourneyError when it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(["git", *arguments], cwd=folder, env=kept, capture_output=True, text=True, check=False)
    if done.returncode:
        raise JourneyError(f"git {arguments[0]} in {folder}", done.stderr.strip(), "success")
    return done.stdout


def write_passport(folder: Path, values: Mapping[str, str]) -> None:
    """Fills in the five lines."""
    lines = [f'{key} = "{value}"' for key, value in values.items()]
    (folder / PASSPORT).write_text("\n".join(lines) + "\n", encoding="utf-8")
