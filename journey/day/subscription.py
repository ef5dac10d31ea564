"""Modules 0, 4 and 15: what the attendee sets on the subscription: providers, the group, its budget and tags."""

from datetime import UTC, date, datetime
from typing import Any

from journey.day.context import Day
from journey.polling import wait_for

# What module 0 asks for; a subscription may use a service once its provider is registered.
PROVIDERS = (
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.ContainerRegistry",
    "Microsoft.ContainerInstance",
    "Microsoft.ContainerService",
    "Microsoft.Compute",
    "Microsoft.Network",
    "Microsoft.KubernetesConfiguration",
    "Microsoft.Insights",
    "Microsoft.OperationalInsights",
    "Microsoft.ManagedIdentity",
    "Microsoft.PolicyInsights",
)
RESOURCES, BUDGETS = "2021-04-01", "2023-11-01"
REGISTER_SECONDS = 900
BUDGET, AMOUNT, ALERT = "workshop", 50, 80  # its name, USD for a month, per cent of them


def register_providers(day: Day) -> str:
    """Registers what is not registered, and waits for it: that takes minutes on Azure."""
    missing = sorted(name for name, state in _states(day).items() if state != "Registered")
    for name in missing:
        day.azure.call("POST", f"/subscriptions/{day.attendee.subscription}/providers/{name}/register", {}, RESOURCES)
    if missing:
        wait_for(
            lambda: _states(day),
            lambda states: set(states.values()) == {"Registered"},
            REGISTER_SECONDS,
            f"the providers {', '.join(missing)}",
        )
    return f"{', '.join(missing)} registered" if missing else f"{len(PROVIDERS)} providers are registered"


def _states(day: Day) -> dict[str, str]:
    """How far each provider of PROVIDERS is."""
    listed = day.azure.call("GET", f"/subscriptions/{day.attendee.subscription}/providers", version=RESOURCES)
    found = {str(one["namespace"]).lower(): str(one["registrationState"]) for one in listed["value"]}
    return {name: found.get(name.lower(), "not known") for name in PROVIDERS}


def create_resource_group(day: Day) -> None:
    """Makes the group, so that the connection can be confined to it; one that is there gets the tags it lacks."""
    listed = day.azure.call("GET", f"/subscriptions/{day.attendee.subscription}/resourceGroups", version=RESOURCES)
    name = day.attendee.names["resource_group"].lower()
    missing: dict[str, Any] = {"location": day.attendee.location}
    found = next((dict(one) for one in listed["value"] if one["name"].lower() == name), missing)
    tags = found.get("tags") or {}
    if tags.items() >= day.tags.items():
        return
    day.azure.call("PUT", day.group, {"location": found["location"], "tags": {**tags, **day.tags}}, RESOURCES)


def tag_resources(day: Day) -> str:
    """Gives every resource of the group the tags that the bill and the clean-up go by; says how many lacked them."""
    create_resource_group(day)
    listed = day.azure.call("GET", f"{day.group}/resources", version=RESOURCES)["value"]
    bare = [one for one in listed if not (one.get("tags") or {}).items() >= day.tags.items()]
    for one in bare:
        body = {"operation": "Merge", "properties": {"tags": day.tags}}
        day.azure.call("PATCH", f"{one['id']}/providers/Microsoft.Resources/tags/default", body, RESOURCES)
    return f"{len(listed)} resources, {len(bare)} of them tagged now"


def create_budget(day: Day) -> str:
    """A budget for the months to come, with an alert. One of any name that has an alert is enough."""
    path = f"{day.group}/providers/Microsoft.Consumption/budgets"
    listed = day.azure.call("GET", path, version=BUDGETS)["value"]
    for one in listed:
        if any(alert.get("enabled") for alert in (one["properties"].get("notifications") or {}).values()):
            return f"the budget {one['name']} is there"
    day.azure.call("PUT", f"{path}/{BUDGET}", budget_body(datetime.now(UTC).date()), BUDGETS)
    return f"a budget of {AMOUNT} a month, alert at {ALERT} %"


def budget_body(today: date) -> dict[str, Any]:
    """A budget begins on the first day of a month that is not over."""
    alert = {
        "enabled": True,
        "operator": "GreaterThan",
        "threshold": ALERT,
        "contactEmails": ["attendee@example.org"],
    }
    return {
        "properties": {
            "category": "Cost",
            "amount": AMOUNT,
            "timeGrain": "Monthly",
            "timePeriod": {"startDate": f"{today:%Y-%m}-01T00:00:00Z"},
            "notifications": {"eighty": alert},
        }
    }
