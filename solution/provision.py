"""Makes what the workshop runs on, once: a second run finds everything and changes nothing.

    python solution/provision.py

Resource group, container registry, Kubernetes cluster with its Azure ML extension, workspace, training cluster,
attached Kubernetes compute, environment.
"""

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import workshop
from workshop import Workshop, existing

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

CONDA_FILE = Path(__file__).parent / "conf" / "train-environment.yml"
# A dated tag: an environment whose base moves by itself is no environment.
BASE_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"
EXTENSION_API = "2023-05-01"


def provision_resource_group(settings: Workshop) -> str:
    """Makes the resource group. Returns what was done."""
    from azure.mgmt.resource.resources import ResourceManagementClient

    groups = workshop.management_client(ResourceManagementClient, settings).resource_groups
    if existing(lambda: groups.get(settings.names.resource_group)):
        return "exists"
    groups.create_or_update(settings.names.resource_group, {"location": settings.location, "tags": settings.tags})
    return "created"


def provision_registry(settings: Workshop) -> str:
    """Makes the container registry. Returns what was done."""
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient
    from azure.mgmt.containerregistry.models import Registry, RegistryProperties, Sku

    names, registries = (
        settings.names,
        workshop.management_client(ContainerRegistryManagementClient, settings).registries,
    )
    if existing(lambda: registries.get(names.resource_group, names.registry)):
        return "exists"
    # The admin user is on because a workspace accepts no registry without it: Azure ML, and the cluster that it deploys
    # to, pull with that name and password. A registry that is pulled from by managed identity leaves it off.
    registry = Registry(
        location=settings.location,
        tags=settings.tags,
        sku=Sku(name="Basic"),
        properties=RegistryProperties(admin_user_enabled=True),
    )
    registries.begin_create(names.resource_group, names.registry, registry).result()
    return "created"


def provision_kubernetes_cluster(settings: Workshop) -> str:
    """Makes the AKS cluster that production runs on. Returns what was done."""
    from azure.mgmt.containerservice import ContainerServiceClient
    from azure.mgmt.containerservice.models import (
        ManagedCluster,
        ManagedClusterAgentPoolProfile,
        ManagedClusterIdentity,
        ManagedClusterProperties,
    )

    names, clusters = settings.names, workshop.management_client(ContainerServiceClient, settings).managed_clusters
    if existing(lambda: clusters.get(names.resource_group, names.kubernetes_cluster)):
        return "exists"
    pool = ManagedClusterAgentPoolProfile(
        name="system",
        mode="System",
        count=settings.compute.kubernetes_nodes,
        vm_size=settings.compute.kubernetes_vm_size,
    )
    cluster = ManagedCluster(
        location=settings.location,
        tags=settings.tags,
        identity=ManagedClusterIdentity(type="SystemAssigned"),
        properties=ManagedClusterProperties(dns_prefix=names.kubernetes_cluster, agent_pool_profiles=[pool]),
    )
    clusters.begin_create_or_update(names.resource_group, names.kubernetes_cluster, cluster).result()
    return "created"


def provision_extension(settings: Workshop) -> str:
    """Installs the Azure ML extension: without it the cluster cannot be attached. Returns what was done."""
    from azure.mgmt.resource.resources import ResourceManagementClient

    resources = workshop.management_client(ResourceManagementClient, settings).resources
    identifier = f"{cluster_id(settings)}/providers/Microsoft.KubernetesConfiguration/extensions/azureml"
    if existing(lambda: resources.get_by_id(identifier, api_version=EXTENSION_API)):
        return "exists"
    # Plain http and one router: right for a workshop. Real data takes a certificate (sslSecret) and three routers.
    options = {
        "enableInference": "True",
        "enableTraining": "False",
        "inferenceRouterServiceType": "LoadBalancer",
        "inferenceRouterHA": "False",
        "allowInsecureConnections": "True",
    }
    body: Any = {
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "extensionType": "Microsoft.AzureML.Kubernetes",
            "autoUpgradeMinorVersion": True,
            "releaseTrain": "stable",
            "scope": {"cluster": {"releaseNamespace": "azureml"}},
            "configurationSettings": options,
        },
    }
    resources.begin_create_or_update_by_id(identifier, body, api_version=EXTENSION_API).result()
    return "created"


