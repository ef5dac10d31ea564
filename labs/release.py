"""The release passport: one JSON file that follows a release from the commit to production.

Each step reads what it needs from the steps before and writes one section. A pipeline hands the file from stage to
stage as an artifact. It holds names, versions, digests and addresses; never a key.

    python labs/release.py staging.url        # prints one value, for a shell
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import workshop

# In the order in which the steps write them: a section that is written again makes the ones after it void.
SECTIONS = ("source", "data", "training", "evaluation", "model", "image", "staging", "production")
WRITTEN_BY = {
    "source": "data/register_data.py",
    "data": "data/register_data.py",
    "training": "training/submit_training.py",
    "evaluation": "training/submit_evaluation.py",
    "model": "training/register.py",
    "image": "image/package.py",
    "staging": "deployment/staging.py",
    "production": "deployment/production.py",
}
FORMAT = 1
NAME = "release.json"


def parser(description: str | None) -> argparse.ArgumentParser:
    """Returns a step's command line, with the option that says where the passport is."""
    result = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    result.add_argument("--release", type=Path, default=Path("build") / NAME, help="the release passport (%(default)s)")
    return result


def read(path: Path) -> dict[str, Any]:
    """Returns the passport; an empty one when there is no file. Raises ConfigurationError for a file that is none."""
    if not path.is_file():
        return {"format": FORMAT}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise workshop.ConfigurationError(
            f"{path} is no JSON: {problem}. Delete it and start with the first step."
        ) from problem
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise workshop.ConfigurationError(f"{path} is no release passport of format {FORMAT}.")
    return document


def need(document: dict[str, Any], section: str, key: str) -> str:
    """Returns one value. Raises ConfigurationError, naming the step that writes it, when it is not there."""
    value = document.get(section, {}).get(key)
    if value is None:
        raise workshop.ConfigurationError(
            f"The release has no {section}.{key} yet: run labs/{WRITTEN_BY[section]} first."
        )
    return str(value)


def extend(path: Path, section: str, values: dict[str, Any]) -> dict[str, Any]:
    """Writes one section and drops the ones after it; returns the passport. The file is replaced as a whole."""
    document = read(path)
    for later in SECTIONS[SECTIONS.index(section) :]:
        document.pop(later, None)
    document[section] = values
    write(path, document)
    return document


def write(path: Path, document: dict[str, Any]) -> None:
    """Replaces the file by a complete one: whoever reads it meanwhile sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False) as text:
        text.write(json.dumps(document, indent=1) + "\n")
    try:
        # A temporary file is private to its owner; the passport holds no secret, and another user may run the next job.
        Path(text.name).chmod(0o644)
        Path(text.name).replace(path)
    except BaseException:
        Path(text.name).unlink(missing_ok=True)
        raise


def source() -> dict[str, str]:
    """Returns where the release comes from. Azure Pipelines says it; on a laptop git knows the commit."""
    return {
        "commit": os.environ.get("BUILD_SOURCEVERSION") or head_commit(),
        "build": os.environ.get("BUILD_BUILDID") or "local",
    }


def head_commit() -> str:
    """Returns the checked-out commit. Raises ConfigurationError where there is none."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, cwd=workshop.find_root(), capture_output=True, text=True, check=False)
    except FileNotFoundError as problem:
        raise workshop.ConfigurationError("git is not installed: set BUILD_SOURCEVERSION to the commit.") from problem
    if done.returncode != 0:
        raise workshop.ConfigurationError(
            "A release starts from a commit, and git names none here: commit the project, or set BUILD_SOURCEVERSION.\n"
            f"git said: {done.stderr.strip()}"
        )
    return done.stdout.strip()


def write_key(path: Path, key: str) -> None:
    """Writes a key to a file that only its owner can read, from the first byte on. An old file is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as text:
        text.write(key)


def main() -> int:
    """Prints one value of the passport."""
    options = parser(__doc__)
    options.add_argument("value", help="section.key, such as staging.url")
    chosen = options.parse_args()
    section, _, key = chosen.value.partition(".")
    if section not in SECTIONS or not key:
        raise workshop.ConfigurationError(
            f"{chosen.value!r} is no section.key; the sections are {', '.join(SECTIONS)}."
        )
    print(need(read(chosen.release), section, key))
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
