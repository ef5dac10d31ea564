"""What the nouns of an organisation share: where things are stored, how calls name them, how they look on the wire."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sandbox.clock import Clock, iso
from sandbox.devops.access import Access
from sandbox.devops.git import Git
from sandbox.devops.problems import invalid, organization_missing, project_missing
from sandbox.devops.switches import Switchboard
from sandbox.ids import Ids, derived_guid
from sandbox.log import event
from sandbox.store import Document, Store, Transaction, begin_operation, finish_operation
from sandbox.wire import Call, Reply

ORGANIZATIONS = "devops/organizations"
PROJECTS = "devops/projects"
COUNTERS = "devops/counters"
SERVICE_OWNER = "00025394-6065-48ca-87d9-7f5672854ef7"  # azure-devops.md, 2.4

View = Store | Transaction


class Work:
    """Work that goes on after its request was answered. What fails is logged, and fails the operation it is for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="devops")
        self._ordered = ThreadPoolExecutor(1, thread_name_prefix="devops-events")

    def begin(self, task: Callable[[], None]) -> None:
        self._pool.submit(task).add_done_callback(_log_failure)

    def begin_in_order(self, task: Callable[[], None]) -> None:
        """One after the other, in the order asked: what pushes set off."""
        self._ordered.submit(task).add_done_callback(_log_failure)

    def begin_operation(self, operation_id: str, target: str, task: Callable[[], None]) -> None:
        """Run a task as a long-running operation that polls can follow."""
        begin_operation(self._store, operation_id, target)

        def finish(done: "Future[None]") -> None:
            if done.cancelled():
                return  # the server stops; the next start fails what it finds under way
            _log_failure(done)
            failure = done.exception()
            finish_operation(
                self._store, operation_id, {"code": "Failed", "message": str(failure)} if failure else None
            )

        self._pool.submit(task).add_done_callback(finish)

    def close(self) -> None:
        """Wait for what runs; what has not begun is left to the recovery of the next start."""
        for pool in (self._pool, self._ordered):
            pool.shutdown(wait=True, cancel_futures=True)


def _log_failure(done: "Future[None]") -> None:
    if not done.cancelled() and done.exception():
        event("background work failed", 40, error=repr(done.exception()))


@dataclass(frozen=True)
class Context:
    """Handed to every noun."""

    store: Store
    clock: Clock
    ids: Ids
    folder: Path
    access: Access
    switchboard: Switchboard
    git: Git
    work: Work

    def person(self, call: Call) -> dict[str, str]:
        """The caller, as stored with what they make."""
        assert call.principal is not None, "every action is authenticated"
        return self.access.get_user(call.principal.object_id).fields()

    def now(self) -> str:
        return wire_time(self.clock.now())


# Where things are stored


def organization_id(name: str) -> str:
    return f"/devops/{name}"


def require_organization(view: View, call: Call) -> Document:
    """The organisation of a call. Raises NotFound."""
    found = view.get(ORGANIZATIONS, organization_id(call.params["organization"]))
    if found is None:
        raise organization_missing(call.params["organization"])
    return found


def project_name(view: View, organization: str, guid: str) -> str:
    """The present name of a project; empty where it is gone."""
    found = view.get(PROJECTS, f"{organization_id(organization)}/projects/{guid}")
    return str(found.body["name"]) if found else ""


def project_collection(organization: Document) -> str:
    return f"{organization.id}/projects"


def find_project(view: View, organization: Document, wanted: str) -> Document | None:
    """A project by GUID or by name, whatever the case."""
    by_id = view.get(PROJECTS, f"{project_collection(organization)}/{wanted}")
    if by_id:
        return by_id
    listed = view.list(PROJECTS, project_collection(organization))
    return next((one for one in listed if one.body["name"].lower() == wanted.lower()), None)


def require_project(view: View, call: Call, name: str = "project") -> Document:
    """The project that a call names. Raises NotFound in the service's words, also while it is being made."""
    wanted = call.params.get(name, "")
    if not wanted:
        raise invalid("The request names no project. Put its name or id before /_apis.")
    found = find_project(view, require_organization(view, call), wanted)
    if found is None or found.body["state"] != "wellFormed":
        raise project_missing(wanted)
    return found


