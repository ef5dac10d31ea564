"""Enumerations of builds, by name and by number: Node's client sends numbers, everybody else names.

The numbers are those of the client's own declarations (azure-devops-node-api, BuildInterfaces).
"""

from collections.abc import Mapping
from typing import Any

STATUS = {"none": 0, "inprogress": 1, "completed": 2, "cancelling": 4, "postponed": 8, "notstarted": 32, "all": 47}
RESULT = {"none": 0, "succeeded": 2, "partiallysucceeded": 4, "failed": 8, "canceled": 32}
REASON = {
    "manual": 1,
    "individualci": 2,
    "batchedci": 4,
    "schedule": 8,
    "scheduleforced": 16,
    "usercreated": 32,
    "pullrequest": 256,
    "buildcompletion": 512,
    "resourcetrigger": 1024,
    "all": 2031,
}
BUILD_ORDER = {
    "finishtimeascending": 2,
    "finishtimedescending": 3,
    "queuetimedescending": 4,
    "queuetimeascending": 5,
    "starttimedescending": 6,
    "starttimeascending": 7,
}
DEFINITION_ORDER = {
    "none": 0,
    "lastmodifiedascending": 1,
    "lastmodifieddescending": 2,
    "definitionnameascending": 3,
    "definitionnamedescending": 4,
}
QUEUE_STATUS = {"enabled": 0, "paused": 1, "disabled": 2}
STAGE_STATE = {"cancel": 0, "retry": 1, "run": 2}


def name_of(value: Any, numbers: Mapping[str, int]) -> str:
    """A value of a body or query in lower case, whichever way it was written; an unknown one as it is."""
    text = str(value).strip().lower()
    return next((name for name, number in numbers.items() if str(number) == text), text)


def names_of(text: str, numbers: Mapping[str, int]) -> list[str]:
    """A filter: names with commas between them, or a number that adds up several. Empty where there is none."""
    if not text.strip().isdigit():
        return [one.strip().lower() for one in text.split(",") if one.strip()]
    asked = int(text)
    exact = [name for name, number in numbers.items() if number == asked]
    return exact or [name for name, number in numbers.items() if number & asked]
