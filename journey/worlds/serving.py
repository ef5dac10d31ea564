"""Images of a small model server, and what runs them: the container group of staging, the endpoint of production."""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from journey.worlds.monitoring import collector
from journey.worlds.resources import ASSETS, MODEL, Resources
from journey.worlds.wire import soon

PORT = 5001
BUILDS = "2025-03-01-preview"
GROUPS = "2023-05-01"
ENDPOINTS = "2022-02-01-preview"
DEPLOYMENTS = "2023-04-01-preview"
DOCKERFILE = """FROM python:3.12-slim
WORKDIR /app
ENV MODEL={model}
ENV FAULT={fault}
COPY . .
CMD ["python", "server.py"]
"""


def make_image(
    resources: Resources,
    model: str,
    fault: str = "",
    artifact: object = MODEL,
    tag: str = "1",
    repository: str | None = None,
    registry: str | None = None,
) -> str:
    """Build an image in the registry from the model server. Returns registry/image@digest. Raises JourneyError.

    `fault` is one of those that server.py knows.
    """
    context = {
        "Dockerfile": DOCKERFILE.format(model=model, fault=fault).encode(),
        "server.py": Path(__file__).with_name("server.py").read_bytes(),
        "model.json": json.dumps(artifact).encode(),
    }
    properties = build(resources, context, f"{repository or resources.names['image']}:{tag}", registry=registry)
    image = properties["outputImages"][0]
    return f"{image['registry']}/{image['repository']}@{image['digest']}"


def build(
    resources: Resources, context: Mapping[str, bytes], image: str, succeeds: bool = True, registry: str | None = None
) -> dict[str, Any]:
    """A build in the registry, to its end; its properties. Raises JourneyError when it should succeed and does not."""
    where = f"{resources.registries}/{registry or resources.names['registry']}"
    source = resources.call("POST", f"{where}/listBuildSourceUploadUrl", version=BUILDS)
    resources.wire.send("PUT", source["uploadUrl"], data=_archive(context), headers={"x-ms-blob-type": "BlockBlob"})
    request = {
        "type": "DockerBuildRequest",
        "imageNames": [image],
        "dockerFilePath": "Dockerfile",
        "sourceLocation": source["relativePath"],
        "platform": {"os": "Linux"},
        "isPushEnabled": True,
    }
    run = resources.call("POST", f"{where}/scheduleRun", request, BUILDS)["properties"]["runId"]
    wanted = ("Succeeded",) if succeeds else ("Succeeded", "Failed", "Canceled", "Error")
    found = soon(
        lambda: resources.call("GET", f"{where}/runs/{run}", version=BUILDS)["properties"],
        lambda one: one["status"] in wanted,
        f"build {run} of {image}",
    )
    return dict(found)


def make_staging(
    resources: Resources,
    image: str,
    model: str,
    key: str,
    name: str | None = None,
    port: int = PORT,
    awaited: bool = True,
) -> None:
    """A container group that gives the server its key; without one the server takes any. Waits until it answers."""
    variables = [{"name": "SCORING_KEY", "secureValue": key}] if key else []
    container = {
        "image": image,
        "ports": [{"port": port}],
        "environmentVariables": variables,
        "resources": {"requests": {"cpu": 1, "memoryInGB": 1}},
    }
    properties = {
        "osType": "Linux",
        "restartPolicy": "Never",
        "containers": [{"name": "scoring", "properties": container}],
        "imageRegistryCredentials": [registry_credential(resources)],
        "ipAddress": {"type": "Public", "ports": [{"port": port, "protocol": "TCP"}]},
    }
    body = {"location": resources.location, "tags": {**resources.tags, "model": model}, "properties": properties}
    path = f"{resources.staging.rpartition('/')[0]}/{name or resources.names['staging']}"
    resources.call("PUT", path, body, GROUPS)
    if awaited:
        soon(lambda: _answers(resources, path), bool, f"the server in {path}")


def registry_credential(resources: Resources) -> dict[str, str]:
    """What a container group pulls with: the registry's admin user."""
    registry = f"{resources.registries}/{resources.names['registry']}"
    found = resources.call("POST", f"{registry}/listCredentials", version="2023-07-01")
    server = resources.call("GET", registry, version="2023-07-01")["properties"]["loginServer"]
    return {"server": server, "username": found["username"], "password": found["passwords"][0]["value"]}


def _answers(resources: Resources, path: str) -> bool:
    """Whether the server in a group answers: the platform says Running before that."""
    address = resources.call("GET", path, version=GROUPS)["properties"].get("ipAddress", {})
    port = address.get("ports", [{}])[0].get("port")
    if not address.get("ip"):
        return False
    try:
        return requests.get(f"http://{address['ip']}:{port}/", timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):  # it is still starting
        return False


def make_production(
    resources: Resources,
    image: str,
    model: str,
    traffic: int = 100,
    auth: str = "Key",
    collections: Sequence[str] = (),
) -> None:
    """An online endpoint with one deployment, blue, from an image; `collections` are what it collects."""
    make_endpoint(resources, auth)
    make_deployment(resources, image, model, collections=collections)
    set_traffic(resources, {"blue": traffic} if traffic else {}, auth)


def make_endpoint(resources: Resources, auth: str = "Key", name: str | None = None) -> None:
    body = {
        "location": resources.location,
        "tags": resources.tags,
        "identity": {"type": "SystemAssigned"},
        "properties": {"authMode": auth, "traffic": {}},
    }
    path = f"{resources.endpoint.rpartition('/')[0]}/{name or resources.names['production']}"
    resources.call("PUT", path, body, ENDPOINTS)


def make_deployment(
    resources: Resources,
    image: str,
    model: str,
    name: str = "blue",
    version: str = "1",
    collections: Sequence[str] = (),
) -> None:
    """A deployment, without traffic; `version` is that of the environment that names the image."""
    environment = f"{resources.workspace}/environments/{resources.names['image_environment']}/versions/{version}"
    route = {"port": PORT, "path": "/"}
    inference = {"livenessRoute": route, "readinessRoute": route, "scoringRoute": {"port": PORT, "path": "/score"}}
    serving = {"properties": {"image": image, "inferenceConfig": inference}}
    resources.call("PUT", environment, serving, ASSETS)
    named, _, number = model.rpartition(":")
    deployment = {
        "endpointComputeType": "Managed",
        "environmentId": environment,
        "model": f"{resources.workspace}/models/{named}/versions/{number}",
        "instanceType": "Standard_DS3_v2",
        **({"dataCollector": collector(collections)} if collections else {}),
    }
    body = {"location": resources.location, "sku": {"name": "Default", "capacity": 1}, "properties": deployment}
    resources.call("PUT", f"{resources.endpoint}/deployments/{name}", body, DEPLOYMENTS)


def set_traffic(
    resources: Resources, traffic: Mapping[str, int], auth: str = "Key", tags: Mapping[str, str] | None = None
) -> None:
    """Who gets which share; `tags` are what the endpoint remembers of exchanges, and go with every write."""
    body = {
        "location": resources.location,
        "tags": {**resources.tags, **(tags or {})},
        "identity": {"type": "SystemAssigned"},
        "properties": {"authMode": auth, "traffic": dict(traffic)},
    }
    resources.call("PUT", resources.endpoint, body, ENDPOINTS)


def _archive(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
