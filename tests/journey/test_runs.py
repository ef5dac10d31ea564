"""A run followed over the wire: news once, permissions and approvals given, failures quoted."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from journey.day import Day
from journey.day.changes import Pushed
from journey.day.runs import AUTOMATIC, find_release, finish, release, require_automatic
from journey.errors import JourneyError
from journey.following import Follower
from tests.journey.service import Answer, Request, Service, collection

PIPELINE, BUILD = 16, 126
STAGES = ("Build", "Staging", "Production")
STARTED, FINISHED = "2026-11-24T10:00:00.1234567Z", "2026-11-24T10:00:08.1Z"


class Run:
    """A run of three stages that waits for permissions before the first and for an approval before the last.

    Each look at its timeline brings it one event further, as far as it may go.
    """

    def __init__(self, service: Service, main: Path, fails: str = "") -> None:
        self.fails = fails
        self.reason = "manual"
        self.commit = git(main, "rev-parse", "main").strip()
        self.permitted: set[str] = set()
        self.approved = False
        self.done: list[str] = []
        self.result: str | None = None
        self.exists = False
        repository = {**REPOSITORY, "remoteUrl": main.as_uri()}
        service.on("GET", "AIDevCollege/_apis/git/repositories", collection(repository))
        service.on("GET", "_apis/connectionData", Answer({"authenticatedUser": {"id": "ada"}}))
        service.on("GET", "AIDevCollege/_apis/build/definitions", collection(DEFINITION))
        service.on("GET", "AIDevCollege/_apis/build/builds", self._list)
        service.on("POST", f"AIDevCollege/_apis/pipelines/{PIPELINE}/runs", self._start)
        service.on("GET", f"AIDevCollege/_apis/build/builds/{BUILD}", lambda _: Answer(self._build()))
        service.on("GET", f"AIDevCollege/_apis/build/builds/{BUILD}/timeline", lambda _: Answer(self._timeline()))
        service.on("GET", f"AIDevCollege/_apis/build/builds/{BUILD}/logs/7", Answer({"value": ["one", "two", "boom"]}))
        service.on("GET", "AIDevCollege/_apis/serviceendpoint/endpoints", collection(CONNECTION))
        service.on("GET", "AIDevCollege/_apis/distributedtask/environments", self._environments)
        permissions = "AIDevCollege/_apis/pipelines/pipelinePermissions/.*"
        service.on("GET", permissions, Answer({"pipelines": []}))
        service.on("PATCH", permissions, self._permit)
        service.on("PATCH", "AIDevCollege/_apis/pipelines/approvals", self._approve)

    def _list(self, request: Request) -> Answer:
        assert request.query["branchName"] == "refs/heads/main"
        return collection(*([self._build()] if self.exists else []))

    def _start(self, request: Request) -> Answer:
        self.exists = True
        return Answer({"id": BUILD, "name": "20261124.1", "state": "inProgress"})

    def _environments(self, request: Request) -> Answer:
        number = 1 if request.query["name"] == "diabetes-staging" else 2
        return collection({"id": number, "name": request.query["name"]}, {"id": 9, "name": "another"})

    def _permit(self, request: Request) -> Answer:
        assert request.body == {"pipelines": [{"id": PIPELINE, "authorized": True}]}
        self.permitted.add(request.path.partition("pipelinePermissions/")[2])
        return Answer({"pipelines": [{"id": PIPELINE, "authorized": True}]})

    def _approve(self, request: Request) -> Answer:
        assert [(one["approvalId"], one["status"]) for one in request.body] == [("approval", "approved")]
        self.approved = True
        return collection(*request.body)

    def _build(self) -> dict[str, Any]:
        status = "completed" if self.result else "inProgress"
        result = {"result": self.result} if self.result else {}
        named = {"id": BUILD, "buildNumber": "20261124.1", "reason": self.reason, "sourceVersion": self.commit}
        return {**named, "status": status, **result, "_links": {"web": {"href": "https://example.org/run"}}}

    def _timeline(self) -> dict[str, Any]:
        self._advance()
        records = []
        for name in STAGES:
            records += self._stage(name)
        return {"records": records}

    def _advance(self) -> None:
        following = STAGES[len(self.done)] if len(self.done) < len(STAGES) else ""
        blocked = len(self.permitted) < 3 or (following == "Production" and not self.approved)
        if self.result or blocked:
            return
        self.done.append(following)
        if following == self.fails or following == "Production":
            self.result = "failed" if following == self.fails else "succeeded"

    def _stage(self, name: str) -> list[dict[str, Any]]:
        ended = name in self.done
        result = ("failed" if name == self.fails else "succeeded") if ended else None
        state = "completed" if ended else "pending"
        common = {"startTime": STARTED, "finishTime": FINISHED if ended else None, "attempt": 1, "state": state}
        found = [
            {**common, "id": name, "type": "Stage", "name": f"The stage {name}", "result": result},
            {**common, "id": f"{name}-task", "type": "Task", "name": f"Work of {name}", "result": result},
        ]
        if result == "failed":
            found[1] |= {"issues": [{"type": "error", "message": "Bash exited with code '1'."}], "log": {"id": 7}}
        if name == "Build" and len(self.permitted) < 3:
            found.append(_checkpoint("permission", "Checkpoint.Authorization"))
        if name == "Production" and len(self.done) == 2 and not self.approved:
            found.append(_checkpoint("approval", "Checkpoint.Approval"))
        return found


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, file: str, text: str) -> str:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(text)
    git(folder, "add", file)
    git(folder, "commit", "--quiet", "--message", f"Write {file}")
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """The repository that the service speaks of, with one commit."""
    folder = tmp_path / "main"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, "labs/train.py", "one")
    return folder


def _checkpoint(number: str, kind: str) -> dict[str, Any]:
    return {"id": number, "type": kind, "name": kind, "state": "inProgress", "result": None, "startTime": STARTED}


REPOSITORY = {"id": "r", "name": "AIDevCollege", "defaultBranch": "refs/heads/main"}
DEFINITION = {"id": PIPELINE, "name": "ML", "process": {"yamlFilename": "azure-pipelines.yml", "type": 2}}
CONNECTION = {"id": "guid", "name": "MyAzureSubscription", "isReady": True}


def pushed(run: Run, new: bool = False, heard: bool = False) -> Pushed:
    return Pushed(run.commit, new, heard)


def test_a_run_goes_through_permissions_and_approval_to_its_end(
    service: Service, day: Day, told: list[str], main: Path
) -> None:
    """Started once; three resources are permitted for this pipeline alone; the approval comes when it is asked for."""
    run = Run(service, main)
    done = release(day, pushed(run))
    assert run.permitted == {"endpoint/guid", "environment/1", "environment/2"}
    assert run.done == list(STAGES)
    assert done == (
        "MyAzureSubscription, diabetes-staging, diabetes-production permitted; "
        "run 20261124.1 succeeded, 1 approved on the way (started by hand)"
    )
    assert release(day, pushed(run)).endswith("run 20261124.1 succeeded, 0 approved on the way (manual)")
    assert len(service.made("POST")) == 1
    assert len(told) == len(set(told))
    assert day.waiting.runs > 0


def test_a_push_that_is_heard_is_not_started_by_hand(service: Service, day: Day, main: Path) -> None:
    """The run that it starts is followed."""
    run = Run(service, main)
    run.exists, run.reason = True, "individualCI"
    assert release(day, pushed(run, new=True, heard=True)).endswith("1 approved on the way (individualCI)")
    assert service.made("POST") == []


def test_a_run_stands_for_main_while_nothing_that_counts_has_changed(service: Service, day: Day, main: Path) -> None:
    """A passport changes no model, a training script does; a commit that nobody knows stands for nothing."""
    run = Run(service, main)
    run.exists, run.result = True, "succeeded"
    commit(main, "labs/passport.toml", "filled in")
    assert find_release(day) is not None
    commit(main, "labs/train.py", "two")
    day.copy.update()
    assert find_release(day) is None
    run.commit = "c" * 40
    assert find_release(day) is None


def test_news_are_told_once_and_in_order(service: Service, day: Day, told: list[str], main: Path) -> None:
    """A stage, its steps with their seconds, and what the run waits for."""
    run = Run(service, main)
    run.permitted, run.approved, run.exists = {"1", "2", "3"}, True, True
    look = Follower(day, BUILD).follow(lambda _: False)
    assert look.completed
    assert [line for line in told if "Work" in line] == [f"    ok       Work of {name}, 8 s" for name in STAGES]
    assert [line for line in told if "stage" in line] == [f"  The stage {name}: ok" for name in STAGES]


def test_a_run_that_is_over_is_no_news(service: Service, day: Day, told: list[str], main: Path) -> None:
    """Who walks the day again does not read the old runs again."""
    run = Run(service, main)
    run.exists, run.done, run.result = True, list(STAGES), "succeeded"
    assert finish(day, {"id": BUILD}) == "run 20261124.1 succeeded, 0 approved on the way"
    assert told == []


def test_a_waiting_run_says_what_it_waits_for(service: Service, day: Day, told: list[str], main: Path) -> None:
    """One line, however often it is looked at."""
    run = Run(service, main)
    run.exists = True
    follower = Follower(day, BUILD)
    for _ in range(3):
        follower.follow(lambda look: bool(look.waiting("Checkpoint.Authorization")))
    assert told == ["  waits for a permission"]


def test_a_failed_step_is_quoted(service: Service, day: Day, main: Path) -> None:
    """Its name, its issue, the end of its log, and where to look."""
    run = Run(service, main, fails="Staging")
    run.permitted, run.exists = {"1", "2", "3"}, True
    with pytest.raises(JourneyError) as caught:
        finish(day, {"id": BUILD})
    text = str(caught.value)
    assert "run 20261124.1: failed; Work of Staging failed: Bash exited with code '1'." in text
    assert "  | boom" in text
    assert "https://example.org/run" in text
    assert run.done == ["Build", "Staging"]


def test_a_failed_run_is_no_release(service: Service, day: Day, main: Path) -> None:
    """What made it fail was mended: a new run is what a person would start."""
    run = Run(service, main)
    run.exists, run.result = True, "failed"
    assert find_release(day) is None


def test_before_a_pipeline_there_is_no_run(service: Service, day: Day) -> None:
    """No repository: the message says how far to go."""
    service.on("GET", "AIDevCollege/_apis/git/repositories", collection())
    with pytest.raises(JourneyError, match="journey run --to 3"):
        find_release(day)


@pytest.mark.parametrize("reason", ["manual", *AUTOMATIC])
def test_an_automatic_run_is_one_that_nobody_started(service: Service, day: Day, main: Path, reason: str) -> None:
    """Pressing Run is another exercise."""
    run = Run(service, main)
    run.exists, run.result, run.reason = True, "succeeded", reason
    if reason in AUTOMATIC:
        assert require_automatic(day)["id"] == BUILD
        return
    with pytest.raises(JourneyError, match="none that a push has started"):
        require_automatic(day)
