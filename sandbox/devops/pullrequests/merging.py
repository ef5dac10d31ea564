"""What a pull request comes to in git: the merge that is tried beforehand, and the commits of the four strategies.

Everything happens in the bare repository, with trees and commits and no work tree. It needs git 2.38, whose
`merge-tree --write-tree` merges that way; an older one shows as a merge that failed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.devops import history
from sandbox.devops.git import Git, GitFailed

CONFLICTS = 1  # the exit code of merge-tree for a merge with conflicts


@dataclass(frozen=True)
class Sides:
    """The two tips of a pull request, in a bare repository."""

    folder: Path
    target: str
    source: str


@dataclass(frozen=True)
class Attempt:
    """A merge that was tried: the commit, or none and why (`conflicts` or `failure`, with git's own words)."""

    status: str
    commit: str | None = None
    message: str = ""


class _Conflict(Exception):
    """Two sides changed the same lines."""


def try_merge(git: Git, sides: Sides, message: str, who: Mapping[str, str]) -> Attempt:
    """The merge commit that a pull request would make; it lies on no branch."""
    return _attempted(lambda: _merged(git, sides, sides.source, message, who))


def complete(git: Git, sides: Sides, strategy: str, message: str, who: Mapping[str, str]) -> Attempt:
    """The commit that the target branch moves to. `who` holds git's variables for author and committer."""

    def made() -> str:
        if strategy == "squash":
            return _committed(git, sides.folder, _tree(git, sides, sides.source), [sides.target], message, who)
        if strategy == "noFastForward":
            return _merged(git, sides, sides.source, message, who)
        tip = _replayed(git, sides, who)
        return tip if strategy == "rebase" else _merged(git, sides, tip, message, who)

    return _attempted(made)


def _attempted(made: Callable[[], str]) -> Attempt:
    try:
        return Attempt("succeeded", made())
    except _Conflict as conflict:
        return Attempt("conflicts", None, str(conflict))
    except GitFailed as failure:
        return Attempt("failure", None, str(failure))


def _merged(git: Git, sides: Sides, tip: str, message: str, who: Mapping[str, str]) -> str:
    return _committed(git, sides.folder, _tree(git, sides, tip), [sides.target, tip], message, who)


def _tree(git: Git, sides: Sides, tip: str) -> str:
    return _merge_tree(git, sides.folder, sides.target, tip)


def _merge_tree(git: Git, folder: Path, ours: str, theirs: str) -> str:
    done = git.attempt(folder, "merge-tree", "--write-tree", "--name-only", "--no-messages", ours, theirs)
    lines = done.stdout.decode("utf-8", "replace").split("\n")
    if done.returncode == CONFLICTS:
        raise _Conflict(", ".join(dict.fromkeys(line for line in lines[1:] if line)))
    if done.returncode:
        raise GitFailed(done.stderr.decode("utf-8", "replace").strip() or f"git ended with {done.returncode}")
    return lines[0]


def _replayed(git: Git, sides: Sides, who: Mapping[str, str]) -> str:
    """The source's own commits on top of the target, one by one, with their authors."""
    order = ("--reverse", "--topo-order", "--no-merges")
    tip = sides.target
    for commit in history.commits(git, sides.folder, [f"{sides.target}..{sides.source}"], *order):
        tip = _picked(git, sides.folder, tip, commit, who)
    return tip


def _picked(git: Git, folder: Path, onto: str, commit: history.Commit, who: Mapping[str, str]) -> str:
    """One commit moved. merge-tree finds its base by history, so the three sides get a history of their own: an option
    to name the base came with git 2.40 only."""
    parent = f"{commit.parents[0]}^{{tree}}" if commit.parents else history.EMPTY_TREE
    base = _committed(git, folder, parent, [], "base", who)
    ours = _committed(git, folder, f"{onto}^{{tree}}", [base], "ours", who)
    theirs = _committed(git, folder, commit.tree, [base], "theirs", who)
    tree = _merge_tree(git, folder, ours, theirs)
    if tree == git.text(folder, "rev-parse", f"{onto}^{{tree}}").strip():
        return onto
    author = {
        "GIT_AUTHOR_NAME": commit.author.name,
        "GIT_AUTHOR_EMAIL": commit.author.email,
        "GIT_AUTHOR_DATE": commit.author.date,
    }
    return _committed(git, folder, tree, [onto], commit.message, {**who, **author})


def _committed(git: Git, folder: Path, tree: str, parents: list[str], message: str, who: Mapping[str, str]) -> str:
    named = git.text(folder, "rev-parse", tree).strip()
    options = [part for parent in parents for part in ("-p", parent)]
    return git.run(folder, "commit-tree", named, *options, data=message.encode(), extra=who).decode().strip()
