"""Module 10: is the second version of the model better? Two test sets are two exams; the hold-out is the same one."""

from journey.azure import Version, list_versions
from journey.day.context import Day
from journey.day.runs import AUTOMATIC, require_build
from journey.errors import JourneyError


def compare_versions(day: Day) -> str:
    """Reads the versions with Azure's SDK. Raises JourneyError unless the automatic run registered the newest."""
    build, versions = require_build(day, AUTOMATIC), list_versions(day.attendee)
    name = day.attendee.names["model"]
    if len(versions) < 2:
        raise JourneyError(f"model {name}", f"{len(versions)} version(s)", "two", "journey run --from 10")
    older, newer = versions[-2:]
    if newer.tags.get("commit") != build["sourceVersion"]:
        raise JourneyError(
            f"model {name}:{newer.number}",
            f"the tag commit is {newer.tags.get('commit')}",
            f"{build['sourceVersion']}, which run {build['buildNumber']} was started for",
        )
    day.tell(_row(older))
    day.tell(_row(newer))
    return f"{name}:{newer.number} comes from run {build['buildNumber']}"


def _row(version: Version) -> str:
    tags = version.tags
    own, same = float(tags["mse"]), float(tags["holdout_mse"])
    exam = f"its own {tags['test_size']} of the data"
    return f"  version {version.number}: mse {own:.0f} on {exam}, {same:.0f} on the hold-out"
