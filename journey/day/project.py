"""Module 2: the project, with the process Agile and a Git repository, private."""

from journey.day.context import Day
from journey.errors import JourneyError
from journey.polling import wait_for

PROCESS = "Agile"
OPERATION_SECONDS = 120


def create_project(day: Day) -> str:
    """Makes the project and waits for it. Raises JourneyError when one of the name is there with another process."""
    name = day.attendee.project
    found = day.organization.find(f"_apis/projects/{name}", {"includeCapabilities": "true"})
    if found:
        process = found["capabilities"]["processTemplate"]["templateName"]
        if process != PROCESS:
            raise JourneyError(
                f"project {name}",
                f"its process is {process}",
                PROCESS,
                "delete the project, or name another with --project",
            )
        return f"{name} is there, {process}"
    templates = {one["name"]: one["id"] for one in day.organization.list("_apis/process/processes")}
    capabilities = {
        "versioncontrol": {"sourceControlType": "Git"},
        "processTemplate": {"templateTypeId": templates[PROCESS]},
    }
    body = {"name": name, "description": "MLOps on Azure", "visibility": "private", "capabilities": capabilities}
    finish_operation(day, day.organization.post("_apis/projects", body)["id"])
    return f"{name} created, {PROCESS}"


def finish_operation(day: Day, operation: str) -> None:
    """Waits for an operation of the organisation. Raises JourneyError when it does not succeed."""
    path = f"_apis/operations/{operation}"
    ended = ("succeeded", "failed", "cancelled")
    found = wait_for(
        lambda: day.organization.get(path),
        lambda one: one["status"] in ended,
        OPERATION_SECONDS,
        f"operation {operation}",
    )
    if found["status"] != "succeeded":
        detail = found.get("detailedMessage") or found.get("resultMessage") or "no reason given"
        raise JourneyError(f"operation {operation}", f"{found['status']}: {detail}", "succeeded")
