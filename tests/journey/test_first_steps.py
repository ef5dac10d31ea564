"""The day's first steps on a real organisation: done once, found done the second time, and every mix-up is named."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from journey.attendee import Attendee, read_attendee
from journey.day import Day, plan
from journey.day.batches import bring
from journey.day.changes import change
from journey.day.connection import create_connection
from journey.day.pipeline import create_pipeline, give_staging_key
from journey.day.project import create_project, finish_operation
from journey.day.repository import import_repository
from journey.errors import JourneyError
from journey.organization import Organization
from journey.polling import wait_for
from journey.source import make_source
from tests.conftest import Sandbox, bearer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The kit as it lies here."""
    return make_source(ROOT, tmp_path_factory.mktemp("source") / "kit")


@pytest.fixture
def someone(sandbox: Sandbox, source: str) -> Attendee:
    """An attendee with a project and a suffix that no other test has."""
    name = uuid.uuid4().hex[:7]
    variables = {**sandbox.environment, "WORKSHOP_SUFFIX": name}
    return read_attendee(variables, ROOT / "workshop.toml", source, project=f"Day {name}")


@pytest.fixture
def begun(someone: Attendee, tmp_path: Path) -> Iterator[Day]:
    """The attendee's day, not begun."""
    organization = Organization(someone.organization, someone.token)
    yield Day(someone, organization, tmp_path / "scratch", lambda _: None)
    organization.close()


def again(day: Day) -> Day:
    """The same attendee, later: nothing is remembered but what the service has."""
    return Day(day.attendee, day.organization, day.scratch, day.tell)


def test_the_road_to_a_connection_is_walked_once(begun: Day, sandbox: Sandbox) -> None:
    """Project, code, connection: made, then found; a name with a blank in it is no trouble."""
    project = begun.attendee.project
    assert create_project(begun) == f"{project} created, Agile"
    assert import_repository(begun) == f"{project} imported from {begun.attendee.source}, default branch main"
    assert create_connection(begun).endswith("created, WorkloadIdentityFederation, ready")
    later = again(begun)
    assert create_project(later) == f"{project} is there, Agile"
    assert import_repository(later) == f"{project} is there, default branch main"
    assert create_connection(later).endswith("is there, WorkloadIdentityFederation, ready")
    found = later.find_connection()
    assert found is not None
    scope = found["authorization"]["parameters"]["scope"]
    assert scope.endswith(f"/resourcegroups/rg-diabetes-{begun.attendee.suffix}")
    group = requests.get(f"{sandbox.base}{scope}?api-version=2024-11-01", headers=bearer(sandbox), timeout=30)
    assert group.status_code == 200


def test_changes_reach_main_once(begun: Day, sandbox: Sandbox) -> None:
    """A push each, authored by the person of the token; once main is guarded, by pull request."""
    create_project(begun)
    import_repository(begun)
    suffix = begun.attendee.suffix
    assert bring(begun, (1, 5)).startswith("pushed as ")
    first = begun.copy.commit
    assert bring(again(begun), (1, 5)) == "it is on main"
    begun.changes.guard()
    assert bring(again(begun), (5,)) == "it is on main"
    pushed = change(again(begun), (10,))
    assert pushed.new
    copy = again(begun).copy
    assert copy.commit == pushed.commit != first
    assert f"workshop.suffix: {suffix}\n" in (copy.folder / "azure-pipelines.yml").read_text()
    assert "random.Random(seed)" in (copy.folder / "labs" / "training" / "train.py").read_text()
    settings = (copy.folder / "workshop.toml").read_text()
    assert f'suffix = "{suffix}"' in settings
    assert "test_size = 0.33\n" in settings
    path = begun.path(f"git/repositories/{begun.repository['id']}/commits")
    newest = begun.organization.list(path, {"searchCriteria.itemVersion.version": "main", "searchCriteria.$top": 3})
    title = "Test on 0.33 of the data"
    merge, *changes = [one["comment"] for one in newest]
    assert merge.startswith("Merged PR ")
    assert merge.endswith(f": {title}")
    assert sorted(changes) == ["Do the work of modules 1 and 5", title]
    branches = begun.organization.list(begun.path(f"git/repositories/{begun.repository['id']}/refs"))
    assert "refs/heads/larger-test-set" not in [one["name"] for one in branches]


