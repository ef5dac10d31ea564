"""Resources of any type: lists with filters over all services, and the types that no service claims."""

from collections.abc import Callable, Sequence
from typing import Any

from sandbox.arm.names import GENERIC, GROUP, PROVIDERS, SUBSCRIPTION
from sandbox.arm.subscriptions import Subscriptions
from sandbox.errors import NotImplementedHere
from sandbox.ids import derived_guid
from sandbox.store import Document, Store
from sandbox.store.resources import envelope, group_id, merge, not_found, parse_id, require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

UNTRACKED = frozenset(
    {"microsoft.resources/deployments", "microsoft.authorization/roleassignments", "microsoft.consumption/budgets"}
)


class Resources:
    """Generic resources: stored and given back, with what the service adds to a few types."""

    def __init__(
        self,
        store: Store,
        subscriptions: Subscriptions,
        before_delete: Sequence[Callable[[str], None]],
        require_provider: Callable[[str], None],
        check_vault: Callable[[Call], None],
    ) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._before_delete = before_delete
        self._require_provider = require_provider
        self._check_vault = check_vault

    def operations(self) -> list[Operation]:
        collection = GROUP + "/providers/{namespace}/{type}"
        one = collection + "/{name}"
        all_of_type = SUBSCRIPTION + "/providers/{namespace}/{type}"
        rows = [
            ("resources_list", "GET", SUBSCRIPTION + "/resources", self.list_resources),
            ("resources_list_by_resource_group", "GET", GROUP + "/resources", self.list_resources),
            ("generic_resources_create_or_update", "PUT", one, self.put_resource),
            ("generic_resources_update", "PATCH", one, self.patch_resource),
            ("generic_resources_get", "GET", one, self.get_resource),
            ("generic_resources_delete", "DELETE", one, self.delete_resource),
            ("generic_resources_list", "GET", collection, self.list_type),
            ("generic_resources_list_by_subscription", "GET", all_of_type, self.list_type),
        ]
        return [Operation(*row) for row in rows]

    def list_resources(self, call: Call) -> Reply:
        """`$filter` by group, type, name and tag, joined by `and`; a filter that is not understood is refused.

        `$expand` adds createdTime, changedTime and provisioningState, as it names them.
        """
        self._subscriptions.require(call)
        scope = (
            group_id(call.params) if "group" in call.params else f"/subscriptions/{self._subscriptions.subscription}"
        )
        if "group" in call.params:
            require_group(self._store, call.params)
        with self._store.read() as view:
            tracked = [one for one in view.beneath(scope) if _is_tracked(one)]
        wanted = _filters(call.option("$filter"))
        expanded = [one.strip().lower() for one in call.option("$expand").split(",")]
        return page(call, [_listed(one, expanded) for one in tracked if all(test(one) for test in wanted)])

    def put_resource(self, call: Call) -> Reply:
        type_name = _claimed(call)
        self._require_provider(call.params["namespace"])
        if type_name == "Microsoft.KeyVault/vaults":
            self._check_vault(call)
        body = call.json()
        with self._store.write() as change:
            require_group(change, call.params)
            found = change.get(type_name.lower(), call.path)
            properties = {
                **body.get("properties", {}),
                **_given_properties(type_name, call),
                "provisioningState": "Succeeded",
            }
            stored = change.put(type_name.lower(), call.path, {**body, "properties": properties}, _collection(call))
        return Reply.json(envelope(stored, type_name), 200 if found else 201)

    def patch_resource(self, call: Call) -> Reply:
        type_name = _claimed(call)
        with self._store.write() as change:
            found = change.get(type_name.lower(), call.path)
            if found is None:
                raise not_found(call.path)
            stored = change.put(type_name.lower(), call.path, merge(found.body, call.json()), _collection(call))
        return Reply.json(envelope(stored, type_name))

    def get_resource(self, call: Call) -> Reply:
        type_name = _claimed(call)
        require_group(self._store, call.params)
        found = self._store.get(type_name.lower(), call.path)
        if found is None:
            raise not_found(call.path)
        return Reply.json(envelope(found, type_name))

    def delete_resource(self, call: Call) -> Reply:
        type_name = _claimed(call)
        for hook in self._before_delete:
            hook(call.path)
        return Reply(200 if self._store.delete(type_name.lower(), call.path) else 204)

    def list_type(self, call: Call) -> Reply:
        type_name = _claimed(call)
        parent = _collection(call) if "group" in call.params else None
        return page(call, [envelope(one, type_name) for one in self._store.list(type_name.lower(), parent)])


def _claimed(call: Call) -> str:
    """`Namespace/type` of a generic call, in the vendor's spelling. Raises NotImplementedHere for other types."""
    namespace, type_name = call.params["namespace"], call.params["type"]
    for known in GENERIC:
        for one in PROVIDERS[known]:
            if (known.lower(), one.lower()) == (namespace.lower(), type_name.lower()):
                return f"{known}/{one}"
    raise NotImplementedHere(
        "ResourceTypeNotImplemented", f"The sandbox does not emulate {call.method} of {namespace}/{type_name}."
    )


def _collection(call: Call) -> str:
    """The path that lists a resource's siblings: the parent of generic documents."""
    return call.path.rsplit("/", 1)[0] if "name" in call.params else call.path


def _given_properties(type_name: str, call: Call) -> dict[str, Any]:
    """What the service adds to a few types because clients read it back."""
    if type_name == "Microsoft.ManagedIdentity/userAssignedIdentities":
        return {"principalId": derived_guid("principal", call.path), "clientId": derived_guid("client", call.path)}
    return {}


def _is_tracked(document: Document) -> bool:
    parts = parse_id(document.id)
    return (
        parts is not None
        and len(parts.names) == 1
        and document.kind == parts.type.lower()
        and document.kind not in UNTRACKED
    )


def _listed(document: Document, expanded: Sequence[str]) -> dict[str, Any]:
    parts = parse_id(document.id)
    shown = ("location", "tags", "kind", "sku", "identity")
    fields = {name: document.body[name] for name in shown if name in document.body}
    type_name = parts.type if parts else ""
    state = (document.body.get("properties") or {}).get("provisioningState")
    more = {"createdTime": document.created, "changedTime": document.changed, "provisioningState": state}
    fields |= {name: value for name, value in more.items() if name.lower() in expanded and value}
    return {"id": document.id, "name": document.name, "type": type_name, **fields}


Test = Callable[[Document], bool]


def _filters(text: str) -> list[Test]:
    return [_filter(part.strip()) for part in text.split(" and ")] if text else []


def _filter(part: str) -> Test:
    field, separator, value = part.partition(" eq ")
    value = value.strip().strip("'")
    tests: dict[str, Test] = {
        "resourcegroup": lambda one: f"/resourcegroups/{value.lower()}/" in one.key,
        "resourcetype": lambda one: one.kind == value.lower(),
        "name": lambda one: one.name.lower() == value.lower(),
        "location": lambda one: one.body.get("location") == value,
        "tagname": lambda one: value in (one.body.get("tags") or {}),
        "tagvalue": lambda one: value in (one.body.get("tags") or {}).values(),
    }
    if not separator or field.strip().lower() not in tests:
        raise NotImplementedHere("FilterNotImplemented", f"The sandbox does not implement the filter '{part}'.")
    return tests[field.strip().lower()]
