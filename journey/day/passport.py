"""Module 9: the passport of what production runs, filled in from what the services say."""

import tomllib
from collections.abc import Mapping
from typing import Any

from journey.day.changes import ASIDE, TITLES, keep, submit
from journey.day.context import Day
from journey.day.runs import APPROVAL
from journey.day.versions import find_released
from journey.errors import JourneyError
from journey.organization import PREVIEW

FILE = "labs/passport.toml"
UP_TO_DATE = "Bring the passport up to date"


def fill_in_passport(day: Day) -> str:
    """Writes the five lines, and pushes them: the trigger leaves the file out, so that no run begins. Where main asks
    for a pull request they are committed, and the next one takes them along.
    """
    values, copy = passport(day), day.copy
    copy.update()
    before = copy.commit
    for line, value in values.items():
        copy.edit(FILE, rf'^({line}\s*=\s*)("[^"]*")', f'"{value}"')
    commit = keep(day, UP_TO_DATE) if day.changes.guarded() else submit(day, TITLES[9], ASIDE).commit
    said = f"{values['model_version']}, commit {values['commit'][:7]}, let through by {values['approver']}"
    return f"{said}; {'it is filled in' if commit == before else f'committed as {commit[:7]}'}"


def refresh_passport(day: Day) -> str:
    """A new release has a new passport; whoever has not filled one in yet is not given one."""
    day.copy.update()
    text = (day.copy.folder / FILE).read_text(encoding="utf-8")
    if not tomllib.loads(text).get("model_version"):
        return "it is not filled in yet: that is module 9"
    return fill_in_passport(day)


def passport(day: Day) -> Mapping[str, str]:
    """What production runs, and where it comes from. Raises JourneyError before production runs something."""
    version, names = find_released(day), day.attendee.names
    if version is None:
        raise JourneyError(
            f"the endpoint {names['production']}", "nothing runs there", "a release", "journey run --to 8"
        )
    return {
        "model_version": f"{names['model']}:{version.number}",
        "run_id": version.tags["job"],
        "commit": version.tags["commit"],
        "data_version": version.tags["data"],
        "approver": _approver(day, version.tags["build"]),
    }


def _approver(day: Day, build: str) -> str:
    """Who approved a run. Raises JourneyError when nobody did."""
    timeline = day.organization.get(day.path(f"build/builds/{build}/timeline"))
    for record in timeline["records"]:
        if record["type"] == APPROVAL and record.get("result") == "succeeded":
            path = day.path(f"pipelines/approvals/{record['id']}")
            for step in day.organization.get(path, {"$expand": "steps"}, PREVIEW)["steps"]:
                if step["status"] == "approved":
                    return _name(step["actualApprover"])
    raise JourneyError(
        f"the approvals of run {build}", "nobody has approved it", "one of production", "checker check ENV003"
    )


def _name(person: Mapping[str, Any]) -> str:
    return str(person["displayName"])
