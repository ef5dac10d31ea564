"""Where the checker keeps what stays on this machine."""

import os
from collections.abc import Mapping
from pathlib import Path

HOME = "MLOPS_CHECKER_HOME"


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """The checker's own folder: MLOPS_CHECKER_HOME, else `.mlops-checker` in the person's."""
    given = environment.get(HOME)
    return Path(given) if given else Path.home() / ".mlops-checker"
