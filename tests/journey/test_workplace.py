"""Where the attendee works: the kit before there is a repository, then the clone, where nothing of theirs is lost."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from journey.attendee import Attendee, read_attendee
from journey.day import Day
from journey.day.project import create_project
from journey.day.repository import import_repository
from journey.day.subscription import create_budget, create_resource_group, register_providers, tag_resources
from journey.day.workplace import clone_repository, compare_with_solution, count_differences, mend_script
from journey.errors import JourneyError
from journey.git import run_git
from journey.organization import Organization
from journey.source import make_source
from manifest import fill
from tests.conftest import Sandbox

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The kit as it lies here."""
    return make_source(ROOT, tmp_path_factory.mktemp("source") / "kit")


@pytest.fixture
def someone(sandbox: Sandbox, source: str) -> Attendee:
    """An attendee with a project and a suffix that no other test has."""
    name = uuid.uuid4().hex[:7]
    return read_attendee({**sandbox.environment, "WORKSHOP_SUFFIX": name}, ROOT / "workshop.toml", source, f"W {name}")


@pytest.fixture
def organization(someone: Attendee) -> Iterator[Organization]:
    opened = Organization(someone.organization, someone.token)
    yield opened
    opened.close()


def day_of(someone: Attendee, organization: Organization, scratch: Path, clone: Path | None) -> Day:
    return Day(someone, organization, scratch, lambda _: None, clone)


def kit_of(source: str, folder: Path) -> Path:
    folder.mkdir()
    run_git(folder, "clone", "--quiet", source, ".")
    return folder


def test_the_script_is_mended_in_the_kit(
    someone: Attendee, organization: Organization, source: str, tmp_path: Path
) -> None:
    """Uncommitted, as the page leaves it; a second time nothing changes; somebody's own work is not written over."""
    kit = kit_of(source, tmp_path / "kit")
    day = day_of(someone, organization, tmp_path / "scratch", kit)
    script = kit / "labs" / "training" / "train.py"
    assert mend_script(day) == "train.py mended"
    mended = script.read_text(encoding="utf-8")
    assert mend_script(day) == "it is mended"
    assert "M1" not in count_differences(kit)
    script.write_text(mended.replace("random.Random(seed)", "random.Random(seed + 1)"), encoding="utf-8")
    with pytest.raises(JourneyError, match=r"not committed: labs/training/train\.py"):
        mend_script(day)
    assert "seed + 1" in script.read_text(encoding="utf-8")


def test_without_a_folder_the_script_waits_for_the_clone(
    someone: Attendee, organization: Organization, tmp_path: Path
) -> None:
    """A folder that nobody named is nobody's to write in."""
    assert mend_script(day_of(someone, organization, tmp_path / "scratch", None)).startswith("there is no clone yet")


def test_a_clone_is_made_for_the_attendee_to_go_on_in(
    someone: Attendee, organization: Organization, sandbox: Sandbox, tmp_path: Path
) -> None:
    """With both branches, and a push that takes its token from the environment; then it counts as their own."""
    day = day_of(someone, organization, tmp_path / "scratch", tmp_path / "AIDevCollege")
    create_project(day)
    import_repository(day)
    assert clone_repository(day).endswith(", in AIDevCollege")
    folder = day.copy.folder
    assert "origin/solution" in run_git(folder, "branch", "--all")
    assert someone.token not in (folder / ".git" / "config").read_text(encoding="utf-8")
    (folder / "labs" / "training" / "train.py").open("a", encoding="utf-8").write("# mine\n")
    run_git(folder, "-c", "user.name=Ada", "-c", "user.email=a@example.org", "commit", "--quiet", "--all", "-m", "Mine")
    trust = {name: value for name, value in sandbox.environment.items() if name.startswith(("GIT_", "AZURE_DEVOPS_"))}
    run_git(folder, "push", "--quiet", "origin", "main", variables=trust)
    assert mend_script(day).startswith("pushed as ")
    assert "# mine" in (folder / "labs" / "training" / "train.py").read_text(encoding="utf-8")
    assert compare_with_solution(day).endswith("differences from the solution")
    fill(folder, [f"M{number}" for number in range(1, 18)])
    assert set(count_differences(folder)) == {"M1"}  # the line that is theirs


def test_work_that_is_not_committed_stops_the_walk_before_it_begins(
    someone: Attendee, organization: Organization, sandbox: Sandbox, tmp_path: Path
) -> None:
    """One screen: which files, and what to type. Nothing was done."""
    day = day_of(someone, organization, tmp_path / "scratch", tmp_path / "clone")
    create_project(day)
    import_repository(day)
    folder, before = day.copy.folder, day.copy.commit
    (folder / "workshop.toml").open("a", encoding="utf-8").write("# mine\n")
    command = [sys.executable, "-m", "journey", "run", "--from", "5", "--to", "6", "--project", someone.project]
    environment = {**os.environ, **sandbox.environment, "WORKSHOP_SUFFIX": someone.suffix, "PYTHONPATH": str(ROOT)}
    # Not named: it is found as the folder that the attendee stands in.
    done = subprocess.run(command, cwd=folder / "labs", env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "changes that are not committed: workshop.toml" in done.stderr
    assert "git stash" in done.stderr
    assert "bring" not in done.stdout
    assert len(done.stderr.splitlines()) < 10
    assert (folder / "workshop.toml").read_text(encoding="utf-8").endswith("# mine\n")
    run_git(folder, "checkout", "--quiet", "workshop.toml")
    day.copy.update()
    assert day.copy.commit == before


def test_the_subscription_is_put_in_order_once(someone: Attendee, organization: Organization, tmp_path: Path) -> None:
    """Providers, a group with the tags that say whose it is, a budget that warns."""
    day = day_of(someone, organization, tmp_path / "scratch", None)
    assert register_providers(day).endswith("providers are registered")
    day.azure.call("PUT", day.group, {"location": "westeurope", "tags": {"team": "blue"}}, "2021-04-01")
    create_resource_group(day)
    group = day.azure.call("GET", day.group, version="2021-04-01")
    assert group["tags"] == {"team": "blue", "workshop": "mlops-on-azure", "attendee": someone.suffix}
    assert tag_resources(day) == "0 resources, 0 of them tagged now"
    assert create_budget(day) == "a budget of 50 a month, alert at 80 %"
    assert create_budget(day) == "the budget workshop is there"
