"""Azure Machine Learning over ARM, and the MLflow REST of a workspace. What a check needs, parsed into records.

Paths and fields: azure-machine-learning.md, sections b.3 to b.9. Every `get_*` gives None, and every `list_*` of
versions an empty list, for what does not exist.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from checker.clients.arm import ArmClient
from checker.clients.documents import last_segment, mapping, moment, number, sequence, text, texts
from checker.clients.monitors import SCHEDULES_VERSION, Monitor, monitor
from checker.errors import ServiceFault

WORKSPACES_VERSION = "2024-10-01-preview"
COMPUTES_VERSION = "2023-08-01-preview"
ASSETS_VERSION = "2023-04-01-preview"
MODELS_VERSION = "2023-08-01-preview"
JOBS_VERSION = "2024-01-01-preview"
ENDPOINTS_VERSION = "2022-02-01-preview"
DEPLOYMENTS_VERSION = "2023-04-01-preview"
DATASTORES_VERSION = "2024-10-01-preview"
DATA_SCIENTIST = "AzureML Data Scientist"
DATASTORE_PATH = re.compile(r"datastores/([^/]+)/paths/(.+)", re.IGNORECASE)
VERSIONED = re.compile(r"/(?:models|environments|data)/([^/]+)/versions/([^/]+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Workspace:
    id: str
    name: str
    location: str
    state: str
    tracking_uri: str
    discovery_url: str


@dataclass(frozen=True)
class Compute:
    name: str
    kind: str
    state: str
    vm_size: str
    min_nodes: int | None
    max_nodes: int | None


@dataclass(frozen=True)
class AssetVersion:
    """A version of a data asset, an environment or a model. `uri` is empty for an environment."""

    name: str
    version: str
    state: str
    uri: str
    image: str
    job: str
    tags: Mapping[str, str]
    created: datetime

    @property
    def reference(self) -> str:
        return f"{self.name}:{self.version}"


@dataclass(frozen=True)
class Job:
    """A job of the workspace. `environment` is `name:version`, or empty where it names none of a workspace."""

    name: str
    kind: str
    status: str
    experiment: str
    outputs: tuple[str, ...]
    environment: str
    created: datetime


@dataclass(frozen=True)
class Run:
    """What a job logged with MLflow."""

    parameters: Mapping[str, str]
    metrics: Mapping[str, str]


@dataclass(frozen=True)
class OnlineEndpoint:
    name: str
    state: str
    auth_mode: str
    scoring_uri: str
    traffic: Mapping[str, int]
    compute: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OnlineDeployment:
    """`model` and `environment` are `name:version` where the deployment names registered ones, else what it says.

    `collections` are those that its data collector has enabled.
    """

    name: str
    state: str
    kind: str
    model: str
    environment: str
    collections: tuple[str, ...] = ()


@dataclass(frozen=True)
class Datastore:
    """A blob container and the SAS to read it. `sas` is a secret."""

    name: str
    account: str
    container: str
    sas: str


class MachineLearningClient:
    """One workspace."""

    def __init__(self, arm: ArmClient, workspace: str) -> None:
        self._arm = arm
        self._provider = f"{arm.group}/providers/Microsoft.MachineLearningServices"
        self.path = f"{self._provider}/workspaces/{workspace}"

    def get_workspace(self) -> Workspace | None:
        document = self._get("", WORKSPACES_VERSION)
        if document is None:
            return None
        properties = mapping(document, "properties")
        return Workspace(
            id=text(document, "id"),
            name=text(document, "name"),
            location=text(document, "location"),
            state=text(properties, "provisioningState"),
            tracking_uri=text(properties, "mlFlowTrackingUri"),
            discovery_url=text(properties, "discoveryUrl"),
        )

    def list_workspaces(self) -> list[str]:
        return self._arm.names(f"{self._provider}/workspaces", WORKSPACES_VERSION)

    def get_compute(self, name: str) -> Compute | None:
        document = self._get(f"/computes/{name}", COMPUTES_VERSION)
        if document is None:
            return None
        inner = mapping(document, "properties", "properties")
        return Compute(
            name=text(document, "name"),
            kind=text(document, "properties", "computeType"),
            state=text(document, "properties", "provisioningState"),
            vm_size=text(inner, "vmSize"),
            min_nodes=number(inner, "scaleSettings", "minNodeCount"),
            max_nodes=number(inner, "scaleSettings", "maxNodeCount"),
        )

    def list_names(self, collection: str) -> list[str]:
        """Names in a collection of the workspace: computes, data, environments, models, onlineEndpoints."""
        version = {"computes": COMPUTES_VERSION, "onlineEndpoints": ENDPOINTS_VERSION, "models": MODELS_VERSION}
        return self._arm.names(f"{self.path}/{collection}", version.get(collection, ASSETS_VERSION))

    def list_data(self, name: str) -> list[AssetVersion]:
        """Versions, newest first."""
        return self._versions("data", name, ASSETS_VERSION)

    def list_environments(self, name: str) -> list[AssetVersion]:
        """Versions, newest first."""
        return self._versions("environments", name, ASSETS_VERSION)

    def list_models(self, name: str) -> list[AssetVersion]:
        """Versions, newest first."""
        return self._versions("models", name, MODELS_VERSION)

    def get_environment(self, reference: str) -> AssetVersion | None:
        """One version, by `name:version`."""
        name, _, version = reference.rpartition(":")
        document = self._get(f"/environments/{name}/versions/{version}", ASSETS_VERSION)
        return None if document is None else asset_version(name, document)

    def list_jobs(self) -> list[Job]:
        """Jobs of the workspace, newest first. The service has no filter on the experiment."""
        entries = self._arm.entries(self._url("/jobs", JOBS_VERSION, listViewType="ActiveOnly")) or ()
        return sorted((job(entry) for entry in entries), key=lambda found: found.created, reverse=True)

    def get_job(self, name: str) -> Job | None:
        document = self._get(f"/jobs/{name}", JOBS_VERSION)
        return None if document is None else job(document)

    def get_run(self, workspace: Workspace, name: str) -> Run | None:
        """What the job of that name logged. The run id is the job's name (b.9)."""
        query = urlencode({"run_id": name, "run_uuid": name})
        url = f"{self._tracking_url(workspace)}/api/2.0/mlflow/runs/get?{query}"
        document = self._arm.get(url, DATA_SCIENTIST)
        if document is None:
            return None
        data = mapping(document, "run", "data")
        return Run(_pairs(sequence(data, "params")), _pairs(sequence(data, "metrics")))

    def get_online_endpoint(self, name: str) -> OnlineEndpoint | None:
        document = self._get(f"/onlineEndpoints/{name}", ENDPOINTS_VERSION)
        if document is None:
            return None
        properties = mapping(document, "properties")
        shares = {name: number(properties, "traffic", name) for name in mapping(properties, "traffic")}
        return OnlineEndpoint(
            name=text(document, "name"),
            state=text(properties, "provisioningState"),
            auth_mode=text(properties, "authMode"),
            scoring_uri=text(properties, "scoringUri"),
            traffic={name: share for name, share in shares.items() if share},
            compute=last_segment(text(properties, "compute")),
            tags=texts(document, "tags"),
        )

    def list_online_deployments(self, endpoint: str) -> list[OnlineDeployment]:
        entries = self._arm.entries(self._url(f"/onlineEndpoints/{endpoint}/deployments", DEPLOYMENTS_VERSION)) or ()
        return [online_deployment(entry) for entry in entries]

    def list_monitors(self) -> list[Monitor]:
        """The schedules that monitor, also those that are switched off."""
        entries = self._arm.entries(self._url("/schedules", SCHEDULES_VERSION, listViewType="All")) or ()
        return [found for entry in entries if (found := monitor(entry))]

    def get_endpoint_key(self, endpoint: str) -> str:
        """The primary scoring key: a secret. The identity needs the listKeys action."""
        url = self._url(f"/onlineEndpoints/{endpoint}/listKeys", ENDPOINTS_VERSION)
        key = text(self._arm.post(url, None, DATA_SCIENTIST), "primaryKey")
        if not key:
            raise ServiceFault(f"listKeys of {endpoint}", "the answer has no primaryKey", "a key")
        return self._arm.http.secrets.add(key)

    def get_datastore(self, name: str) -> Datastore | None:
        """A datastore with a SAS good for an hour (b.5)."""
        document = self._get(f"/datastores/{name}", DATASTORES_VERSION)
        if document is None:
            return None
        asked = {"expirableSecret": True, "expireAfterHours": 1}
        answer = self._arm.post(self._url(f"/datastores/{name}/listSecrets", DATASTORES_VERSION), asked, DATA_SCIENTIST)
        sas = text(answer, "sasToken").removeprefix("?")
        if not sas:
            raise ServiceFault(f"listSecrets of {name}", f"no SAS but {text(answer, 'secretsType')}", "a SAS token")
        properties = mapping(document, "properties")
        secrets = self._arm.http.secrets
        return Datastore(name, text(properties, "accountName"), text(properties, "containerName"), secrets.add(sas))

    def _tracking_url(self, workspace: Workspace) -> str:
        """`azureml://host/mlflow/v1.0{ws}` becomes `https://host/mlflow/v2.0{ws}`, as azureml-mlflow does it (b.9)."""
        host = urlsplit(workspace.tracking_uri).netloc or self._discovered_host(workspace)
        return f"https://{host}/mlflow/v2.0{quote(self.path)}"

    def _discovered_host(self, workspace: Workspace) -> str:
        host = urlsplit(text(self._arm.get(workspace.discovery_url), "api")).netloc if workspace.discovery_url else ""
        if not host:
            raise ServiceFault(workspace.name, "the workspace names no tracking address", "mlFlowTrackingUri")
        return host

    def _url(self, path: str, api_version: str, **query: str) -> str:
        return self._arm.url(self.path + path, api_version, **query)

    def _get(self, path: str, api_version: str) -> Any | None:
        return self._arm.get(self._url(path, api_version))

    def _versions(self, collection: str, name: str, api_version: str) -> list[AssetVersion]:
        url = self._url(f"/{collection}/{name}/versions", api_version, listViewType="ActiveOnly")
        found = [asset_version(name, entry) for entry in self._arm.entries(url) or ()]
        return sorted(found, key=_age, reverse=True)


