"""What module 3 imports when there is no public address to import from: the kit as it lies here, as a repository."""

import shutil
import subprocess
from pathlib import Path

from journey.errors import JourneyError
from manifest import ManifestError, write_solution_branch

IDENTITY = ("-c", "user.name=MLOps on Azure", "-c", "user.email=workshop@example.org")


def make_source(repository: Path, folder: Path) -> str:
    """The address of a new repository with one commit on main: every file that git knows of, as it is now; and the
    branch solution, one commit further, where every module is solved.

    Not a clone: neither the branch nor the depth of the checkout then matters, nor whether its changes are committed.
    Raises JourneyError when git does not do it, or the kit's own files do not fit together.
    """
    folder.mkdir(parents=True)
    for name in _git(repository, "ls-files", "-z").split("\0"):
        if name and (repository / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, folder / name)
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    _git(folder, "add", "--all", "--force")
    _git(folder, *IDENTITY, "commit", "--quiet", "--message", "MLOps on Azure, the workshop kit")
    if not (folder / "labs" / "labs.toml").is_file():
        return folder.as_uri()  # somebody's own source: it has no modules to solve
    try:
        write_solution_branch(folder)
    except ManifestError as problem:
        raise JourneyError("the branch solution", str(problem), "files that fit together", "make labs") from problem
    return folder.as_uri()


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise JourneyError(f"git in {folder}", done.stderr.strip(), "success")
    return done.stdout
