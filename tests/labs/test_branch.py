"""The branch `solution`: made without touching anything else, the same for the same commit, and offered for import."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from journey.source import make_source
from manifest import ManifestError, read_manifest, rewrite, wanted_files, write_solution_branch
from tests.labs.conftest import ROOT, git


def test_the_branch_is_the_last_commit_with_every_module_solved(clone: Path) -> None:
    """Only what is cut from the solution differs, and it is the solution."""
    commit = write_solution_branch(clone)
    manifest = read_manifest(clone / "labs/labs.toml")
    with_regions = {file.labs for file in manifest.files if manifest.regions_of(file.path)}
    assert set(git(clone, "diff", "--name-only", "main", "solution", "--").split()) == with_regions
    for file in manifest.files:
        expected = rewrite((clone / file.solution).read_text(encoding="utf-8"), file.path)
        assert git(clone, "show", f"solution:{file.labs}") == expected
    assert git(clone, "rev-parse", "refs/heads/solution", "refs/heads/solution^").split() == [
        commit,
        git(clone, "rev-parse", "main").strip(),
    ]


def test_neither_the_work_tree_nor_the_index_is_touched(clone: Path) -> None:
    """What is changed, staged and untracked stays so, and does not get into the branch."""
    (clone / "workshop.toml").write_text("changed\n")
    (clone / "staged").write_text("staged\n")
    git(clone, "add", "staged")
    (clone / "untracked").write_text("untracked\n")
    before = git(clone, "status", "--porcelain")
    write_solution_branch(clone)
    assert git(clone, "status", "--porcelain") == before
    assert git(clone, "branch", "--show-current").strip() == "main"
    assert not {"staged", "untracked"} & set(git(clone, "ls-tree", "--name-only", "solution").split())
    assert "changed" not in git(clone, "show", "solution:workshop.toml")


def test_the_same_commit_gives_the_same_branch(clone: Path) -> None:
    """It moves when the commit does."""
    first = write_solution_branch(clone)
    assert write_solution_branch(clone) == first
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "Two")
    assert write_solution_branch(clone) != first


def test_a_branch_that_is_checked_out_is_left_alone(clone: Path) -> None:
    git(clone, "checkout", "--quiet", "-b", "solution")
    with pytest.raises(ManifestError, match="the branch solution is checked out"):
        write_solution_branch(clone)


def test_a_folder_without_a_commit_is_said(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(ManifestError, match="git rev-parse"):
        write_solution_branch(tmp_path)


def test_the_kit_is_offered_with_both_branches(tmp_path: Path) -> None:
    """What module 3 imports: the starter on main, the solution beside it."""
    source = Path(urlsplit(make_source(ROOT, tmp_path / "kit")).path)
    assert git(source, "branch", "--format", "%(refname:short)").split() == ["main", "solution"]
    starters, solved = (
        wanted_files(ROOT),
        wanted_files(ROOT, [one.id for one in read_manifest(ROOT / "labs/labs.toml").modules]),
    )
    for name in ("labs/training/train.py", "azure-pipelines.yml"):
        assert git(source, "show", f"main:{name}") == starters[name]
        assert git(source, "show", f"solution:{name}") == solved[name]
