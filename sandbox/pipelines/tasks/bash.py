"""Bash@3: an inline script or a file, run by bash without profiles."""

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.tasks.inputs import Input, Inputs
from sandbox.pipelines.tasks.scripts import calling, run_bash, script_file, working_directory

NAME = "Bash"
VERSIONS = ("3",)
INPUTS = (
    Input("targetType", default="filePath"),
    Input("filePath"),
    Input("arguments"),
    Input("script"),
    Input("workingDirectory"),
    Input("failOnStderr", default="false"),
    Input("bashEnvValue"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """A file is found relative to the sources, also with a working directory of its own."""
    folder = working_directory(step, inputs.text("workingDirectory"))
    if inputs.choice("targetType", "filePath", "inline") == "inline":
        script = inputs.text("script")
    else:
        script = calling(script_file(step, inputs.text("filePath")), inputs.text("arguments"))
    env = {"BASH_ENV": inputs.text("bashEnvValue")} if inputs.text("bashEnvValue") else {}
    run_bash(step, script, folder, env=env, fail_on_error_stream=inputs.flag("failOnStderr"))
