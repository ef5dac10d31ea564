"""The `download` step: artifacts into the workspace, one folder each."""

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.download_pipeline_artifact import fetch
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "Download"
VERSIONS = ("1",)
INPUTS = (
    Input("alias", default="current"),
    Input("artifact", ("artifactName",)),
    Input("patterns", ("itemPattern",), default="**"),
    Input("path", ("targetPath",)),
    Input("tags"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Raises StepError."""
    alias = inputs.text("alias")
    if alias.lower() != "current":
        raise StepError(f"download: {alias}: artifacts of other pipelines are not rehearsed here; `current` is.")
    path = inputs.text("path")
    target = step.path(path) if path else step.folders.workspace
    fetch(step, inputs.text("artifact").strip(), target, inputs.text("patterns"), own_folder=not path)
