"""What the nouns of a workspace share: ids, templates, and the narrow needs they have of other services."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sandbox.clock import Clock
from sandbox.ids import Ids
from sandbox.store import Document, Store, Transaction
from sandbox.store.resources import group_id, not_found, require_group

NAMESPACE = "Microsoft.MachineLearningServices"
WORKSPACES = f"{NAMESPACE}/workspaces"
PROVIDER = f"/providers/{NAMESPACE}"
SUBSCRIPTION = "/subscriptions/{subscription}"
GROUP = SUBSCRIPTION + "/resourceGroups/{group}"
WORKSPACE = GROUP + PROVIDER + "/workspaces/{workspace}"

BLOB_STORE = "workspaceblobstore"
ARTIFACT_STORE = "workspaceartifactstore"


class Payloads(Protocol):
    """Blob content, as files of this machine."""

    def path(self, account: str, container: str, name: str) -> Path: ...
    def exists(self, account: str, container: str, name: str) -> bool: ...
    def publish(self, folder: Path, account: str, container: str, prefix: str) -> None: ...
    def fetch(self, account: str, container: str, prefix: str, destination: Path) -> None: ...
    def list(self, account: str, container: str, prefix: str) -> list[str]: ...
    def ensure_container(self, account: str, container: str) -> None: ...
    def create_append_blob(self, account: str, container: str, name: str, content_type: str) -> None: ...
    def append(self, account: str, container: str, name: str, data: bytes) -> object: ...
    def delete_account(self, account: str) -> None: ...


class SharedAccess(Protocol):
    """Issues the query string that lets a client into a container."""

    def __call__(self, account: str, container: str, permissions: str, seconds: int) -> str: ...


@dataclass(frozen=True)
class Context:
    """The store and the needs, handed to every noun."""

    store: Store
    clock: Clock
    ids: Ids
    payloads: Payloads
    shared_access: SharedAccess


def workspace_id(params: Mapping[str, str]) -> str:
    return f"{group_id(params)}{PROVIDER}/workspaces/{params['workspace']}"


def child_id(params: Mapping[str, str], *segments: str) -> str:
    """The id of something in the workspace that the call names."""
    return "/".join([workspace_id(params), *segments])


def require_workspace(store: Store | Transaction, params: Mapping[str, str]) -> Document:
    """The workspace of a call. Raises NotFound in ARM's words: group first, then workspace."""
    found = store.get(WORKSPACES.lower(), workspace_id(params))
    if found is None:
        require_group(store, params)
        raise not_found(workspace_id(params))
    return found


def kind_of(*segments: str) -> str:
    """The document kind of a type beneath a workspace."""
    return "/".join([WORKSPACES, *segments]).lower()


def properties_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The `properties` of a request body, never None."""
    return dict(body.get("properties") or {})
