"""Modules 9 and 10: the versions of the model: which one production runs, and whether the second is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journey.day.context import Day
from journey.day.runs import require_automatic
from journey.errors import JourneyError

API_VERSION = "2024-04-01"


@dataclass(frozen=True)
class Version:
    """One registered version of the model, with the tags that say where it comes from."""

    number: int
    tags: Mapping[str, str]


def list_versions(day: Day) -> list[Version]:
    """The versions of the attendee's model, oldest first."""
    path = f"{day.workspace}/models/{day.attendee.names['model']}/versions"
    listed = day.azure.call("GET", path, version=API_VERSION)["value"]
    found = [Version(int(one["name"]), dict(one["properties"].get("tags") or {})) for one in listed]
    return sorted(found, key=lambda version: version.number)


def find_released(day: Day) -> Version | None:
    """The version that production runs: that of the deployment with the most traffic. None without production."""
    endpoint = f"{day.workspace}/onlineEndpoints/{day.attendee.names['production']}"
    listed = day.azure.call("GET", endpoint.rpartition("/")[0], version=API_VERSION)["value"]
    found: dict[str, Any] = next((one for one in listed if one["name"] == day.attendee.names["production"]), {})
    traffic: dict[str, int] = found.get("properties", {}).get("traffic") or {}
    if not any(traffic.values()):
        return None
    live = max(traffic, key=lambda name: traffic[name])
    deployment = day.azure.call("GET", f"{endpoint}/deployments/{live}", version=API_VERSION)
    number = int(str(deployment["properties"]["model"]).rpartition("/")[2])
    return next((one for one in list_versions(day) if one.number == number), None)


def compare_versions(day: Day) -> str:
    """Two test sets are two exams; the hold-out is the same one. Raises JourneyError unless the run that a push has
    started registered a version, with another one before it.
    """
    build, versions = require_automatic(day), list_versions(day)
    name = day.attendee.names["model"]
    numbers = [one.number for one in versions if one.tags.get("commit") == build["sourceVersion"]]
    if not numbers or len(versions) < 2:
        seen = ", ".join(f"{one.number} of {one.tags.get('commit', '')[:7]}" for one in versions) or "none"
        raise JourneyError(
            f"the versions of {name}", seen, f"two, one of them of {build['sourceVersion'][:7]}, the automatic run's"
        )
    newer = next(one for one in versions if one.number == max(numbers))
    older = max((one for one in versions if one.number != newer.number), key=lambda one: one.number)
    for one in sorted((older, newer), key=lambda version: version.number):
        day.tell(_row(one))
    return f"{name}:{newer.number} comes from run {build['buildNumber']}"


def _row(version: Version) -> str:
    tags = version.tags
    own, same = float(tags["mse"]), float(tags["holdout_mse"])
    exam = f"its own {tags['test_size']} of the data"
    return f"  version {version.number}: mse {own:.0f} on {exam}, {same:.0f} on the hold-out"
