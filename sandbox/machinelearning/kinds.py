"""What the service fills in for each kind of asset, and what it refuses."""

from typing import Any

import yaml

from sandbox.errors import BadRequest, NotImplementedHere
from sandbox.machinelearning.assets import AssetKind
from sandbox.machinelearning.context import Context, kind_of
from sandbox.machinelearning.uris import Location, locate
from sandbox.store import Transaction


def asset_kinds(context: Context) -> tuple[AssetKind, ...]:
    """The five kinds, in the order of their use."""

    def prepare_model(change: Transaction, workspace: str, properties: dict[str, Any]) -> dict[str, Any]:
        return _prepared_model(context, change, workspace, properties)

    def prepare_code(change: Transaction, workspace: str, properties: dict[str, Any]) -> dict[str, Any]:
        if not properties.get("codeUri"):
            raise BadRequest("ValidationError", "A code asset needs codeUri.")
        return properties

    return (
        AssetKind("data", ("dataUri", "dataType"), _prepared_data),
        AssetKind("environments", ("image", "condaFile"), _prepared_environment),
        AssetKind("codes", ("codeUri",), prepare_code),
        AssetKind("components", ("componentSpec",), _prepared_component),
        AssetKind("models", ("modelUri", "modelType"), prepare_model),
    )


def _prepared_data(change: Transaction, workspace: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The long form of the address; a folder's ends with a slash (azure-machine-learning.md, g 3)."""
    address = str(properties.get("dataUri") or "")
    if not address:
        raise BadRequest("ValidationError", "A data asset needs dataUri.")
    if address.startswith("azureml:"):
        address = locate(change, workspace, address).uri
    if properties.get("dataType", "").lower() == "uri_folder" and not address.endswith("/"):
        address += "/"
    return {**properties, "dataUri": address}


def _prepared_environment(change: Transaction, workspace: str, properties: dict[str, Any]) -> dict[str, Any]:
    """An environment is an image, with a conda file where packages are added to it."""
    if properties.get("build"):
        raise NotImplementedHere(
            "EnvironmentBuildNotImplemented",
            "The sandbox does not build environments from a Docker context. Give an image and a conda file, or build "
            "the image with a registry's quick build.",
        )
    if not properties.get("image"):
        raise BadRequest("ValidationError", "An environment needs an image.")
    if properties.get("condaFile"):
        _check_conda(properties["condaFile"])
    return {**properties, "environmentType": "UserCreated", "osType": properties.get("osType") or "Linux"}


def _check_conda(text: str) -> None:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadRequest("InvalidCondaFile", f"The conda file is not valid YAML: {error}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), list):
        raise BadRequest("InvalidCondaFile", "The conda file has no list of dependencies.")


def _prepared_component(change: Transaction, workspace: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Defaults that the SDK reads back (azure-machine-learning.md, g 3)."""
    spec = dict(properties.get("componentSpec") or {})
    spec.setdefault("version", "1")
    spec.setdefault("is_deterministic", True)
    for entry in (spec.get("inputs") or {}).values():
        entry.setdefault("optional", False)
    return {**properties, "componentSpec": spec}


def _prepared_model(
    context: Context, change: Transaction, workspace: str, properties: dict[str, Any]
) -> dict[str, Any]:
    """The address in its long form, and `flavors` as an object: the SDK splits one and walks the other (b.7)."""
    address = str(properties.get("modelUri") or "")
    if not address:
        raise BadRequest("ValidationError", "A model needs modelUri.")
    location = locate(change, workspace, address)
    job = address.split("/jobs/", 1)[1].split("/", 1)[0] if "/jobs/" in address else None
    filled = {**properties, "modelUri": location.uri, "modelType": properties.get("modelType") or "custom_model"}
    filled["flavors"] = properties.get("flavors") or _flavors(context, change, location, filled["modelType"])
    if job:
        filled["jobName"] = job
    return filled


def _flavors(context: Context, change: Transaction, location: Location, model_type: str) -> dict[str, Any]:
    """The flavors of an MLflow model, read from its MLmodel file."""
    if model_type.lower() != "mlflow_model":
        return {}
    account, container = location.container(change)
    path = context.payloads.path(account, container, location.path.rstrip("/") + "/MLmodel")
    if not path.is_file():
        raise BadRequest("UserError", f"An MLflow model needs a file MLmodel; there is none at {location.uri}.")
    document = yaml.safe_load(path.read_text())
    flavors = document.get("flavors") or {}
    return {name: {"data": {key: str(value) for key, value in entry.items()}} for name, entry in flavors.items()}


MODEL_VERSIONS = kind_of("models", "versions")
