"""Sizes of virtual machines and the families whose vCPUs a subscription's quota counts, and what of them is in use.

Sizes and family names are Azure's (the published examples of virtualMachineSizes and usages). The limits are generous:
a class of fifty fits. `/_sandbox/azure/switches` lowers one, as a fresh or a student's subscription has it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.errors import BadRequest
from sandbox.store import Document, Store

SWITCHES, SWITCHES_ID = "azure/switches", "/azure-switches"
COMPUTES = "microsoft.machinelearningservices/workspaces/computes"
CLUSTERS = "microsoft.containerservice/managedclusters"
LIMIT = 1000  # vCPUs of each family, unless a switch says otherwise
TOTAL_LIMIT = 2000


@dataclass(frozen=True)
class Size:
    """A size: the family that its vCPUs count for, their number, and memory in GB."""

    name: str
    family: str
    cores: int
    memory: float


FAMILIES: Mapping[str, str] = {
    "standardDSv2Family": "Standard DSv2 Family",
    "standardDv2Family": "Standard Dv2 Family",
    "standardDSv3Family": "Standard DSv3 Family",
    "standardDSv4Family": "Standard DSv4 Family",
    "standardDSv5Family": "Standard DSv5 Family",
    "standardDASv5Family": "Standard DASv5 Family",
    "standardESv3Family": "Standard ESv3 Family",
    "standardFSv2Family": "Standard FSv2 Family",
    "standardBSFamily": "Standard BS Family",
    "standardNCFamily": "Standard NC Family",
}
SIZES: Mapping[str, Size] = {
    name.lower(): Size(name, family, cores, memory)
    for name, family, cores, memory in (
        ("Standard_DS1_v2", "standardDSv2Family", 1, 3.5),
        ("Standard_DS2_v2", "standardDSv2Family", 2, 7.0),
        ("Standard_DS3_v2", "standardDSv2Family", 4, 14.0),
        ("Standard_DS4_v2", "standardDSv2Family", 8, 28.0),
        ("Standard_DS11_v2", "standardDSv2Family", 2, 14.0),
        ("Standard_DS12_v2", "standardDSv2Family", 4, 28.0),
        ("Standard_D2_v2", "standardDv2Family", 2, 7.0),
        ("Standard_D3_v2", "standardDv2Family", 4, 14.0),
        ("Standard_D2s_v3", "standardDSv3Family", 2, 8.0),
        ("Standard_D4s_v3", "standardDSv3Family", 4, 16.0),
        ("Standard_D2s_v4", "standardDSv4Family", 2, 8.0),
        ("Standard_D4s_v4", "standardDSv4Family", 4, 16.0),
        ("Standard_D2s_v5", "standardDSv5Family", 2, 8.0),
        ("Standard_D4s_v5", "standardDSv5Family", 4, 16.0),
        ("Standard_D8s_v5", "standardDSv5Family", 8, 32.0),
        ("Standard_D4as_v5", "standardDASv5Family", 4, 16.0),
        ("Standard_E4s_v3", "standardESv3Family", 4, 32.0),
        ("Standard_F2s_v2", "standardFSv2Family", 2, 4.0),
        ("Standard_F4s_v2", "standardFSv2Family", 4, 8.0),
        ("Standard_B2s", "standardBSFamily", 2, 4.0),
        ("Standard_NC6", "standardNCFamily", 6, 56.0),
    )
}


class Quota:
    """The vCPUs of the subscription, by family and location. A size that is not listed above is not counted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def limit(self, family: str) -> int:
        found = self._store.get(SWITCHES, SWITCHES_ID)
        limits: Mapping[str, int] = found.body.get("quota", {}) if found else {}
        return next((limit for name, limit in limits.items() if name.lower() == family.lower()), LIMIT)

    def used_by_learning(self, location: str) -> dict[str, int]:
        """vCPUs by family that compute targets hold while nothing runs: minimum nodes and running instances."""
        return _sum(pair for one in self._store.list(COMPUTES) if _is_at(one, location) for pair in _held(one))

    def used_by_clusters(self, location: str) -> dict[str, int]:
        """vCPUs by family of the nodes of Kubernetes clusters."""
        return _sum(pair for one in self._store.list(CLUSTERS) if _is_at(one, location) for pair in _pooled(one))

    def check_compute(self, size_name: str, minimum: int, location: str, own: str) -> None:
        """Raises BadRequest, in the service's words, where not even one node of a compute target fits.

        `own` is the id of the target itself: what it holds already does not count against it.
        """
        size = SIZES.get(size_name.lower())
        if size is None:
            return
        others = [one for one in self._store.list(COMPUTES) if _is_at(one, location) and one.key != own.lower()]
        used = _sum(pair for one in others for pair in _held(one)).get(size.family, 0)
        nodes, limit = max(minimum, 1), self.limit(size.family)
        if used + nodes * size.cores > limit:
            raise BadRequest(
                "ClusterMinNodesExceedCoreQuota",
                f"The specified subscription has a {FAMILIES[size.family]} vCPU quota of {limit} and cannot "
                f"accommodate for at least {nodes} requested managed compute nodes which map to {nodes * size.cores} "
                f"vCPUs (in use: {used}). Ask for a higher quota, or take another VM size.",
            )

    def check_pools(self, pools: list[Mapping[str, object]], location: str, own: str) -> None:
        """Raises BadRequest, in the service's words, where the nodes of a Kubernetes cluster do not fit."""
        wanted = _sum(_pool_cores(pools))
        others = [one for one in self._store.list(CLUSTERS) if _is_at(one, location) and one.key != own.lower()]
        used = _sum(pair for one in others for pair in _pooled(one))
        for family, cores in wanted.items():
            left = self.limit(family) - used.get(family, 0)
            if cores > left:
                raise BadRequest(
                    "ErrCode_InsufficientVCPUQuota",
                    f"Insufficient vcpu quota requested {cores}, remaining {max(left, 0)} for family {family} for "
                    f"region {location}.",
                )


def _is_at(document: Document, location: str) -> bool:
    return str(document.body.get("location", "")).replace(" ", "").lower() == location.replace(" ", "").lower()


def _held(compute: Document) -> Iterator[tuple[str, int]]:
    properties = compute.body["properties"]
    inner = properties.get("properties") or {}
    size = SIZES.get(str(inner.get("vmSize", "")).lower())
    if size is None:
        return
    if properties.get("computeType") == "AmlCompute":
        nodes = int((inner.get("scaleSettings") or {}).get("minNodeCount") or 0)
    else:
        nodes = int(inner.get("state") == "Running")
    yield size.family, nodes * size.cores


def _pooled(cluster: Document) -> Iterator[tuple[str, int]]:
    properties = cluster.body["properties"]
    if (properties.get("powerState") or {}).get("code") != "Stopped":
        yield from _pool_cores(properties.get("agentPoolProfiles") or [])


def _pool_cores(pools: list[Mapping[str, object]]) -> Iterator[tuple[str, int]]:
    for pool in pools:
        size = SIZES.get(str(pool.get("vmSize", "")).lower())
        if size is not None:
            yield size.family, size.cores * int(str(pool.get("count") or 0))


def _sum(pairs: Iterator[tuple[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for family, cores in pairs:
        totals[family] = totals.get(family, 0) + cores
    return totals