def _age(version: AssetVersion) -> tuple[datetime, int]:
    return version.created, int(version.version) if version.version.isdecimal() else 0


def asset_version(name: str, document: Mapping[str, Any]) -> AssetVersion:
    properties = mapping(document, "properties")
    return AssetVersion(
        name=name,
        version=text(document, "name"),
        state=text(properties, "provisioningState"),
        uri=text(properties, "dataUri") or text(properties, "modelUri"),
        image=text(properties, "image"),
        job=text(properties, "jobName"),
        tags=texts(properties, "tags"),
        created=moment(document, "systemData", "createdAt"),
    )


def job(document: Mapping[str, Any]) -> Job:
    properties = mapping(document, "properties")
    return Job(
        name=text(document, "name"),
        kind=text(properties, "jobType"),
        status=text(properties, "status"),
        experiment=text(properties, "experimentName"),
        outputs=tuple(mapping(properties, "outputs")),
        environment=_version_named(text(properties, "environmentId")),
        created=moment(document, "systemData", "createdAt"),
    )


def _version_named(resource_id: str) -> str:
    """`name:version` of an id that ends in `/environments/<name>/versions/<version>`, else nothing."""
    parts = resource_id.split("/")
    is_version = len(parts) > 4 and parts[-4].lower() == "environments" and parts[-2].lower() == "versions"
    return f"{parts[-3]}:{parts[-1]}" if is_version else ""