def cluster_id(settings: Workshop) -> str:
    """Returns the resource id of the Kubernetes cluster."""
    return f"{settings.scope}/providers/Microsoft.ContainerService/managedClusters/{settings.names.kubernetes_cluster}"


def registry_id(settings: Workshop) -> str:
    """Returns the resource id of the container registry."""
    return f"{settings.scope}/providers/Microsoft.ContainerRegistry/registries/{settings.names.registry}"


def provision_workspace(settings: Workshop, ml: "MLClient") -> str:
    """Makes the workspace, with our registry as its own so that it can pull our image. Returns what was done."""
    from azure.ai.ml.entities import Workspace

    names = settings.names
    if found := existing(lambda: ml.workspaces.get(names.workspace)):
        if (found.container_registry or "").lower() != registry_id(settings).lower():
            raise workshop.StepError(
                f"Workspace {names.workspace} uses the registry {found.container_registry or 'none'}; expected "
                f"{registry_id(settings)}. Production could not pull the image. Delete the workspace, or take another "
                "suffix."
            )
        return "exists"
    wanted = Workspace(
        name=names.workspace,
        location=settings.location,
        container_registry=registry_id(settings),
        tags=settings.tags,
    )
    ml.workspaces.begin_create(wanted).result()
    return "created"


def provision_compute(settings: Workshop, ml: "MLClient") -> str:
    """Makes the training cluster, which shrinks to `min_nodes` after two idle minutes. Returns what was done."""
    from azure.ai.ml.entities import AmlCompute

    if existing(lambda: ml.compute.get(settings.names.compute)):
        return "exists"
    cluster = AmlCompute(
        name=settings.names.compute,
        size=settings.compute.vm_size,
        min_instances=settings.compute.min_nodes,
        max_instances=settings.compute.max_nodes,
        idle_time_before_scale_down=120,
        tags=settings.tags,
    )
    ml.compute.begin_create_or_update(cluster).result()
    return "created"


def provision_kubernetes_compute(settings: Workshop, ml: "MLClient") -> str:
    """Attaches the Kubernetes cluster to the workspace. Returns what was done."""
    from azure.ai.ml.entities import IdentityConfiguration, KubernetesCompute

    name = settings.names.kubernetes_compute
    if existing(lambda: ml.compute.get(name)):
        return "exists"
    attached = KubernetesCompute(
        name=name,
        resource_id=cluster_id(settings),
        namespace="default",
        identity=IdentityConfiguration(type="system_assigned"),
    )
    ml.compute.begin_create_or_update(attached).result()
    return "created"


def provision_environment(settings: Workshop, ml: "MLClient") -> str:
    """Registers the environment that jobs run in: a new version when its content is new. Returns what was done."""
    from azure.ai.ml.entities import Environment

    name = settings.names.environment
    content = hashlib.sha256(BASE_IMAGE.encode() + CONDA_FILE.read_bytes()).hexdigest()[:16]
    if found := workshop.find_tagged(lambda: ml.environments.list(name=name), "content", content):
        return f"exists, version {found.version}"
    environment = Environment(name=name, image=BASE_IMAGE, conda_file=CONDA_FILE, tags={"content": content})
    return f"created, version {ml.environments.create_or_update(environment).version}"


def report(what: str, name: str, step: Callable[[], str]) -> None:
    """Runs one step and prints what it did."""
    print(f"{what:20} {name:28} {step()}")


def main() -> int:
    """Makes everything, in the order in which one thing needs another."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    settings = workshop.load()
    names = settings.names
    report("resource group", names.resource_group, lambda: provision_resource_group(settings))
    report("container registry", names.registry, lambda: provision_registry(settings))
    report("kubernetes cluster", names.kubernetes_cluster, lambda: provision_kubernetes_cluster(settings))
    report("azure ml extension", names.kubernetes_cluster, lambda: provision_extension(settings))
    ml = workshop.ml_client(settings)
    report("workspace", names.workspace, lambda: provision_workspace(settings, ml))
    report("training cluster", names.compute, lambda: provision_compute(settings, ml))
    report("kubernetes compute", names.kubernetes_compute, lambda: provision_kubernetes_compute(settings, ml))
    report("environment", names.environment, lambda: provision_environment(settings, ml))
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
