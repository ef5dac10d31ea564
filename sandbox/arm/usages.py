"""Microsoft.Compute/locations/usages: the vCPUs that Kubernetes clusters use, and their limits."""

from typing import Any

from sandbox.arm.names import SUBSCRIPTION
from sandbox.arm.subscriptions import Subscriptions
from sandbox.machines import FAMILIES, TOTAL_LIMIT, Quota
from sandbox.store import Store
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page


class Usages:
    """What the quota of Compute says. Machine Learning counts the vCPUs of training clusters apart from these."""

    def __init__(self, store: Store, subscriptions: Subscriptions) -> None:
        self._quota = Quota(store)
        self._subscriptions = subscriptions

    def operations(self) -> list[Operation]:
        template = SUBSCRIPTION + "/providers/Microsoft.Compute/locations/{location}/usages"
        return [Operation("compute_usage_list", "GET", template, self.list)]

    def list(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        used = self._quota.used_by_clusters(call.params["location"])
        total = _usage("cores", "Total Regional vCPUs", sum(used.values()), TOTAL_LIMIT)
        rows = [
            _usage(family, f"{title} vCPUs", used.get(family, 0), self._quota.limit(family))
            for family, title in FAMILIES.items()
        ]
        return page(call, [total, *rows])


def _usage(name: str, title: str, used: int, limit: int) -> dict[str, Any]:
    return {
        "unit": "Count",
        "currentValue": used,
        "limit": limit,
        "name": {"value": name, "localizedValue": title},
    }
