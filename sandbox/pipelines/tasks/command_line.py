"""CmdLine@2, what `script:` stands for: bash, on Windows cmd."""

import sys

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.tasks.inputs import Input, Inputs
from sandbox.pipelines.tasks.scripts import run_bash, run_command, working_directory

NAME = "CmdLine"
VERSIONS = ("2",)
INPUTS = (Input("script"), Input("workingDirectory"), Input("failOnStderr", default="false"))


def run(step: StepContext, inputs: Inputs) -> None:
    folder = working_directory(step, inputs.text("workingDirectory"))
    strict = inputs.flag("failOnStderr")
    if sys.platform != "win32":
        run_bash(step, inputs.text("script"), folder, fail_on_error_stream=strict)
        return
    path = step.temporary_file(".cmd", "@echo off\r\n" + inputs.text("script"))
    command = ["cmd.exe", "/D", "/E:ON", "/V:OFF", "/S", "/C", f'CALL "{path}"']
    run_command(step, command, folder, "Cmd.exe", fail_on_error_stream=strict)
