"""The names and settings of the workshop, and the Azure clients made from them.

Everything comes from workshop.toml in the nearest folder above; WORKSHOP_SUFFIX, AZURE_SUBSCRIPTION_ID, AZURE_LOCATION
and the pipeline's variables (PIPELINE_VARIABLES) in the environment win. Azure SDKs are imported inside functions:
`--help` should not take two seconds.
"""

import logging
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

T = TypeVar("T")
FILE = "workshop.toml"
METADATA_SECONDS = 30
# An agent gives a step each pipeline variable in upper case, its dots as underscores: azureml.resourceGroup and so on.
PIPELINE_VARIABLES = {
    "AZUREML_RESOURCEGROUP": ("names", "resource_group"),
    "AZUREML_WORKSPACENAME": ("names", "workspace"),
    "AZUREML_LOCATION": ("azure", "location"),
    "AMLCOMPUTE_CLUSTERNAME": ("names", "compute"),
    "AMLCOMPUTE_VMSIZE": ("compute", "vm_size"),
    "AMLCOMPUTE_MINNODES": ("compute", "min_nodes"),
    "AMLCOMPUTE_MAXNODES": ("compute", "max_nodes"),
    "ACI_NAME": ("names", "staging"),
    "AKS_CLUSTERNAME": ("names", "kubernetes_cluster"),
    "AKS_VMSIZE": ("compute", "kubernetes_vm_size"),
    "AKS_AGENTCOUNT": ("compute", "kubernetes_nodes"),
    "AKS_ENDPOINTNAME": ("names", "production"),
}


class ConfigurationError(Exception):
    """Something to set or to type is missing or wrong: exit code 2."""


class StepError(Exception):
    """The step was tried and did not succeed, or must not go on: exit code 1."""


@dataclass(frozen=True)
class Names:
    """The names of everything the workshop makes in Azure; each carries the attendee's suffix."""

    resource_group: str
    workspace: str
    compute: str
    registry: str
    kubernetes_cluster: str
    kubernetes_compute: str
    data_asset: str
    holdout_asset: str
    environment: str
    image_environment: str
    experiment: str
    model: str
    image: str
    staging: str
    production: str


@dataclass(frozen=True)
class Compute:
    """The training cluster and the Kubernetes cluster. `min_nodes` is 0: an idle cluster costs nothing."""

    vm_size: str
    min_nodes: int
    max_nodes: int
    kubernetes_vm_size: str
    kubernetes_nodes: int


@dataclass(frozen=True)
class Training:
    """What training is told. Without `alpha` the seed chooses it."""

    test_size: float
    seed: int
    alpha: float | None = None


@dataclass(frozen=True)
class Gate:
    """How much worse than production a candidate may be, and the largest share of the baseline's error it may have."""

    tolerance: float
    baseline_share: float


@dataclass(frozen=True)
class Workshop:
    """One attendee's settings. `root` is the folder of workshop.toml."""

    root: Path
    suffix: str
    subscription: str
    location: str
    names: Names
    compute: Compute
    training: Training
    gate: Gate

    @property
    def scope(self) -> str:
        """The resource id of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.names.resource_group}"

    @property
    def tags(self) -> dict[str, str]:
        """What every resource says about itself: the bill is split by it, and the clean-up goes by it."""
        return {"workshop": "mlops-on-azure", "attendee": self.suffix}


def find_root() -> Path:
    """Returns the nearest folder above this file that holds workshop.toml. Raises ConfigurationError."""
    for folder in Path(__file__).resolve().parents:
        if (folder / FILE).is_file():
            return folder
    raise ConfigurationError(f"No {FILE} in a folder above {Path(__file__).name}. Run the steps from the repository.")


def load() -> Workshop:
    """Returns the settings. Raises ConfigurationError, which says what is expected where."""
    root = find_root()
    try:
        document = tomllib.loads((root / FILE).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as problem:
        raise ConfigurationError(f"{FILE} cannot be read: {problem}") from problem
    suffix = os.environ.get("WORKSHOP_SUFFIX") or str(document.get("attendee", {}).get("suffix", ""))
    if not re.fullmatch(r"[a-z0-9]{3,8}", suffix):
        raise ConfigurationError(
            f"The suffix is {suffix!r}; expected 3 to 8 lower-case letters and digits ({FILE}, [attendee])."
        )
    apply_pipeline_variables(document)
    azure = document.get("azure", {})
    names = {name: str(text).replace("{suffix}", suffix) for name, text in document.get("names", {}).items()}
    return Workshop(
        root=root,
        suffix=suffix,
        subscription=os.environ.get("AZURE_SUBSCRIPTION_ID") or str(azure.get("subscription", "")),
        location=os.environ.get("AZURE_LOCATION") or str(azure.get("location", "")),
        names=section(Names, "names", names),
        compute=section(Compute, "compute", document.get("compute", {})),
        training=section(Training, "training", document.get("training", {})),
        gate=section(Gate, "gate", document.get("gate", {})),
    )


def apply_pipeline_variables(document: dict[str, Any]) -> None:
    """Puts the pipeline's variables over the file's values. Raises ConfigurationError for one that cannot be used."""
    for variable, (table, key) in PIPELINE_VARIABLES.items():
        text = os.environ.get(variable)
        if not text:
            continue
        if "$(" in text:
            raise ConfigurationError(f"{variable} is {text!r}: the pipeline has no variable of the name inside $( ).")
        values = document.setdefault(table, {})
        values[key] = whole_number(variable, text) if isinstance(values.get(key), int) else text


def whole_number(variable: str, text: str) -> int:
    """Returns a variable's number. Raises ConfigurationError when it is none."""
    if not text.isdecimal():
        raise ConfigurationError(f"{variable} is {text!r}; expected a whole number.")
    return int(text)


