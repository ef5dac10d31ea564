"""Kubernetes: a cluster with its extension, attached to a workspace, serving an image that a registry built."""

import io
import json
import subprocess
import sys
import tarfile
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import LOCATION, Sandbox

SCORE = "import os\ndef init():\n    pass\ndef run(raw):\n    return {'city': os.environ['CITY']}\n"
DOCKERFILE = """FROM python:3.12-slim
WORKDIR /app
COPY score.py .
ENV CITY=Utrecht
EXPOSE 5001
CMD ["azmlinfsrv", "--entry_script", "score.py", "--port", "5001"]
"""


def make_cluster(sandbox: Sandbox, group: str) -> str:
    from azure.mgmt.containerservice import ContainerServiceClient
    from azure.mgmt.containerservice.models import ManagedCluster, ManagedClusterAgentPoolProfile

    client = ContainerServiceClient(sandbox.credential, sandbox.subscription, **sandbox.management_arguments())
    pool = ManagedClusterAgentPoolProfile(name="pool", count=1, vm_size="Standard_D4s_v5", mode="System")
    cluster = ManagedCluster(location=LOCATION, dns_prefix="k", agent_pool_profiles=[pool])
    return str(client.managed_clusters.begin_create_or_update(group, "cluster", cluster).result().id)


def install_extension(sandbox: Sandbox, cluster: str) -> None:
    from azure.mgmt.resource.resources import ResourceManagementClient

    client = ResourceManagementClient(sandbox.credential, sandbox.subscription, **sandbox.management_arguments())
    identity = f"{cluster}/providers/Microsoft.KubernetesConfiguration/extensions/azureml"
    body = {"properties": {"extensionType": "Microsoft.AzureML.Kubernetes"}}
    client.resources.begin_create_or_update_by_id(identity, body, api_version="2023-05-01").result()


def make_registry(sandbox: Sandbox, group: str) -> Any:
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient
    from azure.mgmt.containerregistry.models import Registry, Sku

    client = ContainerRegistryManagementClient(
        sandbox.credential, sandbox.subscription, **sandbox.management_arguments()
    )
    registry = Registry(location=LOCATION, sku=Sku(name="Basic"))
    return client.registries.begin_create(group, f"cr{uuid.uuid4().hex[:12]}", registry).result()


