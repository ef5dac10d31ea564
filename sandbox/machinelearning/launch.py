"""What a deployment starts: its scoring script, its MLflow model without code, or the image its environment names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from sandbox.compute.containers import serve_image
from sandbox.compute.errors import ServerError
from sandbox.compute.images import Image
from sandbox.compute.processes import Processes
from sandbox.compute.serving import (
    ModelServer,
    ModelSource,
    ServingOptions,
    serve_mlflow_model,
    serve_score_script,
)
from sandbox.errors import BadRequest
from sandbox.machinelearning.context import WORKSPACES, Context, kind_of
from sandbox.machinelearning.runtimes import Runtimes
from sandbox.machinelearning.specification import code_folder, path_of
from sandbox.machinelearning.uris import locate
from sandbox.store import Document
from sandbox.store.resources import require

MODELS = kind_of("models", "versions")
ENVIRONMENTS = kind_of("environments", "versions")


class ImageStore(Protocol):
    """The registries' images."""

    def resolve(self, reference: str) -> Image | None: ...
    def registry_of(self, reference: str) -> str | None: ...


@dataclass(frozen=True)
class Launch:
    """A server that is ready to be started, what was found while preparing it, and the code of its failure."""

    server: ModelServer
    report: tuple[str, ...]
    failure_code: str = "UserScriptInitError"


class Launcher:
    """Turns a deployment's definition into a server."""

    def __init__(
        self,
        context: Context,
        images: ImageStore,
        runtimes: Runtimes,
        processes: Processes,
        work: Path,
        variables: Callable[[], Mapping[str, str]],
    ) -> None:
        self._context = context
        self._images = images
        self._runtimes = runtimes
        self._processes = processes
        self._work = work
        self._variables = variables

    def prepare(self, deployment: Document, folder: str, log: Path, variables: Mapping[str, str]) -> Launch:
        """`variables` are the platform's own for this deployment. Raises ComputeError or ApiError where it cannot be
        served."""
        properties = deployment.body["properties"]
        environment = self._context.store.get(ENVIRONMENTS, properties.get("environmentId") or "")
        log.parent.mkdir(parents=True, exist_ok=True)
        options = self._options(deployment, folder, log, variables)
        if properties.get("codeConfiguration"):
            return self._script(deployment, options)
        if environment and environment.body["properties"].get("inferenceConfig"):
            return self._image(deployment, environment, options)
        return self._no_code(deployment, options)

    def _script(self, deployment: Document, usual: ServingOptions) -> Launch:
        properties = deployment.body["properties"]
        if not properties.get("environmentId"):
            raise BadRequest("UserError", "A deployment with a scoring script needs an environment.")
        prepared = self._runtimes.prepare(properties["environmentId"], usual.log)
        code = code_folder(self._context.store, self._context.payloads, properties["codeConfiguration"]["codeId"])
        script = properties["codeConfiguration"]["scoringScript"]
        if not (code / script).is_file():
            raise BadRequest("UserError", f"The scoring script '{script}' is not in the deployment's code.")
        options = replace(usual, runtime=prepared.runtime)
        server = serve_score_script(code, script, self._model(deployment), options, self._processes)
        return Launch(server, prepared.report)

    def _no_code(self, deployment: Document, options: ServingOptions) -> Launch:
        model = self._model(deployment)
        if model is None:
            raise BadRequest(
                "UserError", "A deployment without a scoring script needs an MLflow model or an image with its routes."
            )
        server = serve_mlflow_model(model, options, self._processes)
        return Launch(server, (f"Serving {model.name}:{model.version} without code.",))

    def _image(self, deployment: Document, environment: Document, options: ServingOptions) -> Launch:
        """A custom container. The workspace pulls from the registry it is associated with, and from no other."""
        reference = str(environment.body["properties"]["image"])
        workspace = require(self._context.store, WORKSPACES.lower(), deployment.id.split("/onlineEndpoints/")[0])
        associated = str(workspace.body["properties"].get("containerRegistry") or "").rsplit("/", 1)[-1]
        registry = self._images.registry_of(reference)
        image = self._images.resolve(reference)
        if registry is None or image is None:
            raise BadRequest("ImagePullError", f"The image '{reference}' was not found in the sandbox's registries.")
        if registry.lower() != associated.lower():
            raise BadRequest(
                "ImagePullError",
                f"The workspace is not allowed to pull '{reference}': its registry is '{associated or 'none'}'.",
            )
        routes = environment.body["properties"]["inferenceConfig"]
        ready = (routes.get("readinessRoute") or {}).get("path") or "/"
        port = int((routes.get("scoringRoute") or {}).get("port") or 5001)
        model = self._model(deployment)
        server = serve_image(image, options, self._processes, ports=(port,), readiness_path=ready, model=model)
        return Launch(server, (f"Image {reference} ({image.digest}).",), "ContainerCrashLoopBackOff")

    def _options(self, deployment: Document, folder: str, log: Path, variables: Mapping[str, str]) -> ServingOptions:
        given = deployment.body["properties"].get("environmentVariables") or {}
        return ServingOptions(
            owner=deployment.name,
            runtime=self._runtimes.default,
            folder=self._work / folder,
            log=log,
            environment={**self._variables(), **variables, **{name: str(value) for name, value in given.items()}},
        )

    def _model(self, deployment: Document) -> ModelSource | None:
        reference = deployment.body["properties"].get("model")
        if not reference:
            return None
        found = require(self._context.store, MODELS, reference)
        workspace, name = found.id.split("/models/")[0], found.id.split("/")[-3]
        path = path_of(self._context, locate(self._context.store, workspace, found.body["properties"]["modelUri"]))
        if not path.exists():
            raise ServerError(f"The model {name}:{found.name} has no files at its address.")
        return ModelSource(path, name, found.name)
