"""UsePythonVersion@0: an installed interpreter for a version range, first on the PATH of the later steps."""

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "UsePythonVersion"
VERSIONS = ("0",)
INPUTS = (
    Input("versionSpec", default="3.x", required=True),
    Input("disableDownloadFromRegistry", default="false"),
    Input("allowUnstable", default="false"),
    Input("githubToken"),
    Input("addToPath", default="true"),
    Input("architecture", default="x64"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Nothing is downloaded: what is installed here decides."""
    version = inputs.text("versionSpec").strip()
    found = step.host.find_python(version, step.folders.pythons, step.run_agent_command)
    if found is None:
        raise StepError(
            f"Version spec {version} for architecture {inputs.text('architecture')} did not match any version in "
            "Agent.ToolsDirectory: no such Python is installed on this machine. "
            "Next: install it, or write a range such as '3.x'."
        )
    step.write(f"Found Python {version} in {found}")
    step.set_output("pythonLocation", str(found))
    if inputs.flag("addToPath"):
        step.job.prepend_path(str(found))
