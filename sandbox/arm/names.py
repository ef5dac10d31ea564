"""What Azure Resource Manager knows of here: locations, providers, and the types that are kept as they are sent."""

from collections.abc import Mapping

from sandbox.errors import NotFound

LOCATIONS = {
    "westeurope": "West Europe",
    "northeurope": "North Europe",
    "eastus": "East US",
    "swedencentral": "Sweden Central",
}
PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "Microsoft.MachineLearningServices": ("workspaces",),
    "Microsoft.ContainerRegistry": ("registries",),
    "Microsoft.ContainerInstance": ("containerGroups",),
    "Microsoft.ContainerService": ("managedClusters",),
    "Microsoft.Storage": ("storageAccounts",),
    "Microsoft.KeyVault": ("vaults",),
    "Microsoft.Insights": ("components",),
    "Microsoft.OperationalInsights": ("workspaces",),
    "Microsoft.ManagedIdentity": ("userAssignedIdentities",),
    "Microsoft.Authorization": ("roleAssignments", "roleDefinitions", "permissions"),
    "Microsoft.Compute": (),
    "Microsoft.Consumption": ("budgets",),
    "Microsoft.KubernetesConfiguration": ("extensions",),
    "Microsoft.Network": (),
    "Microsoft.PolicyInsights": (),
    "Microsoft.Resources": ("resourceGroups", "deployments"),
}
GENERIC = (
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.Insights",
    "Microsoft.OperationalInsights",
    "Microsoft.ManagedIdentity",
)
SUBSCRIPTION = "/subscriptions/{subscription}"
GROUP = SUBSCRIPTION + "/resourceGroups/{group}"


def namespace_of(asked: str) -> str:
    """The provider's name in the vendor's spelling. Raises NotFound."""
    for namespace in PROVIDERS:
        if namespace.lower() == asked.lower():
            return namespace
    raise NotFound("InvalidResourceNamespace", f"The resource namespace '{asked}' is invalid.")
