"""Soft-deleted workspaces. A workspace that is deleted without `forceToPurge` keeps its name for 14 days.

The service has no call that lists them and answers 404 for one (azure-cli#33756); what shows them is that a namesake
cannot be made, and that a delete with `forceToPurge` takes them away. Recovering one is not implemented here.
"""

from datetime import datetime, timedelta

from sandbox.clock import Clock
from sandbox.errors import BadRequest
from sandbox.store import Document, Store, Transaction

KIND = "microsoft.machinelearningservices/deletedworkspaces"
RETENTION = timedelta(days=14)


def keep(change: Transaction, workspace: Document) -> None:
    """Put a workspace that goes into the bin. Outside of its group's path: it outlives the group."""
    change.delete(KIND, _key(workspace.id))  # an older one that ran out: the days count from now
    change.put(KIND, _key(workspace.id), {"workspaceId": workspace.body["properties"]["workspaceId"]})


def purge(change: Transaction, workspace_id: str) -> bool:
    """Whether there was one to take out of the bin."""
    return change.delete(KIND, _key(workspace_id))


def is_kept(view: Store | Transaction, workspace_id: str, clock: Clock) -> bool:
    """Whether the name is held by a soft-deleted workspace."""
    found = view.get(KIND, _key(workspace_id))
    return found is not None and clock.now() < datetime.fromisoformat(found.created) + RETENTION


def require_free(view: Store | Transaction, workspace_id: str, clock: Clock) -> None:
    """Raises BadRequest, in the service's words (ResourceModules#3596), while the bin holds a namesake."""
    if is_kept(view, workspace_id, clock):
        message = "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete"
        raise BadRequest("BadRequest", message)


def _key(workspace_id: str) -> str:
    return f"/deleted{workspace_id}"
