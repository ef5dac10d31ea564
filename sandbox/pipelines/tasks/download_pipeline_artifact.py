"""DownloadPipelineArtifact@2, and the `download:` step that stands for it."""

from pathlib import Path

from sandbox.pipelines.running.artifacts import download, find
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "DownloadPipelineArtifact"
VERSIONS = ("2",)
INPUTS = (
    Input("source", ("buildType",), default="current"),
    Input("project"),
    Input("definition", ("pipeline",)),
    Input("specificBuildWithTriggering", ("preferTriggeringPipeline",)),
    Input("buildVersionToDownload", ("runVersion",), default="latest"),
    Input("branchName", ("runBranch",)),
    Input("pipelineId", ("runId", "buildId")),
    Input("tags"),
    Input("allowPartiallySucceededBuilds"),
    Input("allowFailedBuilds"),
    Input("artifact", ("artifactName",)),
    Input("patterns", ("itemPattern",), default="**"),
    Input("path", ("targetPath", "downloadPath")),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """A named artifact goes straight into the path; without a name each goes into a folder of its own."""
    if inputs.choice("source", "current", "specific") == "specific":
        raise StepError("Artifacts of other runs are not rehearsed here: source 'specific'. 'current' is.")
    path = inputs.text("path")
    target = step.path(path) if path else step.folders.workspace
    fetch(step, inputs.text("artifact").strip(), target, inputs.text("patterns"))


def fetch(step: StepContext, name: str, target: Path, patterns: str, own_folder: bool = False) -> None:
    """`own_folder` puts a named artifact into a folder of its name, as the `download:` step does. Raises StepError when
    a named artifact is not there; no artifacts at all is no failure."""
    target.mkdir(parents=True, exist_ok=True)
    if name:
        found = find(step, name)
        if found is None:
            there = ", ".join(f"'{one.name}'" for one in step.host.list_artifacts()) or "none"
            raise StepError(f"Artifact {name} was not found for build {step.run.request.run_id}. It has: {there}.")
        download(step, found, target / found.name if own_folder else target, patterns)
        return
    artifacts = step.host.list_artifacts()
    if not artifacts:
        step.write("There is no artifact to download in this run.")
    for one in artifacts:
        download(step, one, target / one.name, _of_artifact(one.name, patterns))


def _of_artifact(name: str, patterns: str) -> str:
    """Patterns for all artifacts begin with the artifact's name; those for one do not."""
    return "\n".join(line.strip().removeprefix(f"{name}/") for line in patterns.splitlines())
