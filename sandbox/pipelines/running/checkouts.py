"""Getting sources with git: one commit, detached, as deep as asked. Hosts use it."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.running.host import CheckoutRequest

# A server answers for any commit only when it is told to; a folder of this machine is told here.
UPLOAD_PACK = "git -c uploadpack.allowAnySHA1InWant=true upload-pack"


def fetch_commit(
    request: CheckoutRequest, address: str, commit: str, environment: Mapping[str, str], *settings: str
) -> None:
    """Bring a commit from an address into the request's folder and check it out. `settings` are further `-c` values,
    such as an authorization header. It is fetched once a run; later jobs get a copy. Raises StepError."""
    if request.kept is None:
        _fetch(request, request.folder, address, commit, environment, settings)
        return
    facts = (address, commit, request.depth, request.tags, request.lfs, request.submodules.lower(), settings)
    kept = request.kept / hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    if kept.is_dir():
        request.write("This run has fetched it already: its files are copied.")
    else:
        _fetch_aside(request, kept, address, commit, environment, settings)
    _copy_clone(kept, request.folder)


def _fetch_aside(
    request: CheckoutRequest,
    kept: Path,
    address: str,
    commit: str,
    environment: Mapping[str, str],
    settings: tuple[str, ...],
) -> None:
    """Fetch into a folder that nobody sees before it is whole. Two jobs may do so at once: the second one's is
    dropped."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=kept.parent) as scratch:
        folder = Path(scratch) / "clone"
        folder.mkdir()
        _fetch(request, folder, address, commit, environment, settings)
        with contextlib.suppress(OSError):
            folder.rename(kept)
    if not kept.is_dir():
        raise StepError(f"What was fetched cannot be kept in '{kept.parent}'.")


def _copy_clone(source: Path, target: Path) -> None:
    """A clone with its work tree. Git never changes an object's file, so these are linked where the system can."""
    objects = str(source / ".git" / "objects")

    def copy(old: str, new: str) -> str:
        if old.startswith(objects):
            with contextlib.suppress(OSError):
                os.link(old, new)
                return new
        return str(shutil.copy2(old, new, follow_symlinks=False))

    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=copy)


def _fetch(
    request: CheckoutRequest,
    folder: Path,
    address: str,
    commit: str,
    environment: Mapping[str, str],
    settings: tuple[str, ...],
) -> None:
    quiet = {**environment, "GIT_TERMINAL_PROMPT": "0", "GIT_ADVICE": "0"}
    options = [part for one in settings for part in ("-c", one)]
    fetch = ["fetch", "--quiet", "--force", "--tags" if request.tags else "--no-tags"]
    if request.depth:
        fetch.append(f"--depth={request.depth}")
    if address.startswith("file:"):
        fetch.append(f"--upload-pack={UPLOAD_PACK}")
    lines = [
        ["init", "--quiet", "--template=", "--initial-branch=main"],
        ["remote", "add", "origin", address],
        [*options, *fetch, "origin", commit],
        ["-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", "--detach", commit],
    ]
    if request.submodules.lower() in ("true", "recursive"):
        deep = ["--recursive"] if request.submodules.lower() == "recursive" else []
        lines.append([*options, "submodule", "update", "--init", "--quiet", *deep])
    if request.lfs:
        lines.append([*options, "lfs", "pull"])
    for arguments in lines:
        _git(request, folder, arguments, quiet)


def _git(request: CheckoutRequest, folder: Path, arguments: list[str], environment: Mapping[str, str]) -> None:
    code = request.execute(["git", *arguments], folder, environment)
    if code != 0:
        word = next(one for one in arguments if not one.startswith("-") and "=" not in one)
        raise StepError(f"Git {word} failed with exit code: {code}")


def head_of(folder: Path) -> str | None:
    """The commit that a repository's folder is at; None when it is no repository, or has no commit."""
    if not is_repository(folder):
        return None
    command = ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.strip() or None


def is_repository(folder: Path) -> bool:
    return (folder / ".git").exists() and shutil.which("git") is not None


def copy_working_tree(source: Path, target: Path, leave: Path) -> None:
    """The files of a folder as they are now. Of a git repository those that it follows or would follow, over what is
    in the target; of another folder all but virtual environments. `leave` is a folder that is not copied, wherever it
    lies."""
    if is_repository(source):
        _copy_followed(source, target)
        return

    def ignored(folder: str, names: list[str]) -> list[str]:
        here = Path(folder)
        return [name for name in names if (here / name).absolute() == leave.absolute() or _is_environment(here / name)]

    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=ignored)


def _is_environment(path: Path) -> bool:
    return (path / "pyvenv.cfg").is_file()


def _copy_followed(source: Path, target: Path) -> None:
    command = ["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise StepError(f"Git ls-files failed in '{source}': {done.stderr.strip()}")
    for name in filter(None, done.stdout.split("\0")):
        place = target / name
        if (source / name).is_dir() and not (source / name).is_symlink():
            continue  # a submodule
        if os.path.lexists(source / name):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            shutil.copy2(source / name, place, follow_symlinks=False)
        else:
            place.unlink(missing_ok=True)
