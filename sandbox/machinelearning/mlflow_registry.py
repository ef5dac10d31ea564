"""MLflow's model registry over the workspace's models: one set of names and versions for both APIs."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.clock import milliseconds
from sandbox.errors import BadRequest, NotFound
from sandbox.machinelearning.assets import AssetKind, register_version
from sandbox.machinelearning.context import Context, require_workspace
from sandbox.machinelearning.mlflow import API
from sandbox.store import Document, Store, Transaction
from sandbox.wire import Call, Operation, Reply

SOURCE_IN_RUN = re.compile(r"ExperimentRun/dcid\.(?P<run>[^/]+)/(?P<path>.+)$")
NAME_FILTER = re.compile(r"^\s*name\s*=\s*['\"](?P<name>[^'\"]+)['\"]\s*$")


class MlflowRegistry:
    """Registered models and model versions."""

    def __init__(self, context: Context, kind: AssetKind) -> None:
        self._context = context
        self._store = context.store
        self._kind = kind

    def operations(self) -> list[Operation]:
        rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = [
            ("mlflow_registered_models_create", "POST", "/registered-models/create", self.create_model),
            ("mlflow_registered_models_get", "GET", "/registered-models/get", self.get_model),
            ("mlflow_registered_models_search", "GET", "/registered-models/search", self.search_models),
            ("mlflow_model_versions_create", "POST", "/model-versions/create", self.create_version),
            ("mlflow_model_versions_get", "GET", "/model-versions/get", self.get_version),
            ("mlflow_model_versions_search", "GET", "/model-versions/search", self.search_versions),
            (
                "mlflow_model_versions_get_download_uri",
                "GET",
                "/model-versions/get-download-uri",
                self.get_download_uri,
            ),
        ]
        return [Operation(name, method, API + path, handler, dialect="mlflow") for name, method, path, handler in rows]

    def create_model(self, call: Call) -> Reply:
        """A name without versions yet; MLflow asks for it before it makes a version."""
        name = str(call.json().get("name") or "")
        with self._store.write() as change:
            workspace = require_workspace(change, call.params)
            resource = f"{workspace.id}/models/{name}"
            if not name or change.get(self._kind.container_kind, resource):
                raise BadRequest("RESOURCE_ALREADY_EXISTS", f"Registered Model (name={name}) already exists.")
            fields: dict[str, Any] = {
                "nextVersion": "1",
                "latestVersion": None,
                "isArchived": False,
                "tags": {},
                "properties": {},
            }
            made = change.put(self._kind.container_kind, resource, {"properties": fields}, f"{workspace.id}/models")
        return Reply.json({"registered_model": _model(made)})

    def get_model(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        return Reply.json({"registered_model": _model(self._require_model(workspace.id, call.option("name")))})

    def search_models(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        found = self._store.list(self._kind.container_kind, f"{workspace.id}/models")
        return Reply.json({"registered_models": [_model(one) for one in found]})

    def create_version(self, call: Call) -> Reply:
        given = call.json()
        name = str(given.get("name") or "")
        with self._store.write() as change:
            workspace = require_workspace(change, call.params)
            properties = {
                "modelUri": _address(str(given.get("source") or "")),
                "modelType": "mlflow_model",
                "description": given.get("description"),
                "tags": {one["key"]: one["value"] for one in given.get("tags") or []},
                "jobName": given.get("run_id") or None,
            }
            made = register_version(change, self._kind, workspace.id, name, None, properties)
        return Reply.json({"model_version": _version(made)})

    def get_version(self, call: Call) -> Reply:
        return Reply.json({"model_version": _version(self._require_version(call))})

    def search_versions(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        wanted = NAME_FILTER.match(call.option("filter"))
        if not wanted:
            raise BadRequest("INVALID_PARAMETER_VALUE", f"The filter must be name='...': '{call.option('filter')}'.")
        parent = f"{workspace.id}/models/{wanted['name']}/versions"
        found = self._store.list(self._kind.version_kind, parent)
        return Reply.json({"model_versions": [_version(one) for one in reversed(found)]})

    def get_download_uri(self, call: Call) -> Reply:
        return Reply.json({"artifact_uri": self._require_version(call).body["properties"]["modelUri"]})

    def _require_model(self, workspace: str, name: str) -> Document:
        return _require(
            self._store, self._kind.container_kind, f"{workspace}/models/{name}", f"Registered Model {name}"
        )

    def _require_version(self, call: Call) -> Document:
        workspace = require_workspace(self._store, call.params)
        name, version = call.option("name"), call.option("version")
        resource = f"{workspace.id}/models/{name}/versions/{version}"
        return _require(self._store, self._kind.version_kind, resource, f"Model Version {name}:{version}")


def _require(store: Store | Transaction, kind: str, resource: str, what: str) -> Document:
    found = store.get(kind, resource)
    if found is None:
        raise NotFound("RESOURCE_DOES_NOT_EXIST", f"{what} not found.")
    return found


def _address(source: str) -> str:
    """The artifact address of a run as an address of the workspace."""
    if found := SOURCE_IN_RUN.search(source):
        return f"azureml://jobs/{found['run']}/outputs/artifacts/paths/{found['path']}"
    return source


def _model(document: Document) -> dict[str, Any]:
    return {
        "name": document.name,
        "creation_timestamp": milliseconds(document.created),
        "last_updated_timestamp": milliseconds(document.changed),
        "tags": [{"key": key, "value": value} for key, value in document.body["properties"].get("tags", {}).items()],
    }


def _version(document: Document) -> dict[str, Any]:
    properties = document.body["properties"]
    return {
        "name": document.id.split("/")[-3],
        "version": document.name,
        "creation_timestamp": milliseconds(document.created),
        "last_updated_timestamp": milliseconds(document.changed),
        "current_stage": "None",
        "description": properties.get("description") or "",
        "source": properties["modelUri"],
        "run_id": properties.get("jobName") or "",
        "status": "READY",
        "tags": [{"key": key, "value": value} for key, value in properties["tags"].items()],
    }
