"""Worlds for the checks: what an attendee could have made, made through the sandbox's public wire.

Plain requests, not the SDK: a world also has what no SDK would make. Every world has a suffix of its own,
and with it a group, a workspace and names of its own.
"""

import io
import json
import tarfile
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from checker.checks import CHECKS
from checker.clients.http import HttpClient
from checker.context import CheckContext, open_context
from checker.masking import Secrets
from checker.model import CheckResult
from checker.runner import run_checks, with_prerequisites
from checker.settings import Settings, read_settings
from tests.conftest import LOCATION, REPOSITORY, Sandbox, bearer

ML = "Microsoft.MachineLearningServices"
KEY = "the-key-of-staging-0123456789"
PATIENCE_SECONDS = 90
MODEL = {
    "format": 1,
    "kind": "linear",
    "features": ["AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6"],
    "coefficients": [1.5, -80.25, 400.125, 200.0, -30.0, -60.5, -110.0, 90.0, 310.75, 70.0],
    "intercept": 151.875,
}
TAGS = {"commit": "0123abc", "build": "41", "mse": "3200.5"}
DOCKERFILE = """FROM python:3.12-slim
WORKDIR /app
ENV MODEL={model}
ENV FAULT={fault}
COPY . .
CMD ["python", "server.py"]
"""


