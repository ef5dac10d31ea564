"""Schedules: kept and listed. The sandbox does not start jobs by the clock; a schedule says so in its properties."""

from sandbox.machinelearning.context import WORKSPACE, Context, child_id, kind_of, properties_of, require_workspace
from sandbox.store.resources import envelope, require
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

KIND = kind_of("schedules")
TYPE = "Microsoft.MachineLearningServices/workspaces/schedules"
NOTE = {"sandbox.note": "stored; the sandbox does not start jobs by the clock"}


class Schedules:
    """The schedule resource."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    def operations(self) -> list[Operation]:
        one = WORKSPACE + "/schedules/{schedule}"
        rows = [
            ("schedules_list", "GET", WORKSPACE + "/schedules", self.list),
            ("schedules_get", "GET", one, self.get),
            ("schedules_create_or_update", "PUT", one, self.put),
            ("schedules_delete", "DELETE", one, self.delete),
        ]
        return [Operation(*row) for row in rows]

    def list(self, call: Call) -> Reply:
        require_workspace(self._store, call.params)
        found = self._store.list(KIND, child_id(call.params, "schedules"))
        wanted = {"EnabledOnly": True, "DisabledOnly": False}.get(call.option("listViewType", "EnabledOnly"))
        shown = [one for one in found if wanted is None or one.body["properties"]["isEnabled"] == wanted]
        return page(call, [envelope(one, TYPE) for one in shown])

    def get(self, call: Call) -> Reply:
        require_workspace(self._store, call.params)
        return Reply.json(envelope(require(self._store, KIND, self._id(call)), TYPE))

    def put(self, call: Call) -> Reply:
        given = properties_of(call.json())
        with self._store.write() as change:
            require_workspace(change, call.params)
            properties = {"tags": {}, "isEnabled": True, **given, "provisioningState": "Succeeded"}
            properties["properties"] = {**(given.get("properties") or {}), **NOTE}
            found = change.get(KIND, self._id(call))
            document = change.put(KIND, self._id(call), {"properties": properties}, child_id(call.params, "schedules"))
        return Reply.json(envelope(document, TYPE), 200 if found else 201)

    def delete(self, call: Call) -> Reply:
        return Reply(200 if self._store.delete(KIND, self._id(call)) else 204)

    def _id(self, call: Call) -> str:
        return child_id(call.params, "schedules", call.params["schedule"])
