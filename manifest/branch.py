"""Writes the branch `solution`: the last commit, with the attendee's files as they are in the end.

Git's plumbing and an index of its own: neither the work tree nor the index of whoever calls is touched. Author and
times are the last commit's, so that the same commit gives the same branch.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from manifest.errors import ManifestError
from manifest.reading import NAME, read_manifest
from manifest.regions import rewrite

BRANCH = "solution"
MESSAGE = "Solve every module"
PERSON = "MLOps on Azure"
EMAIL = "workshop@example.org"


def write_solution_branch(root: Path, branch: str = BRANCH) -> str:
    """Makes or moves the branch; returns its commit, whose parent is HEAD. What is not committed plays no part.

    Raises ManifestError when git does not do it: no repository, no commit, or the branch is checked out.
    """
    head = _git(root, "rev-parse", "--verify", "HEAD").strip()
    current = _git(root, "branch", "--show-current").strip()
    if current == branch:
        raise ManifestError(root, 0, f"the branch {branch} is checked out", "another one, such as main")
    commit = _commit(root, head, _tree(root, head))
    _git(root, "update-ref", f"refs/heads/{branch}", commit)
    return commit


def _tree(root: Path, head: str) -> str:
    """The tree of the branch: that of HEAD, with the finished files in the attendee's places."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        manifest_file = Path(folder) / "labs.toml"
        manifest_file.write_text(_git(root, "show", f"{head}:{NAME.as_posix()}"), encoding="utf-8")
        _git(root, "read-tree", head, more=index)
        for file in read_manifest(manifest_file).files:
            text = rewrite(_git(root, "show", f"{head}:{file.solution}"), file.path)
            blob = _git(root, "hash-object", "-w", "--stdin", "--no-filters", given=text).strip()
            _git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{file.labs}", more=index)
        return _git(root, "write-tree", more=index).strip()


def _commit(root: Path, head: str, tree: str) -> str:
    date = _git(root, "show", "--no-patch", "--format=%cI", head).strip()
    person = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", PERSON), ("EMAIL", EMAIL), ("DATE", date))
    }
    return _git(root, "commit-tree", "--no-gpg-sign", tree, "-p", head, "-m", MESSAGE, more=person).strip()


def _git(root: Path, *arguments: str, more: Mapping[str, str] | None = None, given: str | None = None) -> str:
    """What git prints. Bytes in and out: line ends are part of a file."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        env={**os.environ, **(more or {})},
        input=None if given is None else given.encode(),
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise ManifestError(root, 0, f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}", "success")
    return done.stdout.decode("utf-8")