def online_deployment(document: Mapping[str, Any]) -> OnlineDeployment:
    properties = mapping(document, "properties")
    collections = mapping(properties, "dataCollector", "collections")
    return OnlineDeployment(
        name=text(document, "name"),
        state=text(properties, "provisioningState"),
        kind=text(properties, "endpointComputeType"),
        model=reference(text(properties, "model")),
        environment=reference(text(properties, "environmentId")),
        collections=tuple(name for name in collections if _is_enabled(collections, name)),
    )


def _is_enabled(collections: Mapping[str, Any], name: str) -> bool:
    return text(collections, name, "dataCollectionMode").lower() == "enabled"


def reference(arm_id: str) -> str:
    """`name:version` of an asset's ARM id; what is not such an id comes back as it is."""
    found = VERSIONED.search(arm_id)
    return f"{found.group(1)}:{found.group(2)}" if found else arm_id.removeprefix("azureml:")


def datastore_path(uri: str) -> tuple[str, str] | None:
    """Datastore and path of `azureml://.../datastores/<name>/paths/<path>`, or None for any other address."""
    found = DATASTORE_PATH.search(uri)
    return (found.group(1), found.group(2)) if found else None


def _pairs(entries: Iterable[Any]) -> Mapping[str, str]:
    return {text(entry, "key"): text(entry, "value") for entry in entries}
