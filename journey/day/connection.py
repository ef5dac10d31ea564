"""Module 4: a service connection without a secret, that reaches no further than the attendee's resource group."""

from typing import Any

from journey.day.context import Day
from journey.day.subscription import create_resource_group
from journey.errors import JourneyError
from journey.polling import wait_for

SCHEME = "WorkloadIdentityFederation"
READY_SECONDS = 300
TYPE = "azurerm"


def create_connection(day: Day) -> str:
    """Makes the resource group and the connection, and waits until the connection is ready."""
    attendee = day.attendee
    found = day.find_connection()
    done = "is there" if found else "created"
    if found is None:
        create_resource_group(day)
        day.organization.post("_apis/serviceendpoint/endpoints", connection_body(day))
    elif found["authorization"]["scheme"] != SCHEME:
        raise JourneyError(
            f"service connection {attendee.connection}",
            f"its scheme is {found['authorization']['scheme']}",
            SCHEME,
            "Project settings, Service connections, Convert",
        )
    wait_for(lambda: _state(day), lambda state: state == "Ready", READY_SECONDS, f"connection {attendee.connection}")
    return f"{attendee.connection} {done}, {SCHEME}, ready"


def _state(day: Day) -> str:
    """How far the connection is. Raises JourneyError when its making has failed."""
    found = day.find_connection() or {}
    status = found.get("operationStatus") or {}
    if status.get("state") == "Failed":
        reason = status.get("statusMessage") or "no reason given"
        raise JourneyError(
            f"service connection {day.attendee.connection}", f"Failed: {reason}", "Ready", "delete it and make it again"
        )
    return "Ready" if found.get("isReady") else str(status.get("state") or "not there")


def connection_body(day: Day) -> dict[str, Any]:
    """What the wizard sends for 'app registration (automatic)' with workload identity federation (3.3)."""
    attendee = day.attendee
    scope = f"/subscriptions/{attendee.subscription}/resourcegroups/{attendee.names['resource_group']}"
    reference = {"id": day.project["id"], "name": attendee.project}
    return {
        "name": attendee.connection,
        "type": TYPE,
        "url": "https://management.azure.com/",
        "data": {
            "subscriptionId": attendee.subscription,
            "subscriptionName": attendee.subscription,
            "environment": "AzureCloud",
            "scopeLevel": "Subscription",
            "creationMode": "Automatic",
        },
        "authorization": {"scheme": SCHEME, "parameters": {"scope": scope}},
        "serviceEndpointProjectReferences": [
            {"projectReference": reference, "name": attendee.connection, "description": ""}
        ],
    }
