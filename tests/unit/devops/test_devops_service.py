"""What the host of pipelines hears of pushes, with the service built in this process."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.clock import Clock
from sandbox.devops import DevOps, RefUpdate, Repository
from sandbox.devops.git import ZERO
from sandbox.devops.pullrequests.records import PULL_REQUESTS
from sandbox.devops.pushes import UNSETTLED
from sandbox.devops.repositories import REPOSITORIES
from sandbox.errors import ApiError, Unauthenticated
from sandbox.ids import Ids
from sandbox.store import Store
from sandbox.wire import Body, Call, Principal, Router

PATIENCE = 20


class MovedClock(Clock):
    """The present, moved by `ahead`."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Listener:
    """Collects what it hears; `fail` makes it raise."""

    heard: list[tuple[Repository, Sequence[RefUpdate], dict[str, str]]] = field(default_factory=list)
    moments: list[str] = field(default_factory=list)
    fail: bool = False
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def on_push(
        self, repository: Repository, updates: Sequence[RefUpdate], pusher: dict[str, str], moment: str
    ) -> None:
        self.heard.append((repository, updates, pusher))
        self.moments.append(moment)
        self.arrived.release()
        if self.fail:
            raise RuntimeError("the listener is out of order")

    def wait(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.arrived.acquire(timeout=PATIENCE), "no push was told"


@dataclass
class World:
    """A service and its parts."""

    devops: DevOps
    store: Store
    clock: MovedClock
    listener: Listener
    router: Router

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """The JSON of an answer. Raises what the handler raises."""
        credentials = base64.b64encode(f":{token or self.devops.access.first_token}".encode()).decode()
        path, _, query = path.partition("?")
        values = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
        full = f"/{self.devops.organization}/{path}"
        match = self.router.match(method, full, values)
        assert match, f"{method} {full}"
        call = Call(
            match.operation.name,
            method,
            full,
            "https://127.0.0.1:1",
            match.params,
            {"api-version": "7.1", **values},
            {"authorization": f"Basic {credentials}"},
            Body(json.dumps(body).encode() if body is not None else b""),
        )
        reply = match.operation.handler(call)
        assert isinstance(reply.body, bytes)
        return json.loads(reply.body) if reply.body else None

    def project(self, name: str) -> None:
        operation = self.ask("POST", "_apis/projects", {"name": name})
        self.until(lambda: self.ask("GET", f"_apis/operations/{operation['id']}")["status"] == "succeeded")

    def push(self, name: str, old: str = ZERO, path: str = "/a.txt", text: str = "a") -> str:
        change = {"changeType": "add", "item": {"path": path}, "newContent": {"content": text}}
        body = {
            "refUpdates": [{"name": "refs/heads/main", "oldObjectId": old}],
            "commits": [{"comment": "Add", "changes": [change]}],
        }
        made = self.ask("POST", f"{name}/_apis/git/repositories/{name}/pushes", body)
        return str(made["refUpdates"][0]["newObjectId"])

    def until(self, holds: Any) -> None:
        tick = threading.Event()
        for _ in range(PATIENCE * 50):
            if holds():
                return
            tick.wait(0.02)
        raise AssertionError("it did not come true")


def build(folder: Path, listener: Listener) -> World:
    clock = MovedClock()
    store = Store(folder / "sandbox.db", clock)
    devops = DevOps(store, clock, Ids(), folder, _nobody, _owner, "tenant")
    devops.listener = listener
    devops.recover()
    return World(devops, store, clock, listener, Router(devops.operations()))


def _nobody(headers: Mapping[str, str]) -> Principal:
    raise Unauthenticated("InvalidAuthenticationToken", "The access token is invalid.")


def _owner(call: Call) -> None:
    """Everybody is the owner here."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path, Listener())
    yield made
    made.devops.close()


def test_a_push_is_told_with_repository_refs_and_pusher(world: World) -> None:
    world.project("Told")
    new = world.push("Told")
    world.listener.wait()
    repository, updates, pusher = world.listener.heard[0]
    assert (repository.name, repository.project_name, repository.default_branch) == ("Told", "Told", "refs/heads/main")
    assert (repository.folder / "objects").is_dir()
    assert list(updates) == [RefUpdate("refs/heads/main", ZERO, new)]
    assert pusher["uniqueName"] == "ada@example.org"


def test_pushes_are_told_in_order(world: World) -> None:
    world.project("Order")
    tips = [ZERO]
    for number in range(5):
        tips.append(world.push("Order", tips[-1], f"/{number}.txt"))
    world.listener.wait(5)
    told = [(updates[0].old, updates[0].new) for _, updates, _ in world.listener.heard]
    assert told == list(pairwise(tips))


def test_a_push_that_is_heard_late_starts_no_pipeline_that_was_made_meanwhile(world: World) -> None:
    world.project("Late")
    first = world.push("Late", path="/run.yml", text="trigger: [main]\nsteps: []\n")
    world.listener.wait()
    repository = {"id": world.ask("GET", "Late/_apis/git/repositories/Late")["id"], "type": "azureReposGit"}
    configuration = {"type": "yaml", "path": "run.yml", "repository": repository}
    world.ask("POST", "Late/_apis/pipelines", {"name": "Late", "folder": "\\", "configuration": configuration})
    second = world.push("Late", first, "/b.txt")
    world.listener.wait()
    for heard, moment in zip(world.listener.heard, world.listener.moments, strict=True):
        world.devops.builds.on_push(*heard, moment)
    assert [one["sourceVersion"] for one in world.ask("GET", "Late/_apis/build/builds")["value"]] == [second]


def test_ref_updates_and_deletions_are_told_and_no_change_is_not(world: World) -> None:
    world.project("Refs")
    tip = world.push("Refs")
    world.listener.wait()
    path = "Refs/_apis/git/repositories/Refs/refs"
    world.ask("POST", path, [{"name": "refs/heads/main", "oldObjectId": ZERO, "newObjectId": tip}])
    world.ask("POST", path, [{"name": "refs/tags/v1", "oldObjectId": ZERO, "newObjectId": tip}])
    world.ask("POST", path, [{"name": "refs/tags/v1", "oldObjectId": tip, "newObjectId": ZERO}])
    world.listener.wait(2)
    told = [(updates[0].name, updates[0].new) for _, updates, _ in world.listener.heard[1:]]
    assert told == [("refs/tags/v1", tip), ("refs/tags/v1", ZERO)]


def test_a_push_that_was_not_told_is_told_at_the_next_start(tmp_path: Path) -> None:
    """The listener fails; the push stays recorded and is told again by the next server."""
    first = build(tmp_path, Listener(fail=True))
    first.project("Again")
    new = first.push("Again")
    first.listener.wait()
    first.devops.close()
    second = build(tmp_path, Listener())
    second.listener.wait()
    assert second.listener.heard[0][1][0].new == new
    second.devops.close()
    third = build(tmp_path, Listener())
    third.devops.close()
    assert third.listener.heard == []


def test_a_push_that_a_killed_server_did_not_record_is_recorded_by_the_next(tmp_path: Path) -> None:
    """The refs have moved, the server died before it wrote that down, and git left a lock."""
    first = build(tmp_path, Listener())
    first.project("Killed")
    old = first.push("Killed")
    new = first.push("Killed", old, "/b.txt")
    first.listener.wait(2)
    first.devops.close()
    repository = first.listener.heard[0][0]
    git = first.devops.context.git
    git.run(repository.folder, "update-ref", "refs/heads/main", old)
    [document] = first.store.list(REPOSITORIES)
    before = {"before": git.refs(repository.folder), "repository": document.id}
    first.store.put(UNSETTLED, f"{document.id}/unsettled", {**before, "pusher": first.devops.access.user.fields()})
    git.run(repository.folder, "update-ref", "refs/heads/main", new)
    (repository.folder / "refs" / "heads" / "main.lock").touch()
    second = build(tmp_path, Listener())
    second.listener.wait()
    assert list(second.listener.heard[0][1]) == [RefUpdate("refs/heads/main", old, new)]
    assert second.ask("GET", "Killed/_apis/git/repositories/Killed/pushes")["count"] == 3
    second.push("Killed", new, "/c.txt")
    second.devops.close()


def test_the_first_token_is_renewed_when_its_time_is_over(tmp_path: Path) -> None:
    clock = MovedClock()
    store = Store(tmp_path / "sandbox.db", clock)
    first = DevOps(store, clock, Ids(), tmp_path, _nobody, _owner, "tenant")
    same = DevOps(store, clock, Ids(), tmp_path, _nobody, _owner, "tenant")
    assert same.access.first_token == first.access.first_token
    clock.ahead = timedelta(days=100)
    later = DevOps(store, clock, Ids(), tmp_path, _nobody, _owner, "tenant")
    assert later.access.first_token != first.access.first_token
    assert later.access.user == first.access.user


def test_a_token_ends_with_its_time(world: World) -> None:
    token = world.devops.create_token(
        world.devops.access.user, "Short", valid_to=world.clock.now() + timedelta(hours=1)
    )
    assert world.ask("GET", "_apis/projects", token=token.secret)["count"] == 0
    world.clock.ahead = timedelta(hours=2)
    with pytest.raises(ApiError, match="has expired"):
        world.ask("GET", "_apis/projects", token=token.secret)


def test_users_and_organisations_can_be_added(world: World) -> None:
    grace = world.devops.create_user("Grace", "grace@example.org")
    token = world.devops.create_token(grace, "Grace's")
    found = world.ask("GET", "_apis/connectionData?api-version=7.1-preview", token=token.secret)
    assert found["authenticatedUser"]["providerDisplayName"] == "Grace"
    world.devops.create_organization("second")
    with pytest.raises(ApiError, match="exists already"):
        world.devops.create_organization("Second")
    with pytest.raises(ApiError, match="letters, digits"):
        world.devops.create_organization("no/good")


def test_renamed_project_is_shown_by_its_new_name(world: World) -> None:
    world.project("Before")
    guid = world.ask("GET", "_apis/projects/Before")["id"]
    body = {
        "name": "group",
        "variables": {},
        "variableGroupProjectReferences": [{"projectReference": {"id": guid}, "name": "group"}],
    }
    number = world.ask("POST", "_apis/distributedtask/variablegroups", body)["id"]
    world.ask("PATCH", f"_apis/projects/{guid}", {"name": "After"})
    world.until(lambda: world.ask("GET", f"_apis/projects/{guid}")["name"] == "After")
    changed = world.ask("PUT", f"_apis/distributedtask/variablegroups/{number}", body)
    assert changed["variableGroupProjectReferences"][0]["projectReference"] == {"id": guid, "name": "After"}
    assert world.ask("GET", "After/_apis/git/repositories")["value"][0]["project"]["name"] == "After"


@pytest.mark.parametrize("moved", [True, False])
def test_completion_that_a_killed_server_left_is_finished_or_forgotten(world: World, moved: bool) -> None:
    """Between the note of what it makes and the last word: the target has moved already, or has not."""
    world.project("halfway")
    path = "halfway/_apis/git/repositories/halfway"
    main = world.push("halfway")
    feature = {"name": "refs/heads/feature", "oldObjectId": ZERO, "newObjectId": main}
    world.ask("POST", f"{path}/refs", [feature])
    change = {"changeType": "add", "item": {"path": "/b.txt"}, "newContent": {"content": "b"}}
    body = {
        "refUpdates": [{"name": "refs/heads/feature", "oldObjectId": main}],
        "commits": [{"comment": "Add b", "changes": [change]}],
    }
    world.ask("POST", f"{path}/pushes", body)
    branches = {"sourceRefName": "refs/heads/feature", "targetRefName": "refs/heads/main", "title": "Add b"}
    made = world.ask("POST", f"{path}/pullrequests", branches)
    number, commit = made["pullRequestId"], made["lastMergeCommit"]["commitId"]
    if moved:
        update = {"name": "refs/heads/main", "oldObjectId": main, "newObjectId": commit}
        assert world.ask("POST", f"{path}/refs", [update])["value"][0]["success"]
    stored = next(one for one in world.store.list(PULL_REQUESTS) if one.body["pullRequestId"] == number)
    completing = {"commit": commit, "person": stored.body["createdBy"]}
    world.store.put(PULL_REQUESTS, stored.id, {**stored.body, "completing": completing}, stored.parent)
    world.devops.recover()
    assert world.ask("GET", f"{path}/pullrequests/{number}")["status"] == ("completed" if moved else "active")
