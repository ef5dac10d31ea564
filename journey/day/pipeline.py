"""Modules 6 and 7: the pipeline, made from the YAML file that is in the repository, and the key of staging."""

import secrets
from typing import Any

from journey.day.context import Day
from journey.errors import JourneyError

HOSTED = "Azure Pipelines"
FROM_YAML = 2  # settingsSourceType: the YAML decides what triggers a run; process type 2 is YAML as well
KEY_VARIABLE = "staging.key"
KEY_FILE, KEY_ENVIRONMENT = "build/staging.key", "WORKSHOP_STAGING_KEY"


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


def give_staging_key(day: Day) -> str:
    """Makes the attendee's key of staging a secret variable of the pipeline, unless there is one: Azure does not give
    a key back, and whoever asks staging for predictions needs it. Empty before there is a pipeline, or a key.
    """
    definition = day.find_definition()
    if definition is None or KEY_VARIABLE in (definition.get("variables") or {}):
        return ""
    key = day.attendee.staging_key or _own_key(day)
    if not key:
        return f"each deployment makes a key: set {KEY_ENVIRONMENT} for one that you know"
    variables = {**(definition.get("variables") or {}), KEY_VARIABLE: {"value": key, "isSecret": True}}
    path = day.path(f"build/definitions/{definition['id']}")
    day.organization.put(path, {**definition, "variables": variables})
    return f"secret variable {KEY_VARIABLE} set"


def _own_key(day: Day) -> str:
    """The key in the attendee's clone, where module 7 puts it, out of git and for nobody else to read. It is made when
    there is none; empty in a copy that ends with this command.
    """
    if not day.owns_copy:
        return ""
    file = day.copy.folder / KEY_FILE
    if not file.is_file():
        file.parent.mkdir(exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
        day.tell(f'  your key of staging: export {KEY_ENVIRONMENT}="$(cat {KEY_FILE})"')
    return file.read_text(encoding="utf-8").strip()


def hosted_queue(day: Day) -> int:
    """The queue of Microsoft's agents; its number differs from project to project."""
    queues = day.organization.list(day.path("distributedtask/queues"))
    for one in queues:
        if one["name"] == HOSTED:
            return int(one["id"])
    names = ", ".join(str(one["name"]) for one in queues)
    raise JourneyError("the agent queues", names or "none", HOSTED)
