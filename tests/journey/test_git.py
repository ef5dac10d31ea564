"""The attendee's clone: edits land in exactly one place, pushes arrive, the token stays off command lines."""

import os
import subprocess
from pathlib import Path

import pytest

from journey.day.changes import SUFFIX_IN_TOML, SUFFIX_IN_YAML, TEST_SIZE
from journey.errors import JourneyError
from journey.git import Access, Clone, find_clone
from journey.source import make_source

ROOT = Path(__file__).resolve().parents[2]
ACCESS = Access("token-of-ada", name="Ada", email="ada@example.org")


def git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository with the settings of the workshop on main."""
    work, bare = tmp_path / "work", tmp_path / "remote.git"
    work.mkdir()
    (work / "workshop.toml").write_text((ROOT / "workshop.toml").read_text(encoding="utf-8"), encoding="utf-8")
    git(work, "init", "--quiet", "--initial-branch", "main")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "Start")
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    return bare


def test_an_edit_is_pushed_and_found_done_the_next_time(remote: Path, tmp_path: Path) -> None:
    """A second clone sees the push; the same edit then changes nothing."""
    first = Clone(tmp_path / "first", remote.as_uri(), ACCESS)
    assert first.edit("workshop.toml", TEST_SIZE, "0.33")
    commit = first.push("Test on more")
    assert git(remote, "rev-parse", "main").strip() == commit
    assert git(remote, "log", "-1", "--format=%an %ae %s", "main").strip() == "Ada ada@example.org Test on more"
    second = Clone(tmp_path / "second", remote.as_uri(), ACCESS)
    assert second.commit == commit
    assert not second.edit("workshop.toml", TEST_SIZE, "0.33")
    assert "test_size = 0.33\n" in (second.folder / "workshop.toml").read_text()


def test_a_clone_that_is_there_is_brought_up_to_date(remote: Path, tmp_path: Path) -> None:
    """What somebody else pushed is in it, whatever was checked out."""
    mine = Clone(tmp_path / "one", remote.as_uri(), ACCESS)
    git(mine.folder, "checkout", "--quiet", "-b", "elsewhere")
    other = Clone(tmp_path / "two", remote.as_uri(), ACCESS)
    other.edit("workshop.toml", TEST_SIZE, "0.4")
    commit = other.push("Another")
    again = Clone(tmp_path / "one", remote.as_uri(), ACCESS)
    assert (again.commit, again.branch) == (commit, "main")
    assert not again.edit("workshop.toml", TEST_SIZE, "0.4")


def test_what_is_not_committed_is_never_touched(remote: Path, tmp_path: Path) -> None:
    """The file is named, and stays as it is; a file that git does not know is nobody's hindrance."""
    mine = Clone(tmp_path / "one", remote.as_uri(), ACCESS)
    (mine.folder / "notes.txt").write_text("mine")
    mine.update()
    mine.edit("workshop.toml", TEST_SIZE, "0.9")
    before = (mine.folder / "workshop.toml").read_bytes()
    with pytest.raises(JourneyError, match=r"not committed: workshop\.toml") as caught:
        Clone(mine.folder, remote.as_uri(), ACCESS)
    assert "git stash" in caught.value.command
    assert (mine.folder / "workshop.toml").read_bytes() == before


def test_what_is_committed_and_not_pushed_goes_along(remote: Path, tmp_path: Path) -> None:
    """It is the attendee's work, and the next push would have taken it."""
    mine = Clone(tmp_path / "one", remote.as_uri(), ACCESS)
    (mine.folder / "notes.txt").write_text("mine")
    git(mine.folder, "add", "notes.txt")
    git(mine.folder, "commit", "--quiet", "--message", "Mine")
    again = Clone(mine.folder, remote.as_uri(), ACCESS)
    assert again.is_ahead()
    assert not again.is_ahead(["workshop.toml"])
    again.push("Nothing more")
    assert not again.is_ahead()
    assert git(remote, "log", "-1", "--format=%s", "main").strip() == "Mine"


def test_two_histories_are_not_merged_for_anybody(remote: Path, tmp_path: Path) -> None:
    """Both have a commit that the other has not."""
    mine = Clone(tmp_path / "one", remote.as_uri(), ACCESS)
    other = Clone(tmp_path / "two", remote.as_uri(), ACCESS)
    other.edit("workshop.toml", TEST_SIZE, "0.4")
    other.push("Another")
    git(mine.folder, "commit", "--quiet", "--allow-empty", "--message", "Mine")
    with pytest.raises(JourneyError, match="git merge"):
        Clone(mine.folder, remote.as_uri(), ACCESS)


