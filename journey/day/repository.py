"""Module 3: the code, imported into the repository that came with the project."""

from typing import Any

from journey.day.context import Day
from journey.errors import JourneyError
from journey.polling import wait_for

BRANCH = "refs/heads/main"
IMPORT_SECONDS = 300


def import_repository(day: Day) -> str:
    """Imports the code when the repository is empty, and sees to it that main is the default branch."""
    found = day.find_repository() or _create(day)
    done = "is there"
    if not found.get("defaultBranch"):
        _import(day, found["id"])
        done = f"imported from {day.attendee.source}"
        found = _settled(day)
    if found["defaultBranch"] != BRANCH:
        _make_default(day, found)
    return f"{found['name']} {done}, default branch main"


def _create(day: Day) -> dict[str, Any]:
    return dict(day.organization.post(day.path("git/repositories"), {"name": day.attendee.project}))


def _import(day: Day, repository: str) -> None:
    path = day.path(f"git/repositories/{repository}/importRequests")
    body = {"parameters": {"gitSource": {"url": day.attendee.source, "overwrite": False}}}
    number = day.organization.post(path, body)["importRequestId"]
    ended = ("completed", "failed", "abandoned")
    found = wait_for(
        lambda: day.organization.get(f"{path}/{number}"),
        lambda one: one["status"] in ended,
        IMPORT_SECONDS,
        f"import {number}",
    )
    if found["status"] != "completed":
        reason = found.get("detailedStatus", {}).get("errorMessage", "no reason given")
        raise JourneyError(
            f"the import of {day.attendee.source}",
            f"{found['status']}: {reason}",
            "completed",
            "journey run --from 3 --source <clone address>",
        )


def _settled(day: Day) -> dict[str, Any]:
    """The repository once the service shows its branch: the import is told before that."""
    found = wait_for(
        day.find_repository,
        lambda one: bool(one and one.get("defaultBranch")),
        IMPORT_SECONDS,
        "the imported repository",
    )
    assert found is not None
    return found


def _make_default(day: Day, repository: dict[str, Any]) -> None:
    path = day.path(f"git/repositories/{repository['id']}")
    refs = day.organization.list(f"{path}/refs", {"filter": "heads/main"})
    if BRANCH not in [one["name"] for one in refs]:
        raise JourneyError(
            f"the branches of {repository['name']}",
            f"no main; the default is {repository['defaultBranch']}",
            "main, which the pipeline's trigger names",
            "git push origin HEAD:main",
        )
    day.organization.patch(path, {"defaultBranch": BRANCH})
