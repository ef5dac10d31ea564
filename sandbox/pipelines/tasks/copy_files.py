"""CopyFiles@2: what the pattern lines choose, with its folders."""

import shutil
from pathlib import Path

from sandbox.pipelines.patterns import find_files
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "CopyFiles"
VERSIONS = ("2",)
INPUTS = (
    Input("SourceFolder"),
    Input("Contents", default="**", required=True),
    Input("TargetFolder", required=True),
    Input("CleanTargetFolder", default="false"),
    Input("OverWrite", default="false"),
    Input("flattenFolders", default="false"),
    Input("preserveTimestamp", default="false"),
    Input("retryCount", default="0"),
    Input("delayBetweenRetries", default="1000"),
    Input("ignoreMakeDirErrors", default="false"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Files that are there already stay, unless OverWrite says otherwise. Raises StepError."""
    source, target = step.path(inputs.text("SourceFolder")), step.path(inputs.text("TargetFolder"))
    if not source.is_dir():
        raise StepError(f"Not found SourceFolder: {source}")
    files = find_files(source, inputs.text("Contents"))
    if inputs.flag("CleanTargetFolder") and target.is_dir():
        for child in target.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
    step.write(f"found {len(files)} files")
    for path in files:
        step.check()
        name = Path(path.name) if inputs.flag("flattenFolders") else path.relative_to(source)
        place = target / name
        if place.exists() and not inputs.flag("OverWrite"):
            step.write(f"File {name} already exists at target")
            continue
        step.write(f"Copying {path} to {place}")
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copy2 if inputs.flag("preserveTimestamp") else shutil.copy)(path, place)