def build_image(sandbox: Sandbox, group: str, registry: Any) -> str:
    """The reference by digest of an image that a quick build made."""
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
    from azure.mgmt.containerregistrytasks.models import DockerBuildRequest, PlatformProperties
    from azure.storage.blob import BlobClient

    client = ContainerRegistryTasksMgmtClient(
        sandbox.credential, sandbox.subscription, **sandbox.management_arguments()
    )
    source = client.registries.get_build_source_upload_url(group, registry.name)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in (("Dockerfile", DOCKERFILE), ("score.py", SCORE)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    BlobClient.from_blob_url(source.upload_url).upload_blob(archive.getvalue())
    request = DockerBuildRequest(
        docker_file_path="Dockerfile",
        image_names=["city:1"],
        source_location=source.relative_path,
        platform=PlatformProperties(os="Linux"),
    )
    run = client.registries.schedule_run(group, registry.name, request)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        run = client.runs.get(group, registry.name, run.run_id)
        if run.status in ("Succeeded", "Failed"):
            break
        time.sleep(0.1)
    assert run.status == "Succeeded"
    return f"{registry.login_server}/city@{run.output_images[0].digest}"


def attach(client: Any, cluster: str) -> None:
    from azure.ai.ml.entities import KubernetesCompute

    client.compute.begin_create_or_update(
        KubernetesCompute(name="k8s", resource_id=cluster, namespace="default")
    ).result()


def test_a_cluster_without_the_extension_cannot_be_attached(
    sandbox: Sandbox, workspace: Any, resource_group: str
) -> None:
    from azure.core.exceptions import HttpResponseError

    cluster = make_cluster(sandbox, resource_group)
    with pytest.raises(HttpResponseError, match=r"Microsoft\.AzureML\.Kubernetes"):
        attach(workspace, cluster)


@pytest.mark.slow
def test_an_image_is_served_from_kubernetes_by_its_digest(
    sandbox: Sandbox, resource_group: str, tmp_path: Path
) -> None:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Environment, KubernetesOnlineDeployment, KubernetesOnlineEndpoint, Workspace

    registry = make_registry(sandbox, resource_group)
    image = build_image(sandbox, resource_group, registry)
    name = f"mlw-{uuid.uuid4().hex[:8]}"
    client = MLClient(sandbox.credential, sandbox.subscription, resource_group)
    client.workspaces.begin_create(Workspace(name=name, location=LOCATION, container_registry=registry.id)).result()
    client = MLClient(sandbox.credential, sandbox.subscription, resource_group, name)
    cluster = make_cluster(sandbox, resource_group)
    install_extension(sandbox, cluster)
    attach(client, cluster)
    assert client.compute.get("k8s").type == "kubernetes"

    endpoint = KubernetesOnlineEndpoint(name=name, compute="k8s", auth_mode="key")
    client.online_endpoints.begin_create_or_update(endpoint).result()
    routes = {kind: {"port": 5001, "path": path} for kind, path in _routes().items()}
    deployment = KubernetesOnlineDeployment(
        name="blue",
        endpoint_name=name,
        environment=Environment(name="serve", image=image, inference_config=routes),
        instance_count=1,
    )
    made = client.online_deployments.begin_create_or_update(deployment).result()
    assert made.provisioning_state == "Succeeded"
    endpoint.traffic = {"blue": 100}
    client.online_endpoints.begin_create_or_update(endpoint).result()
    key = client.online_endpoints.get_keys(name).primary_key
    url = client.online_endpoints.get(name).scoring_uri
    answer = requests.post(url, json={}, headers={"authorization": f"Bearer {key}"}, timeout=60)
    assert (answer.status_code, answer.json()) == (200, {"city": "Utrecht"})
    assert requests.post(url, json={}, headers={"authorization": "Bearer no"}, timeout=9).status_code == 401
    # In a process of its own: the SDK keeps a header between calls (contract Q5).
    program = (
        "import sys, os; from azure.ai.ml import MLClient; from azure.identity import DefaultAzureCredential;"
        "c = MLClient(DefaultAzureCredential(), os.environ['AZURE_SUBSCRIPTION_ID'], sys.argv[1], sys.argv[2]);"
        "print('answer', c.online_endpoints.invoke(sys.argv[2], request_file=sys.argv[3], deployment_name='blue'))"
    )
    request_file = tmp_path / "request.json"
    request_file.write_text("{}")
    command = [sys.executable, "-W", "ignore", "-c", program, resource_group, name, str(request_file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout.split("answer", 1)[1]) == {"city": "Utrecht"}, done.stderr
    client.online_endpoints.begin_delete(name).wait()


def _routes() -> dict[str, str]:
    return {"liveness_route": "/", "readiness_route": "/", "scoring_route": "/score"}


@pytest.mark.slow
def test_a_workspace_pulls_from_its_own_registry_only(sandbox: Sandbox, workspace: Any, resource_group: str) -> None:
    from azure.ai.ml.entities import Environment, ManagedOnlineDeployment, ManagedOnlineEndpoint
    from azure.core.exceptions import HttpResponseError

    image = build_image(sandbox, resource_group, make_registry(sandbox, resource_group))
    name = f"e-{uuid.uuid4().hex[:8]}"
    workspace.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name, auth_mode="key")).result()
    routes = {kind: {"port": 5001, "path": path} for kind, path in _routes().items()}
    deployment = ManagedOnlineDeployment(
        name="blue",
        endpoint_name=name,
        environment=Environment(name="serve", image=image, inference_config=routes),
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )
    with pytest.raises(HttpResponseError, match="not allowed to pull"):
        workspace.online_deployments.begin_create_or_update(deployment).result()