def next_number(change: Transaction, organization: str, name: str) -> int:
    """The next of the organisation's counters: pushes, environments and their like are numbered across projects."""
    key = f"{organization_id(organization)}/counters/{name}"
    found = change.get(COUNTERS, key)
    number = (found.body["value"] if found else 0) + 1
    change.put(COUNTERS, key, {"value": number})
    return int(number)


# How things look on the wire


def wire_time(moment: datetime | str) -> str:
    """UTC with seven digits of a second, so that a parser that takes six fails here and not on the day (1.7).

    The seventh digit lies below what a clock here tells; it is never 0, which the service would trim.
    """
    text = moment if isinstance(moment, str) else iso(moment)
    return f"{text[:-1]}1Z"


def address(call: Call, *segments: str, project: str = "") -> str:
    """An address of the API beneath the organisation, as this client reaches it."""
    parts = [call.params["organization"], *([project] if project else []), "_apis", *segments]
    return f"{call.base}/" + "/".join(quote(part, safe="") for part in parts)


def web_address(call: Call, *segments: str) -> str:
    return f"{call.base}/" + "/".join(quote(part, safe="") for part in (call.params["organization"], *segments))


def identity(call: Call, person: Mapping[str, str]) -> dict[str, Any]:
    """A person in full (1.7)."""
    descriptor = f"aad.{derived_guid('descriptor', person['id']).replace('-', '')}"
    avatar = address(call, "GraphProfile", "MemberAvatars", descriptor)
    return {
        "displayName": person["displayName"],
        "url": address(call, "Identities", person["id"]),
        "_links": {"avatar": {"href": avatar}},
        "id": person["id"],
        "uniqueName": person["uniqueName"],
        "imageUrl": avatar,
        "descriptor": descriptor,
    }


def project_reference(call: Call, project: Document) -> dict[str, Any]:
    body = project.body
    reference = {
        "id": body["id"],
        "name": body["name"],
        "description": body["description"] or None,
        "url": address(call, "projects", body["id"]),
        "state": body["state"],
        "revision": body["revision"],
        "visibility": body["visibility"],
        "lastUpdateTime": body["lastUpdateTime"],
    }
    return without_nulls(reference)


def without_nulls(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Most answers leave out what is not set (1.7)."""
    return {name: value for name, value in fields.items() if value is not None}


def collection(values: Iterable[Any], headers: Mapping[str, str] | None = None) -> Reply:
    items = list(values)
    return Reply.json({"count": len(items), "value": items}, headers=headers)


def read_list(call: Call) -> list[dict[str, Any]]:
    """A body that is a list of objects. Raises BadRequest."""
    try:
        value = json.loads(call.body.read() or b"null")
    except ValueError as error:
        raise invalid(f"The body is not JSON: {error}.") from error
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid("The body is a list of objects.")
    return value


def number_option(call: Call, name: str, default: int) -> int:
    """A whole number of the query. Raises BadRequest."""
    text = call.option(name)
    if not text:
        return default
    if not text.isdigit():
        raise invalid(f"'{name}' is a whole number; this is '{text}'.")
    return int(text)


def moment_option(call: Call, name: str) -> str:
    """A time of the query, to be compared with stored ones; empty where there is none. Raises BadRequest.

    ISO 8601 from everybody but Node's client, which writes dates as HTTP does.
    """
    text = call.option(name)
    if not text:
        return ""
    try:
        found = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid(f"'{name}' is a time such as 2025-01-31T09:30:00Z; this is '{text}'.") from error
    return wire_time(found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))


def flag_option(call: Call, name: str, default: bool = False) -> bool:
    text = call.option(name).lower()
    return text == "true" if text else default


def page(call: Call, items: Sequence[Any], size: int = 100) -> tuple[Sequence[Any], dict[str, str]]:
    """One page by `$top` and `continuationToken` or `$skip`; a header names the next one where there is more (1.5)."""
    start = number_option(call, "continuationToken", 0) or number_option(call, "$skip", 0)
    top = number_option(call, "$top", size)
    more = start + top < len(items)
    return items[start : start + top], {"x-ms-continuationtoken": str(start + top)} if more else {}
