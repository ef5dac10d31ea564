"""PublishBuildArtifacts@1: the older kind of artifact."""

import tarfile

from sandbox.pipelines.running.artifacts import publish
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "PublishBuildArtifacts"
VERSIONS = ("1",)
INPUTS = (
    Input("PathtoPublish", default="$(Build.ArtifactStagingDirectory)"),
    Input("ArtifactName", default="drop"),
    Input("ArtifactType", ("publishLocation",), default="Container"),
    Input("MaxArtifactSize", default="0"),
    Input("TargetPath"),
    Input("StoreAsTar", default="false"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Raises StepError."""
    if inputs.choice("ArtifactType", "Container", "FilePath") == "FilePath":
        raise StepError("Publishing to a file share is not rehearsed here; publishLocation: Container is.")
    text = inputs.text("PathtoPublish")
    source = step.path(text) if "PathtoPublish" in inputs.written else step.folders.artifacts
    name = inputs.text("ArtifactName").strip()
    if not source.exists():
        raise StepError(f"Not found PathtoPublish: {source}")
    if source.is_dir() and not any(source.iterdir()):
        step.warn(f"Directory '{source}' is empty. Nothing will be added to build artifact '{name}'.")
        return
    if inputs.flag("StoreAsTar"):
        packed = step.folders.temp / f"{name}.tar"
        with tarfile.open(packed, "w") as archive:
            archive.add(source, arcname="." if source.is_dir() else source.name)
        source = packed
    publish(step, name, source, "Container")
