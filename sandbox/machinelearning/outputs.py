"""Job outputs that ask to be registered become versions of a data asset or a model."""

from typing import Any

from sandbox.machinelearning.assets import AssetKind, register_version
from sandbox.machinelearning.context import Context
from sandbox.machinelearning.kinds import asset_kinds
from sandbox.store import Document

MODEL_TYPES = ("custom_model", "mlflow_model", "triton_model")


def register_outputs(context: Context, workspace: str, job: Document) -> None:
    """Register every output of a completed job that has a name of its own."""
    kinds = {kind.segment: kind for kind in asset_kinds(context)}
    for entry in job.body["properties"]["outputs"].values():
        name = entry.get("assetName")
        if name:
            _register(context, kinds, workspace, job.name, name, entry)


def _register(
    context: Context, kinds: dict[str, AssetKind], workspace: str, job: str, name: str, entry: dict[str, Any]
) -> None:
    output_type = str(entry.get("jobOutputType") or "uri_folder").lower()
    if output_type in MODEL_TYPES:
        kind, properties = kinds["models"], {"modelUri": entry["uri"], "modelType": output_type, "jobName": job}
    else:
        kind, properties = kinds["data"], {"dataUri": entry["uri"], "dataType": output_type}
    with context.store.write() as change:
        register_version(change, kind, workspace, name, entry.get("assetVersion"), properties)
