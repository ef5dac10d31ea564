"""Modules 6 to 8, 10 and 11: runs, started, permitted, approved and followed to their end."""

from collections.abc import Iterator
from typing import Any

from journey.day.changes import INPUTS, Pushed
from journey.day.context import Day
from journey.errors import JourneyError
from journey.following import Follower, Look, require_success
from journey.organization import PREVIEW
from journey.polling import wait_for

APPROVAL = "Checkpoint.Approval"
MAIN = "refs/heads/main"
AUTOMATIC = ("individualCI", "batchedCI")
TRIGGER_SECONDS = 60


def release(day: Day, pushed: Pushed) -> str:
    """Sees to it that what is on main has gone through the pipeline: by the run that the push has started, by one that
    was there before, or by one that is started by hand. Raises JourneyError unless it succeeds.
    """
    build = _await_automatic(day, pushed) if pushed.new and pushed.heard else find_release(day)
    by_hand = build is None
    build = build or start_run(day)
    permitted = permit(day)
    how = "started by hand" if by_hand else str(build["reason"])
    done = f"{', '.join(permitted)} permitted; " if permitted else ""
    return f"{done}{finish(day, build)} ({how})"


def _await_automatic(day: Day, pushed: Pushed) -> dict[str, Any] | None:
    """The run that a push starts, or None where the pipeline does not listen."""
    try:
        return wait_for(
            lambda: find_release(day),
            lambda found: found is not None,
            TRIGGER_SECONDS,
            f"the run that the push of {pushed.commit[:7]} starts",
        )
    except JourneyError as problem:
        day.tell(f"  {problem}")
        return None


def find_release(day: Day) -> dict[str, Any] | None:
    """The newest run that has not failed, of a commit in which everything a run depends on is as it is on main."""
    inputs = (*INPUTS, day.attendee.yaml.lstrip("/"))
    builds = list_builds(day, MAIN)
    return next((one for one in builds if not day.copy.differs(str(one["sourceVersion"]), inputs)), None)


def list_builds(day: Day, branch: str) -> list[dict[str, Any]]:
    """The pipeline's runs of a branch that are under way or went well, newest first."""
    query = {"definitions": day.definition["id"], "branchName": branch, "$top": 50}
    found = day.organization.get(day.path("build/builds"), {**query, "queryOrder": "queueTimeDescending"})["value"]
    return [dict(one) for one in found if one.get("result") in (None, "none", "succeeded", "partiallySucceeded")]


def start_run(day: Day, branch: str = MAIN) -> dict[str, Any]:
    """Starts a run by hand; the build that stands for it."""
    body = {"resources": {"repositories": {"self": {"refName": branch}}}}
    run = day.organization.post(day.path(f"pipelines/{day.definition['id']}/runs"), body)
    return dict(day.organization.get(day.path(f"build/builds/{run['id']}")))


def require_automatic(day: Day) -> dict[str, Any]:
    """The newest run that a push to main has started and that went well. Raises JourneyError when there is none."""
    found = next((one for one in list_builds(day, MAIN) if one["reason"] in AUTOMATIC), None)
    if found is None:
        raise JourneyError(
            f"the runs of {day.definition['name']}",
            "none that a push has started and that went well",
            "one",
            "push a change of labs/ or workshop.toml, as module 10 does; do not press Run",
        )
    return found


def permit(day: Day) -> list[str]:
    """Permits the pipeline to use its connection and the environments that are there; what was still to be done."""
    return [name for kind, number, name in _resources(day) if _permit_one(day, kind, number)]


def _resources(day: Day) -> Iterator[tuple[str, str, str]]:
    """Kind, id and name of everything that the pipeline has to be permitted to use."""
    connection = day.find_connection()
    if connection is None:
        raise JourneyError(f"connection {day.attendee.connection}", "not there", "it", "journey run --to 4")
    yield "endpoint", str(connection["id"]), str(connection["name"])
    for name in day.attendee.environments:
        if environment := day.find_environment(name):
            yield "environment", str(environment["id"]), name


def _permit_one(day: Day, kind: str, number: str) -> bool:
    """Permits one resource for this pipeline alone; whether that was still to be done."""
    path, pipeline = day.path(f"pipelines/pipelinePermissions/{kind}/{number}"), day.definition["id"]
    found = day.organization.get(path, version=PREVIEW)
    if found.get("allPipelines", {}).get("authorized") or pipeline in [one["id"] for one in found["pipelines"]]:
        return False
    day.organization.patch(path, {"pipelines": [{"id": pipeline, "authorized": True}]}, version=PREVIEW)
    return True


def finish(day: Day, build: dict[str, Any]) -> str:
    """Follows a run to its end, and approves what waits on the way. Raises JourneyError unless it succeeds."""
    look, approved = follow_to_end(day, build)
    return f"{require_success(day, look)}, {approved} approved on the way"


def follow_to_end(day: Day, build: dict[str, Any]) -> tuple[Look, int]:
    """Follows a run to its end, whatever that is; how it ended, and how many approvals it asked for."""
    follower, approved = Follower(day, build["id"]), set[str]()

    def still_open(look: Look) -> set[str]:
        return {str(record["id"]) for record in look.waiting(APPROVAL)} - approved

    look = follower.follow(lambda one: bool(still_open(one)))
    while not look.completed:
        asked = still_open(look)
        _approve_all(day, asked)
        approved |= asked
        look = follower.follow(lambda one: bool(still_open(one)))
    return look, len(approved)


def _approve_all(day: Day, records: set[str]) -> None:
    """Approves what the timeline's records stand for: an approval has the id of its record (3.7, INF)."""
    answers = [{"approvalId": one, "status": "approved", "comment": "Staging was tested."} for one in sorted(records)]
    day.organization.patch(day.path("pipelines/approvals"), answers)
