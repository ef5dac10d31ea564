"""PythonScript@0: a Python file or text, run by the Python on the PATH."""

import shlex

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.inputs import Input, Inputs
from sandbox.pipelines.tasks.scripts import find_program, run_command, script_file, working_directory

NAME = "PythonScript"
VERSIONS = ("0",)
INPUTS = (
    Input("scriptSource", default="filePath"),
    Input("scriptPath"),
    Input("script"),
    Input("arguments"),
    Input("pythonInterpreter"),
    Input("workingDirectory"),
    Input("failOnStderr", default="false"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    if inputs.choice("scriptSource", "filePath", "inline") == "inline":
        path = step.temporary_file(".py", inputs.text("script"))
    else:
        path = script_file(step, inputs.text("scriptPath"))
    python = inputs.text("pythonInterpreter") or find_program(step, "python") or find_program(step, "python3")
    if not python:
        raise StepError("No 'python' was found on the PATH: put UsePythonVersion@0 before this step.")
    command = [python, str(path), *shlex.split(inputs.text("arguments"))]
    folder = working_directory(step, inputs.text("workingDirectory"))
    run_command(step, command, folder, "Python", fail_on_error_stream=inputs.flag("failOnStderr"))
