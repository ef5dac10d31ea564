"""Module 12: another version beside the live one, the traffic over to it, and back in one write."""

from dataclasses import dataclass
from typing import Any

from journey.day.context import Day
from journey.day.scripts import run_script
from journey.day.versions import API_VERSION

SCRIPT = "deployment/blue_green.py"


@dataclass(frozen=True)
class Endpoint:
    """Production: the share of each deployment's traffic, the record in the tags, and the deployments there are."""

    traffic: dict[str, int]
    tags: dict[str, str]
    deployments: tuple[str, ...]

    @property
    def rolled_back(self) -> bool:
        return "rolled_back" in self.tags

    @property
    def idle(self) -> bool:
        """Whether a deployment stands beside the live one without traffic."""
        return any(not self.traffic.get(name) for name in self.deployments)


def exchange_and_roll_back(day: Day) -> str:
    """Goes on from wherever the exchange is: adds, tries, shifts, rolls back, removes. Raises JourneyError."""
    found = read_endpoint(day)
    if found.rolled_back and not found.idle and len(found.deployments) == 1:
        return f"rolled back {found.tags['rolled_back']}"
    if not found.rolled_back:
        _exchange(day, found)
    return _step(day, "remove") if read_endpoint(day).idle else "nothing is idle"


def _exchange(day: Day, found: Endpoint) -> None:
    """Up to the roll-back. The tag `live` names what an exchange has given all the traffic to."""
    exchanged = found.tags.get("live", "").partition(" ")[0]
    if len(found.deployments) == 1:
        _step(day, "add")
    if not exchanged or found.traffic.get(exchanged) != 100:
        _step(day, "try")
        _step(day, "shift", "--percent", "10")
        _step(day, "shift", "--percent", "100")
    _step(day, "roll-back")


def _step(day: Day, *arguments: str) -> str:
    said = run_script(day, SCRIPT, *arguments)
    day.tell(f"  {' '.join(arguments)}: {said}")
    return said


def read_endpoint(day: Day) -> Endpoint:
    """Production as it is now."""
    path = f"{day.workspace}/onlineEndpoints/{day.attendee.names['production']}"
    found: dict[str, Any] = day.azure.call("GET", path, version=API_VERSION)
    listed = day.azure.call("GET", f"{path}/deployments", version=API_VERSION)["value"]
    names = tuple(str(one["name"]) for one in listed)
    return Endpoint(dict(found["properties"].get("traffic") or {}), dict(found.get("tags") or {}), names)
