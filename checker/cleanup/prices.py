"""What things cost a day, from the dated prices of labs.toml. What no price fits is not known; nothing is invented."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from checker.cleanup.model import FREE, UNKNOWN_COST, Cost, Kind
from checker.clients.documents import mapping, number, sequence, text, value
from manifest import ManifestError, Price, find_manifest, read_manifest

HOURS = {"hour": 24.0, "day": 1.0}  # units of a price in a day; a month is of no use here
NODE_SIZE = "standard_d4s_v5"
TRAINING_SIZE = "standard_ds11_v2"
ENDPOINT_SIZE = "standard_ds3_v2"
WITH_THE_WORKSPACE = Cost(0.0, "in the price of the workspace")
COSTS_NOTHING = frozenset(
    {Kind.PIPELINE, Kind.ALERTS, Kind.IDENTITY, Kind.ASSIGNMENT, Kind.GROUP, Kind.ENVIRONMENT, Kind.CONNECTION}
    | {Kind.REPOSITORY, Kind.PROJECT}
)
NEEDED_BY_WORKSPACE = frozenset({Kind.STORAGE, Kind.VAULT, Kind.INSIGHTS, Kind.LOGS})


@dataclass(frozen=True)
class Prices:
    """The prices by id; none where there is no manifest. `checked` is the day on which somebody last looked."""

    prices: Mapping[str, Price]
    checked: date | None
    missing: str = ""

    @property
    def dated(self) -> str:
        """What a sum of them is worth, for the end of a list."""
        if self.checked is None:
            return f"costs are not known: {self.missing}"
        return f"USD a day, without tax, West Europe, as of {self.checked.isoformat()}; ~ is an estimate"

    def of(self, kind: Kind, document: Any) -> Cost:
        """The cost of one thing; `document` is what Azure says about it, where its size matters."""
        if kind in COSTS_NOTHING:
            return FREE
        if not self.prices:
            return UNKNOWN_COST
        if kind in NEEDED_BY_WORKSPACE:
            return WITH_THE_WORKSPACE
        sized = {
            Kind.CLUSTER: self._cluster,
            Kind.CONTAINERS: self._containers,
            Kind.REGISTRY: self._registry,
            Kind.COMPUTE: self._compute,
            Kind.ENDPOINT: self._endpoint,
        }
        if kind is Kind.WORKSPACE:
            return self._times({"workspace-storage": 1})
        return sized[kind](document) if kind in sized else UNKNOWN_COST

    def _times(self, counts: Mapping[str, float], note: str = "") -> Cost:
        """The sum of so many of each; not known when one of them has no price."""
        known = [(self.prices.get(name), count) for name, count in counts.items()]
        if any(price is None or price.unit not in HOURS for price, _ in known):
            return UNKNOWN_COST
        usd = sum(price.usd * HOURS[price.unit] * count for price, count in known if price)
        about = "~" if any(price.estimate for price, _ in known if price) else ""
        return Cost(round(usd, 2), f"{about} {note}".strip())

    def _cluster(self, document: Any) -> Cost:
        pools = sequence(document, "properties", "agentPoolProfiles")
        if text(document, "properties", "powerState", "code") == "Stopped":
            return Cost(None, "stopped: disks and addresses only, not known")
        if any(text(pool, "vmSize").lower() != NODE_SIZE for pool in pools):
            return Cost(None, "not known for nodes of this size")
        nodes = sum(number(pool, "count") or 0 for pool in pools)
        counts = {"kubernetes-node": nodes, "node-disk": nodes, "load-balancer": 1, "public-address": 1}
        return self._times(counts, f"{nodes} nodes" if nodes != 1 else "1 node")

    def _containers(self, document: Any) -> Cost:
        containers = sequence(document, "properties", "containers")
        requests = [mapping(one, "properties", "resources", "requests") for one in containers]
        cpus = sum(float(value(one, "cpu") or 0) for one in requests)
        memory = sum(float(value(one, "memoryInGB") or 0) for one in requests)
        if not 0 < cpus <= 1 or memory > 1.5:
            return Cost(None, f"not known for {cpus:g} vCPU and {memory:g} GB")
        return self._times({"container-instance": 1})

    def _registry(self, document: Any) -> Cost:
        tier = text(document, "sku", "name")
        return self._times({"registry": 1}) if tier.lower() == "basic" else Cost(None, f"not known for the tier {tier}")

    def _compute(self, document: Any) -> Cost:
        properties = mapping(document, "properties")
        if text(properties, "computeType").lower() == "kubernetes":
            return Cost(0.0, "on the Kubernetes cluster")
        inner = mapping(properties, "properties")
        least = number(inner, "scaleSettings", "minNodeCount")
        if text(properties, "computeType").lower() != "amlcompute" or least is None:
            return UNKNOWN_COST
        if least == 0:
            return Cost(0.0, "while it has no nodes")
        if text(inner, "vmSize").lower() != TRAINING_SIZE:
            return Cost(None, "not known for nodes of this size")
        return self._times({"training-node": least}, f"{least} nodes, also when idle")

    def _endpoint(self, document: Any) -> Cost:
        managed = [one for one in sequence(document, "deployments") if _is_managed(one)]
        if not managed:
            return Cost(0.0, "on the Kubernetes cluster" if sequence(document, "deployments") else "no deployment")
        if any(text(one, "properties", "instanceType").lower() != ENDPOINT_SIZE for one in managed):
            return Cost(None, "not known for instances of this size")
        instances = sum(number(one, "sku", "capacity") or 1 for one in managed)
        return self._times({"managed-endpoint-node": instances}, f"{instances} instances")


def _is_managed(deployment: Any) -> bool:
    return text(deployment, "properties", "endpointComputeType").lower() == "managed"


def read_prices(folder: Path) -> Prices:
    """The prices of the clone that this folder lies in; none, and saying so, where they cannot be read."""
    try:
        manifest = read_manifest(find_manifest(folder))
    except ManifestError as error:
        return Prices({}, None, str(error))
    return Prices(manifest.prices, manifest.checked)
