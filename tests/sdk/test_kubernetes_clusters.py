"""Managed clusters through azure-mgmt-containerservice: a resource to attach a compute to."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.conftest import LOCATION, Sandbox

POOL = {"name": "nodepool1", "count": 3, "vmSize": "Standard_DS3_v2", "mode": "System"}


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    from azure.mgmt.containerservice import ContainerServiceClient

    return ContainerServiceClient(sandbox.credential, sandbox.subscription, **sandbox.management_arguments())


def _body(**properties: object) -> Any:
    pools = {"agentPoolProfiles": [POOL], "dnsPrefix": "lessons"}
    return {"location": LOCATION, "identity": {"type": "SystemAssigned"}, "properties": {**pools, **properties}}


def test_cluster_lifecycle(client: Any, resource_group: str) -> None:
    with pytest.raises(ResourceNotFoundError):
        client.managed_clusters.get(resource_group, "aks")
    made = client.managed_clusters.begin_create_or_update(resource_group, "aks", _body()).result()
    assert (made.provisioning_state, made.power_state.code, made.agent_pool_profiles[0].count) == (
        "Succeeded",
        "Running",
        3,
    )
    assert made.fqdn.startswith("lessons-")
    assert made.identity.principal_id
    assert made.current_kubernetes_version == made.kubernetes_version
    tagged = client.managed_clusters.begin_update_tags(resource_group, "aks", {"tags": {"of": "test"}}).result()
    assert tagged.tags == {"of": "test"}
    assert [one.name for one in client.managed_clusters.list_by_resource_group(resource_group)] == ["aks"]
    assert made.id in [one.id for one in client.managed_clusters.list()]
    client.managed_clusters.begin_delete(resource_group, "aks").result()
    with pytest.raises(ResourceNotFoundError):
        client.managed_clusters.get(resource_group, "aks")


def test_pools_and_power(client: Any, resource_group: str) -> None:
    client.managed_clusters.begin_create_or_update(resource_group, "aks", _body()).result()
    assert [one.name for one in client.agent_pools.list(resource_group, "aks")] == ["nodepool1"]
    assert client.agent_pools.get(resource_group, "aks", "nodepool1").count == 3
    client.managed_clusters.begin_stop(resource_group, "aks").result()
    assert client.managed_clusters.get(resource_group, "aks").power_state.code == "Stopped"
    client.managed_clusters.begin_start(resource_group, "aks").result()
    assert client.managed_clusters.get(resource_group, "aks").power_state.code == "Running"


def test_kubeconfig_names_the_cluster_and_no_server(client: Any, resource_group: str) -> None:
    client.managed_clusters.begin_create_or_update(resource_group, "aks", _body()).result()
    for found in (
        client.managed_clusters.list_cluster_user_credentials(resource_group, "aks"),
        client.managed_clusters.list_cluster_admin_credentials(resource_group, "aks"),
    ):
        text = bytes(found.kubeconfigs[0].value).decode()
        assert "current-context: aks" in text
        assert "There is no API server" in text
        assert ".invalid" in text


def test_a_cluster_needs_a_system_pool(client: Any, resource_group: str) -> None:
    for pools in ([], [{**POOL, "mode": "User"}], [{**POOL, "name": "Bad-Name"}]):
        with pytest.raises(HttpResponseError) as seen:
            client.managed_clusters.begin_create_or_update(resource_group, "aks", _body(agentPoolProfiles=pools))
        assert seen.value.status_code == 400
