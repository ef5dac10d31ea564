"""Modules 6 to 8 and 10: runs, started, permitted, approved and followed to their end."""

from collections.abc import Iterator
from typing import Any

from journey.day.changes import LARGER, enlarge_test_set
from journey.day.context import Day
from journey.errors import JourneyError
from journey.following import Follower, Look, require_success
from journey.organization import PREVIEW
from journey.polling import wait_for

APPROVAL = "Checkpoint.Approval"
MANUAL, AUTOMATIC = ("manual",), ("individualCI", "batchedCI")
TRIGGER_SECONDS = 60


def start_run(day: Day) -> str:
    """Starts the first run by hand, unless one of that kind is under way or has succeeded."""
    if found := find_build(day, MANUAL):
        return f"run {found['buildNumber']} is there, {found.get('result') or found['status']}"
    body = {"resources": {"repositories": {"self": {"refName": day.repository["defaultBranch"]}}}}
    run = day.organization.post(day.path(f"pipelines/{day.definition['id']}/runs"), body)
    return f"run {run['name']} started"


def find_build(day: Day, reasons: tuple[str, ...], commit: str = "") -> dict[str, Any] | None:
    """The newest run for one of these reasons, of this commit where one is named, that has not failed."""
    query = {"definitions": day.definition["id"], "$top": 50, "queryOrder": "queueTimeDescending"}
    for one in day.organization.get(day.path("build/builds"), query)["value"]:
        fits = one["reason"] in reasons and (not commit or one["sourceVersion"] == commit)
        if fits and one.get("result") in (None, "none", "succeeded", "partiallySucceeded"):
            return dict(one)
    return None


def require_build(day: Day, reasons: tuple[str, ...]) -> dict[str, Any]:
    """The run. Raises JourneyError before the step that starts it."""
    found = find_build(day, reasons)
    if found is None:
        raise JourneyError(
            f"the runs of {day.definition['name']}",
            f"none with reason {reasons[0]} that went well",
            "one",
            "journey run --from 7",
        )
    return found


def permit(day: Day) -> str:
    """Permits the pipeline to use its connection and environments, and follows the first run to its first approval."""
    permitted = [name for kind, number, name in _resources(day) if _permit_one(day, kind, number)]
    build = require_build(day, MANUAL)
    look = Follower(day, build["id"]).follow(lambda one: bool(one.waiting(APPROVAL)))
    if look.completed:
        require_success(day, look)
    state = "has ended" if look.completed else "waits for the approval"
    return f"{', '.join(permitted) or 'nothing'} permitted; run {build['buildNumber']} {state}"


def _resources(day: Day) -> Iterator[tuple[str, str, str]]:
    """Kind, id and name of everything that the pipeline has to be permitted to use."""
    connection = day.find_connection()
    if connection is None:
        raise JourneyError(f"connection {day.attendee.connection}", "not there", "it", "journey run --from 3")
    yield "endpoint", str(connection["id"]), str(connection["name"])
    for name in day.attendee.environments:
        environment = day.find_environment(name)
        if environment is None:
            raise JourneyError(f"environment {name}", "not there", "it", "journey run --from 4")
        yield "environment", str(environment["id"]), name


def _permit_one(day: Day, kind: str, number: str) -> bool:
    """Permits one resource for this pipeline alone; whether that was still to be done."""
    path, pipeline = day.path(f"pipelines/pipelinePermissions/{kind}/{number}"), day.definition["id"]
    found = day.organization.get(path, version=PREVIEW)
    if found.get("allPipelines", {}).get("authorized") or pipeline in [one["id"] for one in found["pipelines"]]:
        return False
    day.organization.patch(path, {"pipelines": [{"id": pipeline, "authorized": True}]}, version=PREVIEW)
    return True


def approve(day: Day) -> str:
    """Approves the first run's way to production, and follows it to its end."""
    return finish(day, require_build(day, MANUAL))


def finish(day: Day, build: dict[str, Any]) -> str:
    """Follows a run to its end, and approves what waits on the way. Raises JourneyError unless it succeeds."""
    follower, approved = Follower(day, build["id"]), set[str]()

    def still_open(look: Look) -> set[str]:
        return {str(record["id"]) for record in look.waiting(APPROVAL)} - approved

    look = follower.follow(lambda one: bool(still_open(one)))
    while not look.completed:
        asked = still_open(look)
        _approve_all(day, asked)
        approved |= asked
        look = follower.follow(lambda one: bool(still_open(one)))
    return f"{require_success(day, look)}, {len(approved)} approved on the way"


def _approve_all(day: Day, records: set[str]) -> None:
    """Approves what the timeline's records stand for: an approval has the id of its record (3.7, INF)."""
    answers = [{"approvalId": one, "status": "approved", "comment": "Staging was tested."} for one in sorted(records)]
    day.organization.patch(day.path("pipelines/approvals"), answers)


def retrain(day: Day) -> str:
    """Pushes a larger test set, and follows the run that nobody starts by hand."""
    commit, pushed = enlarge_test_set(day)
    build = wait_for(
        lambda: find_build(day, AUTOMATIC, commit if pushed else ""),
        lambda found: found is not None,
        TRIGGER_SECONDS,
        f"the run that the push of {commit[:7]} starts",
    )
    assert build is not None
    done = f"pushed as {commit[:7]}" if pushed else "is pushed already"
    return f"test_size {LARGER} {done}; {finish(day, build)}"
