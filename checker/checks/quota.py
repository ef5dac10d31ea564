"""Module 0: vCPUs for the training cluster and for the cluster that production runs on."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checker.checks.registry import check
from checker.checks.subscription import resources
from checker.clients.subscription import DEDICATED, Size, SubscriptionClient, Usage, family_key
from checker.context import CheckContext
from checker.errors import ServiceFault
from checker.model import Evidence, failed

FALLBACKS = ("Standard_DS2_v2", "Standard_D2s_v3", "Standard_E4s_v3", "Standard_F4s_v2", "Standard_DS3_v2")
NODE_FALLBACKS = ("Standard_D4as_v5", "Standard_D4s_v4", "Standard_D4s_v3", "Standard_DS3_v2", "Standard_E4s_v3")
TRAINING_SIZE, NODE_SIZE, NODES = "STANDARD_DS11_V2", "Standard_D4s_v5", 1  # where workshop.toml has none
CLUSTER = "microsoft.containerservice/managedclusters"
PAGE = "https://portal.azure.com/#view/Microsoft_Azure_Capacity/QuotaMenuBlade/~/myQuotas"


@dataclass(frozen=True)
class Need:
    """`nodes` machines of a size, for a purpose; `key` is where workshop.toml names the size."""

    purpose: str
    key: str
    size: str
    nodes: int
    fallbacks: tuple[str, ...]


@check("SUB005", "M0", ("SUB001",))
def training_cluster_fits_its_quota(context: CheckContext) -> Evidence:
    """The quota has vCPUs for one node of the training cluster.

    A new subscription has none for many sizes. More are granted in minutes or in days, and only to its owner.
    """
    settings = _compute_settings(context)
    if context.workspace() is not None and context.compute() is not None:
        return Evidence(f"{context.names.compute} is there, and yours")
    usages = SubscriptionClient(context.arm).list_training_usages(context.settings.location)
    dedicated = [one for one in usages if one.name.endswith(DEDICATED)]
    size = str(settings.get("vm_size") or TRAINING_SIZE)
    return _fits(context, Need("training", "vm_size", size, 1, FALLBACKS), dedicated)


@check("SUB006", "M0", ("SUB001",))
def kubernetes_cluster_fits_its_quota(context: CheckContext) -> Evidence:
    """The quota has vCPUs for the nodes of the Kubernetes cluster.

    Production runs on it. Its machines count for another quota than those that train.
    """
    settings = _compute_settings(context)
    name = context.names.kubernetes_cluster
    if any(one.kind.lower() == CLUSTER and one.name.lower() == name.lower() for one in resources(context)):
        return Evidence(f"{name} is there, and yours")
    usages = SubscriptionClient(context.arm).list_compute_usages(context.settings.location)
    size, nodes = str(settings.get("kubernetes_vm_size") or NODE_SIZE), settings.get("kubernetes_nodes")
    count = nodes if isinstance(nodes, int) else NODES
    return _fits(context, Need("Kubernetes", "kubernetes_vm_size", size, count, NODE_FALLBACKS), usages)


def _fits(context: CheckContext, need: Need, usages: list[Usage]) -> Evidence:
    location = context.settings.location
    sizes = context.once("sizes", lambda: SubscriptionClient(context.arm).list_sizes(location))
    by_family = {family_key(one.name): one for one in usages}
    size = sizes.get(need.size.lower())
    if size is None:
        raise failed(
            f"{need.size} is not offered at {location}",
            f"a size for {need.purpose} that the location has",
            "Not every location has every size.",
            _fallback(need, sizes, by_family, location),
            commands=(f"az ml compute list-sizes --location {location} --output table",),
        )
    found, wanted = _usage(by_family, size), need.nodes * size.cores
    if found.left < wanted:
        raise failed(
            f"{need.nodes} x {size.name} want {wanted} vCPUs of {size.family}; {found.left} of {found.limit} are left "
            f"at {location} ({found.used} in use)",
            f"{wanted} vCPUs for {need.purpose}",
            f"The quota of {size.family} at {location} is used up, or was 0 from the start.",
            _fallback(need, sizes, by_family, location),
            f"Or ask for more vCPUs of {size.family}: Quotas, in the portal ({PAGE}).",
        )
    return Evidence(f"{size.name}: {found.left} of {found.limit} vCPUs left", {"family": size.family})


def _fallback(need: Need, sizes: Mapping[str, Size], usages: Mapping[str, Usage], location: str) -> str:
    """The hint that names a size of another family which fits, or that none does."""
    for name in need.fallbacks:
        size = sizes.get(name.lower())
        if size and family_key(size.family) in usages and _usage(usages, size).left >= need.nodes * size.cores:
            left = _usage(usages, size).left
            return f'Set {need.key} = "{size.name}" in workshop.toml: {left} vCPUs of {size.family} are left.'
    return f"No size that the workshop knows fits at {location}. Take another location, or the sandbox."


def _usage(by_family: Mapping[str, Usage], size: Size) -> Usage:
    """Raises ServiceFault where the service tells no quota of the family: nothing is known then."""
    found = by_family.get(family_key(size.family))
    if found is None:
        raise ServiceFault("the quota", f"no usage of the family {size.family}", "the family's vCPUs")
    return found


def _compute_settings(context: CheckContext) -> Mapping[str, Any]:
    """The section [compute] of workshop.toml, which the settings do not hold: only this module looks at sizes."""
    document = tomllib.loads(context.settings.file.read_text(encoding="utf-8"))
    found = document.get("compute")
    return found if isinstance(found, dict) else {}
