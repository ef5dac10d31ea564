"""Resource groups."""

from collections.abc import Callable, Sequence
from typing import Any

from sandbox.arm.names import GROUP, SUBSCRIPTION
from sandbox.arm.subscriptions import Subscriptions
from sandbox.errors import BadRequest, Conflict
from sandbox.ids import Ids
from sandbox.store import Document, Store, begin_operation, finish_operation
from sandbox.store.resources import GROUPS, group_id, merge, require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.lro import accepted, result_url
from sandbox.wire.paging import page


class ResourceGroups:
    """Groups of resources; deleting one ends what runs in it."""

    def __init__(
        self, store: Store, ids: Ids, subscriptions: Subscriptions, before_delete: Sequence[Callable[[str], None]]
    ) -> None:
        self._store = store
        self._ids = ids
        self._subscriptions = subscriptions
        self._before_delete = before_delete

    def operations(self) -> list[Operation]:
        rows = [
            ("resource_groups_list", "GET", SUBSCRIPTION + "/resourceGroups", self.list_groups),
            ("resource_groups_create_or_update", "PUT", GROUP, self.put_group),
            ("resource_groups_update", "PATCH", GROUP, self.patch_group),
            ("resource_groups_get", "GET", GROUP, self.get_group),
            ("resource_groups_check_existence", "HEAD", GROUP, self.check_group),
            ("resource_groups_delete", "DELETE", GROUP, self.delete_group),
        ]
        return [Operation(*row) for row in rows]

    def list_groups(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        return page(call, [_answer(group) for group in self._store.list(GROUPS)])

    def put_group(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        body = call.json()
        if not body.get("location"):
            raise BadRequest("LocationRequired", "The location property is required for this definition.")
        with self._store.write() as change:
            found = change.get(GROUPS, group_id(call.params))
            if found and found.body["location"] != body["location"]:
                raise Conflict(
                    "InvalidResourceGroupLocation",
                    f"Invalid resource group location '{body['location']}'. The Resource group already exists in "
                    f"location '{found.body['location']}'.",
                )
            fields = {
                "location": body["location"],
                "tags": body.get("tags") or {},
                "properties": {"provisioningState": "Succeeded"},
            }
            group = change.put(GROUPS, group_id(call.params), fields)
        return Reply.json(_answer(group), 200 if found else 201)

    def patch_group(self, call: Call) -> Reply:
        with self._store.write() as change:
            found = require_group(change, call.params)
            group = change.put(GROUPS, found.id, merge(found.body, {"tags": call.json().get("tags", {})}))
        return Reply.json(_answer(group))

    def get_group(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        return Reply.json(_answer(require_group(self._store, call.params)))

    def check_group(self, call: Call) -> Reply:
        return Reply(204 if self._store.get(GROUPS, group_id(call.params)) else 404)

    def delete_group(self, call: Call) -> Reply:
        """Everything in the group goes, processes first. Answers 202: clients expect to poll."""
        group = require_group(self._store, call.params)
        for hook in self._before_delete:
            hook(group.id)
        operation = self._ids.guid()
        with self._store.write() as change:
            change.delete_beneath(group.id)
            change.delete(GROUPS, group.id)
            begin_operation(self._store, operation, group.id)
            finish_operation(self._store, operation)
        url = result_url(
            call.base, call.params["subscription"], "Microsoft.Resources", group.body["location"], operation
        )
        return Reply(202, headers=accepted(url))


def _answer(group: Document) -> dict[str, Any]:
    return {"id": group.id, "name": group.name, "type": "Microsoft.Resources/resourceGroups", **group.body}