def test_a_branch_of_its_own_leaves_main_as_it_is(remote: Path, tmp_path: Path) -> None:
    """With files that git did not know; main is checked out again."""
    mine = Clone(tmp_path / "one", remote.as_uri(), ACCESS)
    before = mine.commit
    added = mine.folder / "new.txt"
    added.write_text("new")
    commit = mine.push("Add a file", "aside", [added])
    assert git(remote, "show", f"{commit}:new.txt") == "new"
    assert git(remote, "rev-parse", "main").strip() == before
    assert (mine.branch, mine.commit, added.exists()) == ("main", before, False)
    assert mine.differs(commit, ("new.txt",))
    assert not mine.differs(commit, ("workshop.toml",))
    assert mine.differs("0" * 40, ("workshop.toml",))


def test_a_clone_is_known_by_where_it_comes_from(remote: Path, tmp_path: Path) -> None:
    """From any folder in it; a user's name in the address makes no difference."""
    mine = Clone(tmp_path / "one", remote.as_uri(), ACCESS)
    inner = mine.folder / "labs"
    inner.mkdir()
    assert find_clone(inner, remote.as_uri() + "/") == mine.folder
    git(mine.folder, "remote", "set-url", "origin", "https://ada@dev.azure.com/ada/One%20Day/_git/One%20Day")
    assert find_clone(mine.folder, "https://dev.azure.com/ada/One Day/_git/One Day") == mine.folder
    assert find_clone(mine.folder, remote.as_uri()) is None
    assert find_clone(tmp_path, remote.as_uri()) is None


@pytest.mark.parametrize("pattern", [r"^(nowhere = )(\d+)", r"^(\w+ = )(\S+)"], ids=["none", "many"])
def test_an_edit_that_fits_no_single_place_is_refused(remote: Path, tmp_path: Path, pattern: str) -> None:
    """The file stays as it is."""
    copy = Clone(tmp_path / "copy", remote.as_uri(), ACCESS)
    before = (copy.folder / "workshop.toml").read_bytes()
    with pytest.raises(JourneyError, match="exactly one"):
        copy.edit("workshop.toml", pattern, "1")
    assert (copy.folder / "workshop.toml").read_bytes() == before


def test_what_git_says_is_passed_on(tmp_path: Path) -> None:
    """A repository that there is not."""
    with pytest.raises(JourneyError, match=r"git clone: .*does not (exist|appear)"):
        Clone(tmp_path / "copy", (tmp_path / "nowhere.git").as_uri(), ACCESS)


def test_the_token_travels_in_the_environment() -> None:
    """As a header for git; neither it nor an access that is printed shows the token as it is."""
    assert "token-of-ada" not in str(ACCESS)
    assert "token-of-ada" not in str(ACCESS.variables())
    assert ACCESS.variables()["GIT_CONFIG_VALUE_0"].startswith("Authorization: Basic ")


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("workshop.toml", SUFFIX_IN_TOML),
        ("workshop.toml", TEST_SIZE),
        ("azure-pipelines.yml", SUFFIX_IN_YAML),
        ("solution/azure-pipelines.yml", SUFFIX_IN_YAML),
    ],
)
def test_the_days_edits_fit_the_content(file: str, pattern: str, tmp_path: Path) -> None:
    """Each finds its one place in the files that the attendee imports, and puts the value there."""
    copy = Clone(tmp_path / "copy", make_source(ROOT, tmp_path / "source"), ACCESS)
    before = (copy.folder / file).read_text(encoding="utf-8")
    assert copy.edit(file, pattern, "0.31")
    after = (copy.folder / file).read_text(encoding="utf-8")
    changed = [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]
    assert len(changed) == 1
    assert "0.31" in changed[0][1]


def test_the_source_has_the_files_as_they_are(tmp_path: Path) -> None:
    """One commit on main, with what git tracks and nothing else."""
    kit = tmp_path / "kit"
    kit.mkdir()
    git(kit, "init", "--quiet", "--initial-branch", "other")
    for name in ("tracked", "removed", "untracked"):
        (kit / name).write_text("old")
    git(kit, "add", "tracked", "removed")
    git(kit, "commit", "--quiet", "--message", "One")
    (kit / "tracked").write_text("new")
    (kit / "removed").unlink()
    make_source(kit, tmp_path / "source")
    assert git(tmp_path / "source", "ls-tree", "-r", "--name-only", "main").split() == ["tracked"]
    assert git(tmp_path / "source", "show", "main:tracked") == "new"
