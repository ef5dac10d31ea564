"""Quota of the training clusters, and the sizes of virtual machines that they can have, by location."""

from typing import Any

from sandbox.machinelearning.context import NAMESPACE, PROVIDER, SUBSCRIPTION, Context
from sandbox.machines import FAMILIES, SIZES, TOTAL_LIMIT, Quota, Size
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

LOCATION = SUBSCRIPTION + PROVIDER + "/locations/{location}"
COMPUTE_TYPES = ["AmlCompute", "ComputeInstance", "MIR"]


class Usages:
    """vCPUs by family, in use and at most; nothing runs between jobs, so that minimum nodes are what is in use."""

    def __init__(self, context: Context) -> None:
        self._quota = Quota(context.store)

    def operations(self) -> list[Operation]:
        return [
            Operation("usages_list", "GET", LOCATION + "/usages", self.list_usages),
            Operation("virtual_machine_sizes_list", "GET", LOCATION + "/vmSizes", self.list_sizes),
        ]

    def list_usages(self, call: Call) -> Reply:
        location, subscription = call.params["location"], call.params["subscription"]
        used = self._quota.used_by_learning(location)
        total = _usage(subscription, "dedicatedCores", "Total Cluster Dedicated Regional vCPUs", location)
        rows = [{**total, "currentValue": sum(used.values()), "limit": TOTAL_LIMIT}]
        for family, title in FAMILIES.items():
            row = _usage(subscription, "vmFamily", f"{title} Cluster Dedicated vCPUs", location)
            rows.append({**row, "currentValue": used.get(family, 0), "limit": self._quota.limit(family)})
        return page(call, rows)

    def list_sizes(self, call: Call) -> Reply:
        return Reply.json({"value": [_size(size) for size in SIZES.values()]})


def _usage(subscription: str, kind: str, name: str, location: str) -> dict[str, Any]:
    """The shape of the published example: the family's name has underscores in the id and spaces in the name."""
    end = f"/{name.replace(' ', '_')}" if kind == "vmFamily" else ""
    return {
        "id": f"/subscriptions/{subscription}/usages{end}",
        "type": f"{NAMESPACE}/{kind}/usages",
        "unit": "Count",
        "amlWorkspaceLocation": location,
        "name": {"value": name, "localizedValue": name},
    }


def _size(size: Size) -> dict[str, Any]:
    return {
        "name": size.name,
        "family": size.family,
        "vCPUs": size.cores,
        "gpus": 1 if size.family == "standardNCFamily" else 0,
        "osVhdSizeMB": 1047552,
        "maxResourceVolumeMB": int(size.memory * 2048),
        "memoryGB": size.memory,
        "lowPriorityCapable": True,
        "premiumIO": True,
        "supportedComputeTypes": COMPUTE_TYPES,
    }
