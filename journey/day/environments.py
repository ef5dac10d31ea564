"""Modules 7 and 8: the environments that deployments are recorded in, and the approval before production.

Made before the first run: a run that was started over REST does not make an environment (azure-devops.md, 10.2).
"""

from typing import Any

from journey.day.context import Day
from journey.organization import PREVIEW

APPROVAL = {"id": "8c6f20a7-a545-4486-9777-f762fafe0d4d", "name": "Approval"}
MINUTES = 43200  # thirty days, what the portal proposes
INSTRUCTIONS = "Have you seen the integration tests of staging?"


def create_staging(day: Day) -> str:
    """Makes the environments that come before production: staging alone, as workshop.toml has it."""
    return ", ".join(_create(day, name) for name in day.attendee.environments[:-1])


def create_production(day: Day) -> str:
    """Makes the last environment, and lets the attendee approve what goes there."""
    name = day.attendee.environments[-1]
    return f"{_create(day, name)}; approval {_require_approval(day, name)}"


def _create(day: Day, name: str) -> str:
    if day.find_environment(name):
        return f"{name} is there"
    day.organization.post(day.path("distributedtask/environments"), {"name": name, "description": ""})
    return f"{name} created"


def _require_approval(day: Day, name: str) -> str:
    environment = day.find_environment(name)
    assert environment is not None
    path, query = day.path("pipelines/checks/configurations"), {"resourceType": "environment"}
    listed = day.organization.list(path, {**query, "resourceId": environment["id"]}, PREVIEW)
    if any(one["type"]["id"].lower() == APPROVAL["id"] for one in listed):
        return "is there"
    day.organization.post(path, approval_body(day, environment), version=PREVIEW)
    return "created"


def approval_body(day: Day, environment: dict[str, Any]) -> dict[str, Any]:
    """An approval by the attendee alone. A team would forbid who started the run to approve it."""
    approver = {"id": day.person["id"], "displayName": day.person.get("providerDisplayName", "")}
    return {
        "type": APPROVAL,
        "settings": {
            "approvers": [approver],
            "executionOrder": "anyOrder",
            "minRequiredApprovers": 1,
            "instructions": INSTRUCTIONS,
            "blockedApprovers": [],
            "requesterCannotBeApprover": False,
        },
        "resource": {"type": "environment", "id": str(environment["id"]), "name": environment["name"]},
        "timeout": MINUTES,
    }