@dataclass
class World:
    """One attendee's resources. Methods make them; `check` looks at them."""

    sandbox: Sandbox
    suffix: str = field(default_factory=lambda: "w" + uuid.uuid4().hex[:7])

    @cached_property
    def settings(self) -> Settings:
        environment = {**self.sandbox.environment, "WORKSHOP_SUFFIX": self.suffix}
        return replace(read_settings(REPOSITORY / "workshop.toml", environment), staging_key=KEY)

    @cached_property
    def headers(self) -> dict[str, str]:
        return bearer(self.sandbox)

    @property
    def group(self) -> str:
        return f"/subscriptions/{self.settings.subscription}/resourceGroups/{self.settings.names.resource_group}"

    @property
    def workspace(self) -> str:
        return f"{self.group}/providers/{ML}/workspaces/{self.settings.names.workspace}"

    def call(self, method: str, path: str, body: object = None, version: str = "2023-08-01-preview") -> Any:
        """One request to the resource manager; waits for a long-running operation to end."""
        url = f"{self.sandbox.base}{path}?api-version={version}"
        answer = requests.request(method, url, json=body, headers=self.headers, timeout=60)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:600]}"
        operation = answer.headers.get("Azure-AsyncOperation")
        if operation:
            self.wait(operation)
        return answer.json() if answer.content else None

    def wait(self, operation: str) -> None:
        """Poll an operation to its end, which must be a success."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = requests.get(operation, headers=self.headers, timeout=60).json()
            if found["status"] == "Succeeded":
                return
            assert found["status"] not in ("Failed", "Canceled"), found
            time.sleep(0.05)
        raise AssertionError(f"{operation} does not end")

    def context(self, **changes: Any) -> CheckContext:
        return open_context(replace(self.settings, **changes), HttpClient(Secrets()), seed=11)

    def check(self, *codes: str, **changes: Any) -> Mapping[str, CheckResult]:
        """Results by code, of the named checks and what they need."""
        checks = with_prerequisites(codes or CHECKS, CHECKS)
        return {result.check.code: result for result in run_checks(checks, self.context(**changes))}

    # what an attendee makes ------------------------------------------------------------------------------------------

    def make_group(self) -> None:
        self.call("PUT", self.group, {"location": LOCATION}, "2021-04-01")

    def make_workspace(self, name: str | None = None, registry: bool = False) -> None:
        """A workspace; with the registry as its own, as production needs it to pull the image."""
        path = f"{self.group}/providers/{ML}/workspaces/{name or self.settings.names.workspace}"
        own = {"containerRegistry": f"{self.registries}/{self.settings.names.registry}"} if registry else {}
        self.call("PUT", path, {"location": LOCATION, "properties": own}, "2024-10-01-preview")

    def make_cluster(self, name: str | None = None, minimum: int = 0) -> None:
        scale = {"minNodeCount": minimum, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT2M"}
        inner = {"vmSize": "STANDARD_DS11_V2", "scaleSettings": scale}
        body = {"location": LOCATION, "properties": {"computeType": "AmlCompute", "properties": inner}}
        self.call("PUT", f"{self.workspace}/computes/{name or self.settings.names.compute}", body)

    def make_data(self, name: str, uri: str = "", version: str = "1") -> None:
        path = uri or f"azureml://datastores/workspaceblobstore/paths/data/{name}.csv"
        body = {"properties": {"dataUri": path, "dataType": "uri_file"}}
        self.call("PUT", f"{self.workspace}/data/{name}/versions/{version}", body, "2023-04-01-preview")

    def make_environment(self) -> None:
        path = f"{self.workspace}/environments/{self.settings.names.environment}/versions/1"
        conda = "dependencies:\n  - python>=3.11\n"
        body = {"properties": {"image": "mcr.microsoft.com/azureml/x", "condaFile": conda}}
        self.call("PUT", path, body, "2023-04-01-preview")

    def make_job(self, command: str = "true", logged: tuple[str, ...] = ("alpha", "mse"), ended: bool = True) -> str:
        """A job that really runs; what it logs is logged for it. Returns its name."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        body = {
            "jobType": "Command",
            "command": command,
            "environmentId": f"{self.workspace}/environments/{self.settings.names.environment}/versions/1",
            "computeId": f"{self.workspace}/computes/{self.settings.names.compute}",
            "experimentName": self.settings.names.experiment,
            "outputs": {"model": {"jobOutputType": "uri_folder"}},
        }
        self.call("PUT", f"{self.workspace}/jobs/{name}", {"properties": body}, "2025-01-01-preview")
        metrics = [{"key": key, "value": 0.5, "timestamp": 1, "step": 0} for key in logged]
        url = f"{self.sandbox.base}/mlflow/v2.0{self.workspace}/api/2.0/mlflow/runs/log-batch"
        batch = {"run_id": name, "metrics": metrics, "params": [], "tags": []}
        assert requests.post(url, json=batch, headers=self.headers, timeout=60).ok
        if ended:
            self.wait_job(name)
        return name

    def wait_job(self, name: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self.call("GET", f"{self.workspace}/jobs/{name}", version="2024-01-01-preview")
            if found["properties"]["status"] in ("Completed", "Failed", "Canceled"):
                return
            time.sleep(0.05)
        raise AssertionError(f"{name} does not end")

    def put_blob(self, path: str, content: bytes) -> None:
        """Write to the workspace's blob store, with the SAS that the datastore gives out."""
        store = f"{self.workspace}/datastores/workspaceblobstore"
        properties = self.call("GET", store, version="2024-10-01-preview")["properties"]
        asked = {"expirableSecret": True, "expireAfterHours": 1}
        sas = self.call("POST", f"{store}/listSecrets", asked, "2024-10-01-preview")["sasToken"]
        account = f"https://{properties['accountName']}.blob.core.windows.net"
        url = f"{account}/{properties['containerName']}/{path}?{sas}"
        answer = requests.put(url, data=content, headers={"x-ms-blob-type": "BlockBlob"}, timeout=60)
        assert answer.status_code == 201, answer.text

    def make_model(self, version: str = "1", artifact: object = MODEL, **tags: str) -> str:
        """A registered version with its artifact. A tag given as '' is left out. Returns name:version."""
        folder = f"models/{version}"
        if artifact is not None:
            self.put_blob(f"{folder}/model.json", json.dumps(artifact).encode())
        else:
            self.put_blob(f"{folder}/notes.txt", b"no model here")
        name = self.settings.names.model
        given = {key: value for key, value in {**TAGS, **tags}.items() if value}
        uri = f"azureml://datastores/workspaceblobstore/paths/{folder}"
        body = {"properties": {"modelUri": uri, "modelType": "custom_model", "tags": given}}
        self.call("PUT", f"{self.workspace}/models/{name}/versions/{version}", body)
        return f"{name}:{version}"

    def make_registry(self, name: str | None = None) -> None:
        path = f"{self.registries}/{name or self.settings.names.registry}"
        body = {"location": LOCATION, "sku": {"name": "Basic"}, "properties": {"adminUserEnabled": True}}
        self.call("PUT", path, body, "2023-07-01")

    @property
    def registries(self) -> str:
        return f"{self.group}/providers/Microsoft.ContainerRegistry/registries"

    def make_image(self, model: str, fault: str = "", artifact: object = MODEL, tag: str = "1") -> str:
        """Build an image in the registry from a small model server. Returns registry/image@digest."""
        registry = f"{self.registries}/{self.settings.names.registry}"
        source = self.call("POST", f"{registry}/listBuildSourceUploadUrl", version="2025-03-01-preview")
        context = {
            "Dockerfile": DOCKERFILE.format(model=model, fault=fault).encode(),
            "server.py": (Path(__file__).parent / "server.py").read_bytes(),
            "model.json": json.dumps(artifact).encode(),
        }
        sent = requests.put(
            source["uploadUrl"], data=_archive(context), headers={"x-ms-blob-type": "BlockBlob"}, timeout=60
        )
        assert sent.status_code == 201, sent.text
        image = f"{self.settings.names.image}:{tag}"
        request = {
            "type": "DockerBuildRequest",
            "imageNames": [image],
            "dockerFilePath": "Dockerfile",
            "sourceLocation": source["relativePath"],
            "platform": {"os": "Linux"},
            "isPushEnabled": True,
        }
        run = self.call("POST", f"{registry}/scheduleRun", request, "2025-03-01-preview")
        return self._built(f"{registry}/runs/{run['properties']['runId']}")

    def _built(self, run: str) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            properties = self.call("GET", run, version="2025-03-01-preview")["properties"]
            if properties["status"] == "Succeeded":
                image = properties["outputImages"][0]
                return f"{image['registry']}/{image['repository']}@{image['digest']}"
            assert properties["status"] not in ("Failed", "Canceled", "Error"), properties
            time.sleep(0.05)
        raise AssertionError(f"{run} does not end")

    def make_staging(self, image: str, model: str, key: str = KEY) -> None:
        """A container group that listens on 5001."""
        variables = [{"name": "SCORING_KEY", "secureValue": key}] if key else []
        container = {
            "image": image,
            "ports": [{"port": 5001}],
            "environmentVariables": variables,
            "resources": {"requests": {"cpu": 1, "memoryInGB": 1}},
        }
        body = {
            "location": LOCATION,
            "tags": {"model": model},
            "properties": {
                "osType": "Linux",
                "restartPolicy": "Never",
                "containers": [{"name": "scoring", "properties": container}],
                "imageRegistryCredentials": [self.registry_credential()],
                "ipAddress": {"type": "Public", "ports": [{"port": 5001, "protocol": "TCP"}]},
            },
        }
        name = self.settings.names.staging
        self.call(
            "PUT", f"{self.group}/providers/Microsoft.ContainerInstance/containerGroups/{name}", body, "2023-05-01"
        )
        self.wait_staging()

    def registry_credential(self) -> dict[str, str]:
        """What a container group pulls with: the registry's admin user."""
        registry = f"{self.registries}/{self.settings.names.registry}"
        found = self.call("POST", f"{registry}/listCredentials", version="2023-07-01")
        server = self.call("GET", registry, version="2023-07-01")["properties"]["loginServer"]
        return {"server": server, "username": found["username"], "password": found["passwords"][0]["value"]}

    def wait_staging(self) -> None:
        """Until the server in the group answers: the platform says Running before that."""
        path = f"{self.group}/providers/Microsoft.ContainerInstance/containerGroups/{self.settings.names.staging}"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            address = self.call("GET", path, version="2023-05-01")["properties"].get("ipAddress", {})
            port = address.get("ports", [{}])[0].get("port")
            with suppress(requests.ConnectionError, requests.Timeout):  # it is still starting
                if address.get("ip") and requests.get(f"http://{address['ip']}:{port}/", timeout=5).ok:
                    return
            time.sleep(0.05)
        raise AssertionError("staging does not answer")

    def make_production(self, image: str, model: str, traffic: int = 100, auth: str = "Key") -> None:
        """An online endpoint with one deployment, blue, from an image."""
        names = self.settings.names
        environment = f"{self.workspace}/environments/diabetes-serve-{self.suffix}/versions/1"
        route = {"port": 5001, "path": "/"}
        inference = {"livenessRoute": route, "readinessRoute": route, "scoringRoute": {"port": 5001, "path": "/score"}}
        serving = {"properties": {"image": image, "inferenceConfig": inference}}
        self.call("PUT", environment, serving, "2023-04-01-preview")
        endpoint = f"{self.workspace}/onlineEndpoints/{names.production}"
        body = {
            "location": LOCATION,
            "identity": {"type": "SystemAssigned"},
            "properties": {"authMode": auth, "traffic": {}},
        }
        self.call("PUT", endpoint, body, "2022-02-01-preview")
        name, _, version = model.rpartition(":")
        deployment = {
            "endpointComputeType": "Managed",
            "environmentId": environment,
            "model": f"{self.workspace}/models/{name}/versions/{version}",
            "instanceType": "Standard_DS3_v2",
        }
        sku = {"name": "Default", "capacity": 1}
        wanted = {"location": LOCATION, "sku": sku, "properties": deployment}
        self.call("PUT", f"{endpoint}/deployments/blue", wanted, "2023-04-01-preview")
        body["properties"] = {"authMode": auth, "traffic": {"blue": traffic} if traffic else {}}
        self.call("PUT", endpoint, body, "2022-02-01-preview")

    def make_trained(self) -> str:
        """Everything of module 6 up to the registered model. Returns name:version."""
        self.make_group()
        self.make_registry()
        self.make_workspace(registry=True)
        self.make_cluster()
        self.make_environment()
        self.make_data(self.settings.names.data_asset)
        self.make_data(self.settings.names.holdout_asset)
        return self.make_model(job=self.make_job(), data=f"{self.settings.names.data_asset}:1")


def _archive(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