def section(kind: type[T], name: str, values: dict[str, Any]) -> T:
    """Returns one table of workshop.toml as its dataclass. Keys that no step reads are somebody else's."""
    known = {field.name: values[field.name] for field in fields(kind) if field.name in values}  # type: ignore[arg-type]
    try:
        return kind(**known)
    except TypeError as problem:
        raise ConfigurationError(f"{FILE}, [{name}]: {problem}") from problem


@cache
def cloud_options() -> dict[str, Any]:
    """Returns what the azure-mgmt clients need to work in another cloud than the public one.

    ARM_CLOUD_METADATA_URL names the metadata document of a sovereign or private cloud. MLClient follows it by itself;
    the management clients want the address and the scope. Raises ConfigurationError when the document cannot be had.
    """
    url = os.environ.get("ARM_CLOUD_METADATA_URL")
    if not url:
        return {}
    import requests

    try:
        reply = requests.get(url, timeout=METADATA_SECONDS)
        reply.raise_for_status()
        document = reply.json()
    except requests.RequestException as problem:
        raise ConfigurationError(f"ARM_CLOUD_METADATA_URL is {url}, and there is no answer: {problem}") from problem
    address = resource_manager(document if isinstance(document, list) else [document], url)
    return {"base_url": address, "credential_scopes": [f"{address}/.default"]}


def resource_manager(clouds: list[dict[str, Any]], url: str) -> str:
    """Returns the resource manager's address of the current cloud, without a slash at the end.

    The current cloud is the one that AZUREML_CURRENT_CLOUD names, else the one that the document's own address belongs
    to: the way azure-ai-ml chooses.
    """
    named = os.environ.get("AZUREML_CURRENT_CLOUD")
    for cloud in clouds:
        address = str(cloud.get("resourceManager", "")).rstrip("/")
        if address and (cloud.get("name") == named if named else address in url):
            return address
    raise ConfigurationError(
        f"The metadata at {url} has no cloud {named or 'with that address'}: set AZUREML_CURRENT_CLOUD."
    )


@cache
def credential() -> "DefaultAzureCredential":
    """Returns the identity of whoever runs the step: a service connection, a managed identity or `az login`."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def management_client(kind: Callable[..., T], workshop: Workshop) -> T:
    """Returns an azure-mgmt client, such as ContainerRegistryManagementClient, for the current cloud."""
    return kind(credential(), require_subscription(workshop), **cloud_options())


def ml_client(workshop: Workshop) -> "MLClient":
    """Returns the Azure ML client of the attendee's workspace."""
    from azure.ai.ml import MLClient

    names = workshop.names
    # A progress bar is no use in a pipeline's log, and the files are small.
    return MLClient(
        credential(),
        require_subscription(workshop),
        names.resource_group,
        names.workspace,
        enable_telemetry=False,
        show_progress=False,
    )


def require_subscription(workshop: Workshop) -> str:
    """Returns the subscription's id. Raises ConfigurationError when none is set."""
    if not workshop.subscription:
        raise ConfigurationError(f"No subscription is set: export AZURE_SUBSCRIPTION_ID, or fill [azure] in {FILE}.")
    return workshop.subscription


def existing(get: Callable[[], T]) -> T | None:
    """Returns what `get` returns, or None when Azure says that it does not exist."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return get()
    except ResourceNotFoundError:
        return None


def find_tagged(versions: Callable[[], Iterable[T]], tag: str, value: str) -> T | None:
    """Returns the newest version of an asset that has this tag, or None. An unknown asset has no versions."""
    found = existing(
        lambda: [version for version in versions() if (getattr(version, "tags", None) or {}).get(tag) == value]
    )
    return max(found, key=version_number) if found else None


def version_number(asset: Any) -> int:
    """Returns an asset's version for sorting; a version that is a word comes before all numbers."""
    return int(asset.version) if str(asset.version).isdigit() else -1


def run_step(main: Callable[[], int]) -> int:
    """Runs a step and returns its exit code: the one place where an error becomes a message.

    0 done; 1 the step failed; 2 something to set or to type is missing; 130 interrupted.
    """
    # The step's lines and those of the SDK's log streaming come in the order they happened, also into a pipe.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # azure-ai-ml names its experimental classes at each import, also those that no step uses.
    logging.getLogger("azure.ai.ml._utils._experimental").setLevel(logging.ERROR)
    try:
        return main()
    except ConfigurationError as problem:
        return complain(str(problem), 2)
    except StepError as problem:
        return complain(str(problem), 1)
    except KeyboardInterrupt:
        return complain("Interrupted. What was started in Azure goes on there.", 130)
    except Exception as problem:
        if not from_azure(problem):
            raise
        return complain(f"Azure says: {problem}", 1)


def from_azure(problem: Exception) -> bool:
    """Says whether an error comes from the Azure SDKs, so that its text, without a trace, is what a person needs."""
    from azure.core.exceptions import AzureError

    return isinstance(problem, AzureError)


def complain(message: str, code: int) -> int:
    """Prints a message to the error stream and returns the exit code."""
    print(message, file=sys.stderr)
    return code
