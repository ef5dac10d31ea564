"""What the container services share: names, needs, and the errors of ARM that all of them raise."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sandbox.errors import BadRequest
from sandbox.store import Store, Transaction
from sandbox.store.resources import require_group
from sandbox.wire import Call

SUBSCRIPTION = "/subscriptions/{subscription}"
GROUP = SUBSCRIPTION + "/resourceGroups/{group}"


class BlobStore(Protocol):
    """Blob content, as files of this machine, and blobs that grow."""

    def ensure_container(self, account: str, container: str) -> None: ...
    def path(self, account: str, container: str, name: str) -> Path: ...
    def exists(self, account: str, container: str, name: str) -> bool: ...
    def create_append_blob(self, account: str, container: str, name: str, content_type: str) -> None: ...
    def append(self, account: str, container: str, name: str, data: bytes) -> object: ...
    def set_metadata(self, account: str, container: str, name: str, metadata: Mapping[str, str]) -> None: ...
    def delete_account(self, account: str) -> None: ...


class SharedAccess(Protocol):
    """Issues the query string that lets a client into one blob."""

    def issue(self, account: str, container: str, permissions: str, expires: datetime, blob: str | None) -> str: ...


def resource_id(call: Call, provider: str, name: str) -> str:
    """The id of a resource that a call names, in the spelling of the call."""
    params = call.params
    return f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}/providers/{provider}/{name}"


def collection_id(call: Call, provider: str) -> str:
    """The parent of the group's resources of one type."""
    return resource_id(call, provider, "").rstrip("/")


def location_of(view: Store | Transaction, call: Call, body: Mapping[str, Any]) -> str:
    """The location of a resource that is PUT. Raises NotFound without its group, BadRequest without a location."""
    require_group(view, call.params)
    location = body.get("location")
    if not location or not isinstance(location, str):
        raise BadRequest("LocationRequired", "The location property is required for this definition.")
    return location.replace(" ", "").lower()


def check_name(name: str, pattern: re.Pattern[str], rule: str) -> None:
    """Raises BadRequest with the rule that the name breaks."""
    if not pattern.fullmatch(name):
        raise BadRequest("InvalidResourceName", f"'{name}' is not a valid name here: {rule}.")
