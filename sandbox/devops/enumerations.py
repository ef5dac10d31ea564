"""Enumerations by name and by number: Node's client sends numbers, everybody else names.

The numbers are those of the client's own declarations (azure-devops-node-api, the *Interfaces modules).
"""

from collections.abc import Mapping
from typing import Any

VISIBILITY = {"private": 0, "organization": 1, "public": 2}
CHANGE = {"add": 1, "edit": 2, "rename": 8, "delete": 16}
CONTENT = {"rawtext": 0, "base64encoded": 1}
RECURSION = {"none": 0, "onelevel": 1, "onelevelplusnestedemptyfolders": 4, "full": 120}
VERSION = {"branch": 0, "tag": 1, "commit": 2}
GROUP_ORDER = {"idascending": 0, "iddescending": 1}
PULL_REQUEST_STATUS = {"notset": 0, "active": 1, "abandoned": 2, "completed": 3, "all": 4}
MERGE_STRATEGY = {"nofastforward": 1, "squash": 2, "rebase": 3, "rebasemerge": 4}
THREAD_STATUS = {"unknown": 0, "active": 1, "fixed": 2, "wontfix": 3, "closed": 4, "bydesign": 5, "pending": 6}
ENVIRONMENT_EXPAND = {"none": 0, "resourcereferences": 1}


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
