"""ARM resources as documents: their ids, their envelope, and the resource group they live in.

The kind of a resource's document is its type in lower case, so that a list of any type is one indexed query.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.errors import NotFound
from sandbox.store.database import Document, Store, Transaction

GROUPS = "microsoft.resources/resourcegroups"
ID = re.compile(
    r"^/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"(?:/providers/(?P<namespace>[^/]+)/(?P<path>.+))?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ResourceId:
    """The parts of an ARM id. `type` is `Namespace/type[/subtype...]`, `names` the name at each level."""

    subscription: str
    group: str
    type: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[-1]


def parse_id(resource_id: str) -> ResourceId | None:
    """The parts of the id of a resource in a group, or None where it is not one."""
    found = ID.match(resource_id.rstrip("/"))
    if not found or not found["path"]:
        return None
    segments = found["path"].split("/")
    if len(segments) % 2:
        return None
    type_name = "/".join([found["namespace"], *segments[0::2]])
    return ResourceId(found["subscription"], found["group"], type_name, tuple(segments[1::2]))


def group_id(params: Mapping[str, str]) -> str:
    """The id of the resource group that a call's template values name."""
    return f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"


def require_group(store: Store | Transaction, params: Mapping[str, str]) -> Document:
    """The resource group of a call. Raises NotFound in ARM's words."""
    found = store.get(GROUPS, group_id(params))
    if found is None:
        raise NotFound("ResourceGroupNotFound", f"Resource group '{params['group']}' could not be found.")
    return found


def require(store: Store | Transaction, kind: str, resource_id: str) -> Document:
    """A resource. Raises NotFound in ARM's words, naming type, name and group."""
    found = store.get(kind, resource_id)
    if found is None:
        raise not_found(resource_id)
    return found


def not_found(resource_id: str) -> NotFound:
    parts = parse_id(resource_id)
    what = f"{parts.type}/{'/'.join(parts.names)}" if parts else resource_id
    where = f" under resource group '{parts.group}'" if parts else ""
    return NotFound("ResourceNotFound", f"The Resource '{what}'{where} was not found.")


def envelope(document: Document, type_name: str, principal: str = "sandbox") -> dict[str, Any]:
    """The stored body inside the fields that every ARM answer has."""
    return {
        "id": document.id,
        "name": document.name,
        "type": type_name,
        **document.body,
        "systemData": {
            "createdBy": principal,
            "createdByType": "Application",
            "createdAt": document.created,
            "lastModifiedBy": principal,
            "lastModifiedByType": "Application",
            "lastModifiedAt": document.changed,
        },
    }


def merge(stored: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch (RFC 7386): what ARM does with PATCH."""
    merged = dict(stored)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = merge(merged[name], value)
        else:
            merged[name] = value
    return merged