def test_the_key_of_staging_is_chosen_once(begun: Day, tmp_path: Path) -> None:
    """In the clone, for nobody else to read, and a secret of the pipeline; a copy for the while has no place for it."""
    create_project(begun)
    import_repository(begun)
    assert give_staging_key(begun) == ""
    create_pipeline(begun)
    assert "set WORKSHOP_STAGING_KEY" in give_staging_key(begun)
    there = Day(begun.attendee, begun.organization, begun.scratch, begun.tell, tmp_path / "clone")
    assert give_staging_key(there) == "secret variable staging.key set"
    assert give_staging_key(there) == ""
    variable = again(begun).definition["variables"]["staging.key"]
    assert (variable["isSecret"], variable["value"]) == (True, None)
    key = tmp_path / "clone" / "build" / "staging.key"
    assert key.stat().st_mode & 0o077 == 0
    assert len(key.read_text(encoding="utf-8").strip()) > 20
    assert there.copy.uncommitted == []


def test_what_no_run_depends_on_starts_none(begun: Day, tmp_path: Path) -> None:
    """In the attendee's clone it is a commit that the next change takes along. A copy for the while merges it, past
    the trigger; a change that counts is heard.
    """
    create_project(begun)
    import_repository(begun)
    create_pipeline(begun)
    begun.changes.guard()
    there = Day(begun.attendee, begun.organization, begun.scratch, begun.tell, tmp_path / "clone")
    imported = there.copy.commit
    kept = bring(there, (12,))
    assert there.copy.commit[:7] in kept
    assert there.copy.is_ahead()
    assert bring(there, (12,)) == kept
    assert begun.copy.commit == imported
    bring(begun, (12,))
    assert begun.copy.commit != imported
    assert not begun.copy.is_ahead()
    builds = begun.path("build/builds")
    assert begun.organization.list(builds) == []
    pushed = change(begun, (10,))
    found = wait_for(lambda: begun.organization.list(builds), bool, 30, "the run of a change that counts")
    assert [one["sourceVersion"] for one in found] == [pushed.commit]


def test_a_project_of_another_process_is_named(begun: Day) -> None:
    """Basic is what the portal proposes."""
    templates = {one["name"]: one["id"] for one in begun.organization.list("_apis/process/processes")}
    capabilities = {
        "versioncontrol": {"sourceControlType": "Git"},
        "processTemplate": {"templateTypeId": templates["Basic"]},
    }
    body = {"name": begun.attendee.project, "visibility": "private", "capabilities": capabilities}
    finish_operation(begun, begun.organization.post("_apis/projects", body)["id"])
    with pytest.raises(JourneyError, match="its process is Basic; expected Agile"):
        create_project(begun)


def test_an_import_that_fails_says_why(begun: Day, tmp_path: Path) -> None:
    """The service's own reason, and the next command."""
    create_project(begun)
    lost = Attendee(**{**vars(begun.attendee), "source": (tmp_path / "nowhere.git").as_uri()})
    with pytest.raises(JourneyError, match="cannot be imported") as caught:
        import_repository(Day(lost, begun.organization, begun.scratch, begun.tell))
    assert caught.value.command == "journey run --from 3 --source <clone address>"


@pytest.mark.parametrize("module", [3, 5, 6, 9, 11, 17])
def test_a_module_before_its_time_says_so(begun: Day, module: int) -> None:
    """No traceback and no half-made thing: a message with what is missing."""
    if module > 3:
        create_project(begun)
    with pytest.raises(JourneyError):
        for step in plan(module, module):
            step.run(begun)
