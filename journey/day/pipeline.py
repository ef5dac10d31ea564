"""Module 6: the pipeline, made from the YAML file that is in the repository."""

from typing import Any

from journey.day.context import Day
from journey.errors import JourneyError

HOSTED = "Azure Pipelines"
FROM_YAML = 2  # settingsSourceType: the YAML decides what triggers a run; process type 2 is YAML as well
KEY_VARIABLE = "staging.key"


def create_pipeline(day: Day) -> str:
    """Makes the pipeline. With a staging key of the attendee's, that becomes its secret variable."""
    if found := day.find_definition():
        return f"{found['name']} is there, {day.attendee.yaml}"
    made = day.organization.post(day.path("build/definitions"), definition_body(day))
    secret = f", secret variable {KEY_VARIABLE}" if day.attendee.staging_key else ""
    return f"{made['name']} created from {day.attendee.yaml}{secret}"


def definition_body(day: Day) -> dict[str, Any]:
    """A YAML definition. The build API takes what the pipelines API does not: variables (azure-devops.md, 3.5, 3.6)."""
    repository = day.repository
    key = day.attendee.staging_key
    secret = {KEY_VARIABLE: {"value": key, "isSecret": True, "allowOverride": False}} if key else {}
    return {
        "name": day.attendee.pipeline,
        "path": "\\",
        "type": "build",
        "quality": "definition",
        "queueStatus": "enabled",
        "process": {"type": FROM_YAML, "yamlFilename": day.attendee.yaml.lstrip("/")},
        "repository": {
            "id": repository["id"],
            "name": repository["name"],
            "type": "TfsGit",
            "defaultBranch": repository["defaultBranch"],
        },
        "queue": {"id": hosted_queue(day)},
        "triggers": [
            {
                "triggerType": "continuousIntegration",
                "settingsSourceType": FROM_YAML,
                "branchFilters": [],
                "pathFilters": [],
                "batchChanges": False,
                "maxConcurrentBuildsPerBranch": 1,
            }
        ],
        "variables": secret,
    }


def hosted_queue(day: Day) -> int:
    """The queue of Microsoft's agents; its number differs from project to project."""
    queues = day.organization.list(day.path("distributedtask/queues"))
    for one in queues:
        if one["name"] == HOSTED:
            return int(one["id"])
    names = ", ".join(str(one["name"]) for one in queues)
    raise JourneyError("the agent queues", names or "none", HOSTED)
