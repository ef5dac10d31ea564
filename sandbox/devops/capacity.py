"""Agent pools and queues, and how much parallel work is granted: the free-tier blocker is a switch (3.8, 5.6)."""

import platform
from typing import Any

from sandbox import __version__
from sandbox.devops.context import (
    Context,
    View,
    address,
    collection,
    next_number,
    require_organization,
    require_project,
)
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import missing
from sandbox.store import Document
from sandbox.wire import Call, Reply

QUEUES = "devops/queues"
POOLS: tuple[dict[str, Any], ...] = (
    {"id": 1, "name": "Default", "isHosted": False, "isLegacy": False, "size": 1},
    {"id": 9, "name": "Azure Pipelines", "isHosted": True, "isLegacy": False, "size": 1},
)
"""Hosted work runs on this machine too; the pool is there because pipelines name it."""
FREE_MINUTES = 1800
CREATED = "2024-01-01T00:00:00.0000001Z"


class Capacity:
    """Pools of the organisation, queues of its projects, and the parallelism that is granted."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._switchboard = context.switchboard

    def actions(self) -> list[Action]:
        queues, pools = location("distributedtask", "queues"), location("distributedtask", "pools")
        return [
            Action("distributedtask_queues_list", "GET", queues, self.queues),
            Action("distributedtask_queues_get", "GET", queues, self.queue, one=True),
            Action("distributedtask_pools_list", "GET", pools, self.pools),
            Action("distributedtask_pools_get", "GET", pools, self.pool, one=True),
            Action("distributedtask_agents_list", "GET", location("distributedtask", "agents"), self.agents),
            Action("distributedtask_agents_get", "GET", location("distributedtask", "agents"), self.agent, one=True),
            Action(
                "distributedtask_resourceusage_get", "GET", location("distributedtask", "resourceusage"), self.usage
            ),
        ]

    def make_queues(self, project: Document) -> None:
        """One queue for each pool. Their ids differ from project to project."""
        parent = f"{project.id}/queues"
        with self._store.write() as change:
            for pool in POOLS:
                number = next_number(change, project.id.split("/")[2], "queues")
                body = {"id": number, "name": pool["name"], "pool": pool["id"]}
                change.put(QUEUES, f"{parent}/{number}", body, parent)

    def queues(self, call: Call) -> Reply:
        project = require_project(self._store, call)
        wanted = [one.lower() for one in (call.option("queueNames") or call.option("queueName")).split(",") if one]
        found = self._store.list(QUEUES, f"{project.id}/queues")
        return collection(queue_wire(one, project) for one in found if not wanted or one.body["name"].lower() in wanted)

    def queue(self, call: Call) -> Reply:
        project, number = require_project(self._store, call), call.params["queueId"]
        found = self._store.get(QUEUES, f"{project.id}/queues/{number}")
        if found is None:
            raise missing("TaskAgentQueue", f"There is no agent queue with the id {number}.")
        return Reply.json(queue_wire(found, project))

    def pools(self, call: Call) -> Reply:
        wanted = call.option("poolName").lower()
        return collection(one for one in POOLS if not wanted or str(one["name"]).lower() == wanted)

    def pool(self, call: Call) -> Reply:
        return Reply.json(_pool(call))

    def agents(self, call: Call) -> Reply:
        """The agents of a pool: one, online, since work of every pool runs on this machine."""
        pool, name = _pool(call), call.option("agentName").lower()
        found = [_agent_wire(call, pool)]
        return collection(one for one in found if name in ("", str(one["name"]).lower()))

    def agent(self, call: Call) -> Reply:
        found, wanted = _agent_wire(call, _pool(call)), call.params["agentId"]
        if str(found["id"]) != wanted:
            raise missing("TaskAgent", f"There is no agent with the id {wanted} in this pool.")
        return Reply.json(found)

    def usage(self, call: Call) -> Reply:
        """Hosted, private: one job and 1800 minutes where the grant is there, else none (5.6)."""
        organization = require_organization(self._store, call)
        hosted = call.option("poolIsHosted", "true").lower() == "true"
        granted = not hosted or self._switchboard.get().hosted_parallelism
        limit = {
            "hostId": organization.body["id"],
            "parallelismTag": call.option("parallelismTag", "Private"),
            "isHosted": hosted,
            "totalCount": 1 if granted else 0,
            "totalMinutes": FREE_MINUTES if granted and hosted else 0,
            "isPremium": False,
            "resourceLimitsData": {},
        }
        return Reply.json({"resourceLimit": limit, "usedCount": 0, "usedMinutes": 0, "runningRequests": []})


def _pool(call: Call) -> dict[str, Any]:
    for one in POOLS:
        if str(one["id"]) == call.params["poolId"]:
            return one
    raise missing("TaskAgentPool", f"There is no agent pool with the id {call.params['poolId']}.")


def _agent_wire(call: Call, pool: dict[str, Any]) -> dict[str, Any]:
    """An agent; `version` is ours, since no agent of the vendor runs here."""
    number = str(pool["id"])
    where = address(call, "distributedtask", "pools", number, "agents", number)
    return {
        "id": pool["id"],
        "name": "Azure Pipelines 1" if pool["isHosted"] else "sandbox",
        "version": f"0.0.0-sandbox-{__version__}",
        "osDescription": platform.platform(),
        "enabled": True,
        "status": "online",
        "provisioningState": "Provisioned",
        "accessPoint": "CodexAccessMapping",
        "maxParallelism": 1,
        "createdOn": CREATED,
        "_links": {"self": {"href": where}},
    }


def find_queue(view: View, project: Document, name: str) -> Document | None:
    """A project's queue by its name, whatever the case."""
    listed = view.list(QUEUES, f"{project.id}/queues")
    return next((one for one in listed if one.body["name"].lower() == name.lower()), None)


def queue_wire(queue: Document, project: Document) -> dict[str, Any]:
    pool = next(one for one in POOLS if one["id"] == queue.body["pool"])
    return {
        "id": queue.body["id"],
        "projectId": project.body["id"],
        "name": queue.body["name"],
        "pool": {name: pool[name] for name in ("id", "name", "isHosted", "isLegacy", "size")},
    }
