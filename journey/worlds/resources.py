"""What an attendee has on Azure up to a registered model, made by plain requests.

Not by the SDK, which is slower and would not make what a mistake needs. Every method makes one thing, or makes it
again as it is asked for; several of them may run at once.
"""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journey.worlds.wire import Wire, soon

ML = "Microsoft.MachineLearningServices"
ASSETS = "2023-04-01-preview"
JOB_SECONDS = 90
MODEL: dict[str, Any] = {
    "format": 1,
    "kind": "linear",
    "features": ["AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6"],
    "coefficients": [1.5, -80.25, 400.125, 200.0, -30.0, -60.5, -110.0, 90.0, 310.75, 70.0],
    "intercept": 151.875,
}
TAGS = {"commit": "0123abc", "build": "41", "mse": "3200.5"}


def predict(patient: Sequence[float]) -> float:
    """What MODEL says of a patient's ten features."""
    weights: Sequence[float] = MODEL["coefficients"]
    return float(MODEL["intercept"]) + sum(weight * value for weight, value in zip(weights, patient, strict=True))


@dataclass
class Resources:
    """One attendee's resources. `names` are those of workshop.toml with the suffix put in."""

    wire: Wire
    subscription: str
    location: str
    names: Mapping[str, str]
    suffix: str

    @property
    def group(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.names['resource_group']}"

    @property
    def workspace(self) -> str:
        return f"{self.group}/providers/{ML}/workspaces/{self.names['workspace']}"

    @property
    def registries(self) -> str:
        return f"{self.group}/providers/Microsoft.ContainerRegistry/registries"

    @property
    def endpoint(self) -> str:
        return f"{self.workspace}/onlineEndpoints/{self.names['production']}"

    @property
    def staging(self) -> str:
        return f"{self.group}/providers/Microsoft.ContainerInstance/containerGroups/{self.names['staging']}"

    @property
    def tags(self) -> dict[str, str]:
        """What says whose a resource is."""
        return {"workshop": "mlops-on-azure", "attendee": self.suffix}

    def call(self, method: str, path: str, body: object = None, version: str = "2023-08-01-preview") -> Any:
        """One call to the resource manager. Raises JourneyError."""
        return self.wire.call(method, path, body, version)

    def make_group(self) -> None:
        self.call("PUT", self.group, {"location": self.location, "tags": self.tags}, "2021-04-01")

    def make_budget(self, alert: bool = True) -> None:
        """A budget for a month, with an alert at 80 % of it."""
        told = {"enabled": True, "operator": "GreaterThan", "threshold": 80, "contactEmails": ["ada@example.org"]}
        properties = {
            "category": "Cost",
            "amount": 20,
            "timeGrain": "Monthly",
            "timePeriod": {"startDate": "2026-11-01T00:00:00Z", "endDate": "2027-11-01T00:00:00Z"},
            "notifications": {"at80": told} if alert else {},
        }
        path = f"{self.group}/providers/Microsoft.Consumption/budgets/workshop"
        self.call("PUT", path, {"properties": properties}, "2023-11-01")

    def make_registry(self, name: str | None = None) -> None:
        path = f"{self.registries}/{name or self.names['registry']}"
        body = {"location": self.location, "sku": {"name": "Basic"}, "properties": {"adminUserEnabled": True}}
        self.call("PUT", path, {**body, "tags": self.tags}, "2023-07-01")

    def make_workspace(self, name: str | None = None, registry: bool = False) -> None:
        """A workspace; with the registry as its own, as production needs it to pull the image."""
        path = f"{self.group}/providers/{ML}/workspaces/{name or self.names['workspace']}"
        own = {"containerRegistry": f"{self.registries}/{self.names['registry']}"} if registry else {}
        body = {"location": self.location, "tags": self.tags, "properties": own}
        self.call("PUT", path, body, "2024-10-01-preview")

    def make_cluster(self, name: str | None = None, minimum: int = 0) -> None:
        scale = {"minNodeCount": minimum, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT2M"}
        inner = {"vmSize": "STANDARD_DS11_V2", "scaleSettings": scale}
        body = {"location": self.location, "properties": {"computeType": "AmlCompute", "properties": inner}}
        self.call("PUT", f"{self.workspace}/computes/{name or self.names['compute']}", {**body, "tags": self.tags})

    def make_data(self, name: str, uri: str = "", version: str = "1") -> None:
        path = uri or f"azureml://datastores/workspaceblobstore/paths/data/{name}.csv"
        body = {"properties": {"dataUri": path, "dataType": "uri_file"}}
        self.call("PUT", f"{self.workspace}/data/{name}/versions/{version}", body, ASSETS)

    def make_environment(self, name: str | None = None) -> None:
        path = f"{self.workspace}/environments/{name or self.names['environment']}/versions/1"
        conda = "dependencies:\n  - python>=3.11\n"
        body = {"properties": {"image": "mcr.microsoft.com/azureml/x", "condaFile": conda}}
        self.call("PUT", path, body, ASSETS)

    def make_job(
        self,
        command: str = "true",
        logged: tuple[str, ...] = ("alpha", "mse"),
        ended: bool = True,
        experiment: str | None = None,
        output: str = "model",
    ) -> str:
        """A job that really runs; what it logs is logged for it. Returns its name."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        body = {
            "jobType": "Command",
            "command": command,
            "environmentId": f"{self.workspace}/environments/{self.names['environment']}/versions/1",
            "computeId": f"{self.workspace}/computes/{self.names['compute']}",
            "experimentName": experiment or self.names["experiment"],
            "outputs": {output: {"jobOutputType": "uri_folder"}},
        }
        self.call("PUT", f"{self.workspace}/jobs/{name}", {"properties": body}, "2025-01-01-preview")
        self.log_run(name, dict.fromkeys(logged, 0.5))
        if ended:
            self.wait_job(name)
        return name

    def log_run(self, name: str, metrics: Mapping[str, float], parameters: Mapping[str, str] | None = None) -> None:
        """Logs for a job; of a metric that was logged before the newest value counts."""
        now = time.time_ns() // 10**6
        body = {
            "run_id": name,
            "metrics": [{"key": key, "value": value, "timestamp": now, "step": 0} for key, value in metrics.items()],
            "params": [{"key": key, "value": value} for key, value in (parameters or {}).items()],
            "tags": [],
        }
        url = f"{self.wire.address}/mlflow/v2.0{self.workspace}/api/2.0/mlflow/runs/log-batch"
        self.wire.post_signed(url, body)

    def wait_job(self, name: str) -> None:
        path = f"{self.workspace}/jobs/{name}"
        soon(
            lambda: self.call("GET", path, version="2024-01-01-preview")["properties"]["status"],
            lambda status: status in ("Completed", "Failed", "Canceled"),
            f"job {name}",
            JOB_SECONDS,
        )

    def put_blob(self, path: str, content: bytes) -> None:
        """Write to the workspace's blob store, with the SAS that the datastore gives out."""
        store = f"{self.workspace}/datastores/workspaceblobstore"
        properties = self.call("GET", store, version="2024-10-01-preview")["properties"]
        asked = {"expirableSecret": True, "expireAfterHours": 1}
        sas = self.call("POST", f"{store}/listSecrets", asked, "2024-10-01-preview")["sasToken"]
        account = f"https://{properties['accountName']}.blob.core.windows.net"
        url = f"{account}/{properties['containerName']}/{path}?{sas}"
        self.wire.send("PUT", url, data=content, headers={"x-ms-blob-type": "BlockBlob"})

    def make_model(self, version: str = "1", artifact: object = MODEL, **tags: str) -> str:
        """A registered version with its artifact. A tag given as '' is left out. Returns name:version."""
        folder = f"models/{version}"
        if artifact is not None:
            self.put_blob(f"{folder}/model.json", json.dumps(artifact).encode())
        else:
            self.put_blob(f"{folder}/notes.txt", b"no model here")
        given = {key: value for key, value in {**TAGS, **tags}.items() if value}
        return self.register_model(version, f"azureml://datastores/workspaceblobstore/paths/{folder}", given)

    def register_model(self, version: str, uri: str, tags: Mapping[str, str], name: str | None = None) -> str:
        """A version of what lies at an address already; again, with other tags. Returns name:version."""
        named = name or self.names["model"]
        body = {"properties": {"modelUri": uri, "modelType": "custom_model", "tags": dict(tags)}}
        self.call("PUT", f"{self.workspace}/models/{named}/versions/{version}", body)
        return f"{named}:{version}"

    def retag_model(self, reference: str, **tags: str) -> None:
        """A registered version with some tags changed. A tag given as '' goes."""
        name, _, version = reference.partition(":")
        found = self.call("GET", f"{self.workspace}/models/{name}/versions/{version}")["properties"]
        wanted = {key: value for key, value in {**found["tags"], **tags}.items() if value}
        self.register_model(version, str(found["modelUri"]), wanted)
