"""A backup branch of a learner's clone: the work tree as it is, committed beside everything, without touching it.

Made with git plumbing and an index of its own: neither the branch, the index, nor a file of the learner changes.
"""

import os
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from checker.errors import CheckerError

SECONDS = 120
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")  # would make git look at another repository
NOBODY = {"NAME": "MLOps on Azure", "EMAIL": "workshop@example.invalid"}  # who commits where nobody is configured


def back_up(root: Path, name: str) -> str:
    """Commits what lies in the clone at `root`, ignored files apart, as the branch `backup/<name>-<time>`; its name.

    Raises CheckerError outside of a git clone, and when git says no.
    """
    top = Path(_git(root, "rev-parse", "--show-toplevel").strip())
    branch = f"backup/{name}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    with tempfile.TemporaryDirectory() as folder:
        own = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        head = _head(top)
        if head:
            _git(top, "read-tree", head, **own)
        _git(top, "add", "--all", **own)
        tree = _git(top, "write-tree", **own).strip()
    parents = ("-p", head) if head else ()
    commit = _git(top, "commit-tree", tree, *parents, "-m", f"Back up before {name}", **_person(top)).strip()
    _git(top, "update-ref", f"refs/heads/{branch}", commit, "0" * len(commit))
    return branch


def _head(top: Path) -> str:
    """The commit of the branch; '' in a clone without one."""
    found = _run(top, "rev-parse", "--verify", "--quiet", "HEAD")
    return found.stdout.strip() if found.returncode == 0 else ""


def _person(top: Path) -> dict[str, str]:
    """Who commits: whoever git is configured for, else nobody in particular."""
    if _run(top, "var", "GIT_COMMITTER_IDENT").returncode == 0:
        return {}
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in NOBODY.items()}


def _git(folder: Path, *arguments: str, **environment: str) -> str:
    ended = _run(folder, *arguments, **environment)
    if ended.returncode:
        said = (ended.stderr.strip().splitlines() or ["no reason given"])[0]
        raise CheckerError(
            f"git {arguments[0]} in {folder}",
            said,
            "a git clone that a backup branch can be made in; nothing was changed",
            ("git status", "cd <your clone>"),
        )
    return ended.stdout


def _run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env={**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CheckerError("git", str(error), "git, which makes the backup", ("git --version",)) from error
