"""The steps of the workshop, as commands of the attendee's project."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One command. `scoring` names the release section and key file that an integration test reads its target from."""

    title: str
    command: tuple[str, ...]
    scoring: tuple[str, Path] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def solution_steps(release: Path, keys: Path) -> tuple[Step, ...]:
    """Every step of the finished project, in order. `release` is the passport that they hand on."""
    staging, production = keys / "staging.key", keys / "production.key"
    passport = ("--release", str(release))
    return (
        Step("provision the workspace", _script("provision.py")),
        Step("check the data", _pytest("data_quality")),
        Step("register the data", _script("data/register_data.py", *passport)),
        Step("train in a job", _script("training/submit_training.py", *passport)),
        Step("evaluate in a job", _script("training/submit_evaluation.py", *passport)),
        Step("register the model", _script("training/register.py", *passport)),
        Step("package one image", _script("image/package.py", *passport)),
        Step("deploy to staging", _script("deployment/staging.py", *passport, "--key-file", str(staging))),
        Step("test staging", _pytest("integration"), ("staging", staging)),
        Step("deploy to production", _script("deployment/production.py", *passport, "--key-file", str(production))),
        Step("test production", _pytest("integration"), ("production", production)),
    )


def scoring_variables(release: Path, section: str, key_file: Path) -> dict[str, str]:
    """The address and key file that an integration test takes from its environment."""
    url = json.loads(release.read_text(encoding="utf-8"))[section]["url"]
    return {"SCORING_URL": url, "SCORING_KEY_FILE": str(key_file)}


def _script(path: str, *options: str) -> tuple[str, ...]:
    return (sys.executable, f"solution/{path}", *options)


def _pytest(folder: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"solution/tests/{folder}")
