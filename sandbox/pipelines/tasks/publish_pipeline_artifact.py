"""PublishPipelineArtifact@0 and @1, what `publish:` stands for."""

from sandbox.pipelines.running.artifacts import publish
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "PublishPipelineArtifact"
VERSIONS = ("0", "1")
INPUTS = (
    Input("path", ("targetPath",)),
    Input("artifactName", ("artifact",)),
    Input("artifactType", ("publishLocation",), default="pipeline"),
    Input("fileSharePath"),
    Input("parallel", default="false"),
    Input("parallelCount", default="8"),
    Input("properties"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Without a name the artifact is called after stage, job and attempt, as the service does it. Raises StepError."""
    if inputs.choice("artifactType", "pipeline", "filepath") == "filepath":
        raise StepError("Publishing to a file share is not rehearsed here; publishLocation: pipeline is.")
    path = inputs.text("path")
    source = step.path(path) if path else step.folders.workspace
    job = step.job.reference
    name = inputs.text("artifactName").strip() or f"{job.stage}.{job.job}.{step.variables.values['system.jobattempt']}"
    publish(step, name, source, "PipelineArtifact")
