"""`checker diff` and `checker reset`, as a learner types them in a clone with work of theirs in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from manifest import fill, read_manifest
from tests.labs.conftest import ROOT, git

MODULE = "M7"
NOTE = "labs/my-own-notes.txt"
OWN_INDEX = ("ls-files", "--stage")


def run(clone: Path, *words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        [sys.executable, "-m", "checker", *words],
        cwd=clone,
        env={**kept, "PYTHONPATH": str(ROOT)},
        input=answer,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def work(clone: Path) -> Path:
    """A clone with two modules solved: one committed, one not; a new file, and one in the index."""
    fill(clone, ["M6"])
    git(clone, "commit", "--quiet", "--all", "--message", "Module 6")
    fill(clone, [MODULE])
    (clone / NOTE).write_text("mine\n")
    (clone / "staged.txt").write_text("in the index\n")
    git(clone, "add", "staged.txt")
    return clone


def files(clone: Path) -> dict[str, bytes]:
    kept = (path for path in clone.rglob("*") if path.is_file() and ".git" not in path.relative_to(clone).parts)
    return {path.relative_to(clone).as_posix(): path.read_bytes() for path in kept}


def backups(clone: Path) -> list[str]:
    return git(clone, "for-each-ref", "--format=%(refname:short)", "refs/heads/backup").split()


def test_the_module_is_back_at_its_start_and_the_rest_is_as_it_was(work: Path) -> None:
    before, head, index = files(work), git(work, "rev-parse", "HEAD"), git(work, *OWN_INDEX)
    ended = run(work, "reset", MODULE, "--yes")
    assert ended.returncode == 0, ended.stderr
    after = files(work)
    changed = {name for name in before if before[name] != after.get(name)}
    manifest = read_manifest(work / "labs" / "labs.toml")
    assert changed
    assert changed <= {file.labs for file in manifest.files_of(MODULE)}
    assert set(after) == set(before)
    assert (git(work, "rev-parse", "HEAD"), git(work, *OWN_INDEX)) == (head, index)
    assert git(work, "branch", "--show-current").strip() == "main"
    assert "as the solution" in run(work, "diff", "M6").stdout


def test_the_backup_branch_has_everything_uncommitted_work_included(work: Path) -> None:
    before = files(work)
    ended = run(work, "reset", MODULE, "--yes")
    (branch,) = backups(work)
    assert branch.startswith("backup/m7-")
    assert branch in ended.stdout
    named = git(work, "ls-tree", "-r", "--name-only", branch).split("\n")[:-1]
    assert sorted(named) == sorted(before)
    for name in (NOTE, "staged.txt", "azure-pipelines.yml"):
        assert git(work, "show", f"{branch}:{name}").encode() == before[name]
    assert git(work, "rev-parse", f"{branch}^") == git(work, "rev-parse", "HEAD")


def test_nothing_happens_without_a_yes(work: Path) -> None:
    before = files(work)
    ended = run(work, "reset", MODULE, answer="no\n")
    assert (ended.returncode, files(work), backups(work)) == (2, before, [])
    assert "Type yes" in ended.stdout
    assert run(work, "reset", MODULE, answer="yes\n").returncode == 0
    assert files(work) != before


def test_outside_of_a_git_clone_nothing_is_changed(work: Path, tmp_path: Path) -> None:
    (work / ".git").rename(tmp_path / "put-away")
    before = files(work)
    ended = run(work, "reset", MODULE, "--yes")
    assert (ended.returncode, files(work)) == (2, before)
    assert "nothing was changed" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_file_without_the_markers_is_left_and_written_new_when_asked_for(work: Path) -> None:
    (work / "azure-pipelines.yml").write_text("steps:\n- script: echo mine\n")
    ended = run(work, "reset", MODULE, "--yes")
    assert ended.returncode == 1
    assert "no markers of m7-staging" in ended.stderr
    assert (work / "azure-pipelines.yml").read_text() == "steps:\n- script: echo mine\n"
    assert run(work, "reset", MODULE, "--yes", "--whole").returncode == 0
    assert "[start:m7-staging]" in (work / "azure-pipelines.yml").read_text()
    assert len(backups(work)) == 2


def test_a_commit_is_made_where_nobody_is_configured(work: Path) -> None:
    git(work, "config", "user.useConfigOnly", "true")
    ended = run(work, "reset", MODULE, "--yes")
    assert ended.returncode == 0, ended.stderr
    assert len(backups(work)) == 1


def test_the_difference_has_a_reason_and_is_a_patch(work: Path) -> None:
    shown = run(work, "diff", "M8")
    assert shown.returncode == 0
    assert "  why: " in shown.stdout
    document = json.loads(run(work, "diff", "M8", "--format", "json").stdout)
    assert [one["id"] for one in document["modules"]] == ["M8"]
    assert document["modules"][0]["differences"][0]["reason"]
    git(work, "apply", given=run(work, "diff", "M8", "--patch").stdout)
    assert json.loads(run(work, "diff", "M8", "--format", "json").stdout)["modules"][0]["differences"] == []


def test_an_unknown_module_is_named_with_those_that_there_are(work: Path) -> None:
    ended = run(work, "diff", "M99")
    assert ended.returncode == 2
    assert "M17" in ended.stderr
