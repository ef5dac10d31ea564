"""DownloadBuildArtifacts@0 and @1: into a folder of the artifact's name."""

import shutil

from sandbox.pipelines.running.artifacts import download, find
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "DownloadBuildArtifacts"
VERSIONS = ("0", "1")
INPUTS = (
    Input("buildType", default="current"),
    Input("project"),
    Input("pipeline", ("definition",)),
    Input("specificBuildWithTriggering"),
    Input("buildVersionToDownload", default="latest"),
    Input("allowPartiallySucceededBuilds"),
    Input("branchName"),
    Input("buildId"),
    Input("tags"),
    Input("downloadType", default="single"),
    Input("artifactName"),
    Input("itemPattern", default="**"),
    Input("downloadPath"),
    Input("cleanDestinationFolder", default="false"),
    Input("parallelizationLimit", default="8"),
    Input("checkDownloadedFiles", default="false"),
    Input("retryDownloadCount", default="4"),
    Input("extractTars", default="false"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Raises StepError."""
    if inputs.choice("buildType", "current", "specific") == "specific":
        raise StepError("Artifacts of other runs are not rehearsed here: buildType 'specific'. 'current' is.")
    path = inputs.text("downloadPath")
    target = step.path(path) if path else step.folders.artifacts
    if inputs.flag("cleanDestinationFolder"):
        shutil.rmtree(target, ignore_errors=True)
    if inputs.choice("downloadType", "single", "specific") == "specific":
        chosen = list(step.host.list_artifacts())
    else:
        found = find(step, inputs.text("artifactName"))
        if found is None:
            raise StepError(f"Artifact {inputs.text('artifactName')} was not found in this run.")
        chosen = [found]
    for one in chosen:
        patterns = "\n".join(line.removeprefix(f"{one.name}/") for line in inputs.text("itemPattern").splitlines())
        download(step, one, target / one.name, patterns)
    step.set_output("BuildNumber", step.run.build_number)
