"""From a job's definition to what the compute library runs: addresses become paths, ids become folders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sandbox.compute.errors import TrainingError
from sandbox.compute.runtime import Runtime
from sandbox.compute.training import AssetInput, Input, LiteralInput, TrainingSpec
from sandbox.machinelearning.context import ARTIFACT_STORE, Context, Payloads, kind_of
from sandbox.machinelearning.datastores import container_of
from sandbox.machinelearning.uris import Location, locate
from sandbox.settings import STORAGE_SUFFIX
from sandbox.store import Document, Store

CODES = kind_of("codes", "versions")
MODES = {
    "ReadOnlyMount": "ro_mount",
    "Download": "download",
    "EvalMount": "eval_mount",
    "EvalDownload": "eval_download",
}
DURATION = re.compile(
    r"^P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>[\d.]+)S)?)?$"
)
LOG = "user_logs/std_log.txt"
BUILD_LOG = "azureml-logs/20_image_build_log.txt"


@dataclass(frozen=True)
class RunFolder:
    """Where a run's logs and artifacts lie: `ExperimentRun/dcid.<run>/` of the artifact store (b.6)."""

    account: str
    container: str
    prefix: str
    path: Path


def run_folder(context: Context, workspace: str, run_id: str) -> RunFolder:
    account, container = container_of(context.store, workspace, ARTIFACT_STORE)
    prefix = f"ExperimentRun/dcid.{run_id}"
    return RunFolder(account, container, prefix, context.payloads.path(account, container, prefix))


def training_spec(
    context: Context, workspace: str, job: Document, runtime: Runtime, variables: Mapping[str, str]
) -> TrainingSpec:
    """What to run for a command job. Raises TrainingError or ApiError in one sentence."""
    properties = job.body["properties"]
    folder = run_folder(context, workspace, job.name)
    inputs = {
        name: input_of(context, workspace, name, given)
        for name, given in (properties.get("inputs") or {}).items()
        if given is not None
    }
    return TrainingSpec(
        name=job.name,
        command=properties["command"],
        runtime=runtime,
        log=folder.path / LOG,
        artifacts=folder.path,
        code=code_folder(context.store, context.payloads, properties["codeId"]) if properties.get("codeId") else None,
        inputs=inputs,
        outputs={name: output_of(context, workspace, entry) for name, entry in properties["outputs"].items()},
        environment_variables={**variables, **(properties.get("environmentVariables") or {})},
        timeout_seconds=seconds((properties.get("limits") or {}).get("timeout")),
    )


def input_of(context: Context, workspace: str, name: str, given: Mapping[str, Any]) -> Input:
    """One input: a literal, or a file or folder of this machine."""
    if given.get("jobInputType") == "literal":
        return LiteralInput(str(given["value"]))
    address, mode = str(given.get("uri")), str(given.get("mode") or "ReadOnlyMount")
    location = locate(context.store, workspace, address)
    if mode == "Direct":
        return LiteralInput(location.uri)
    if mode not in MODES:
        raise TrainingError(f"Input {name}: the sandbox does not implement mode {mode}.")
    return AssetInput(path_of(context, location), MODES[mode])


def output_of(context: Context, workspace: str, given: Mapping[str, Any]) -> Path:
    return path_of(context, locate(context.store, workspace, given["uri"]))


def path_of(context: Context, location: Location) -> Path:
    """The file or folder behind a location."""
    account, container = location.container(context.store)
    return context.payloads.path(account, container, location.path.rstrip("/"))


def code_folder(store: Store, payloads: Payloads, code_id: str) -> Path:
    """The snapshot that azure-ai-ml uploaded: `codeUri` is a blob address of this server."""
    found = store.get(CODES, code_id)
    if found is None:
        raise TrainingError(f"The code '{code_id}' was not found.")
    parts = unquote(urlsplit(found.body["properties"]["codeUri"]).path).strip("/").split("/", 2)
    suffix = f".blob.{STORAGE_SUFFIX}"
    if len(parts) < 3 or not parts[0].endswith(suffix):
        raise TrainingError(f"The code address '{found.body['properties']['codeUri']}' is not on this server.")
    return payloads.path(parts[0].removesuffix(suffix), parts[1], parts[2].rstrip("/"))


def seconds(duration: str | None) -> float | None:
    """Seconds of an ISO 8601 duration such as PT1H30M; None for none."""
    if not duration:
        return None
    found = DURATION.match(duration)
    if not found:
        raise TrainingError(f"The time limit '{duration}' is not an ISO 8601 duration.")
    units = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
    return sum(float(found[unit] or 0) * size for unit, size in units.items())
