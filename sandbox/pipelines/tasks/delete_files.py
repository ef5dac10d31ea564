"""DeleteFiles@1: what the pattern lines choose, files and folders."""

import shutil

from sandbox.pipelines.patterns import matches
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "DeleteFiles"
VERSIONS = ("1",)
INPUTS = (
    Input("SourceFolder"),
    Input("Contents", default="myFileShare"),  # the manifest's own default
    Input("RemoveSourceFolder", default="false"),
    Input("RemoveDotFiles", default="false"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """A folder that is not there is no failure."""
    source = step.path(inputs.text("SourceFolder"))
    if not source.is_dir():
        step.write(f"There is no folder '{source}': nothing to delete.")
        return
    patterns = inputs.text("Contents").splitlines()
    count = 0
    for path in sorted(source.rglob("*"), reverse=True):
        relative = path.relative_to(source).as_posix()
        hidden = any(part.startswith(".") for part in relative.split("/"))
        if matches(relative, patterns) and (inputs.flag("RemoveDotFiles") or not hidden):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            count += 1
    if inputs.flag("RemoveSourceFolder"):
        shutil.rmtree(source)
    step.write(f"Deleted {count} files and folders below {source}")
