"""PowerShell@2, what `pwsh:` and `powershell:` stand for. Without PowerShell on the machine it fails, saying so."""

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.tasks.inputs import Input, Inputs
from sandbox.pipelines.tasks.scripts import powershell_program, run_command, script_file, working_directory

NAME = "PowerShell"
VERSIONS = ("2",)
INPUTS = (
    Input("targetType", default="filePath"),
    Input("filePath"),
    Input("arguments"),
    Input("script"),
    Input("errorActionPreference", default="stop"),
    Input("failOnStderr", default="false"),
    Input("ignoreLASTEXITCODE", default="false"),
    Input("showWarnings", default="false"),
    Input("pwsh", default="false"),
    Input("workingDirectory"),
)
PREFERENCES = ("stop", "continue", "silentlyContinue")
LAST_EXIT_CODE = "if ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }"


def run(step: StepContext, inputs: Inputs) -> None:
    program = powershell_program(step, inputs.flag("pwsh"))
    folder = working_directory(step, inputs.text("workingDirectory"))
    if inputs.choice("targetType", "filePath", "inline") == "inline":
        body = inputs.text("script")
    else:
        path = str(script_file(step, inputs.text("filePath"))).replace("'", "''")
        body = f". '{path}' {inputs.text('arguments')}"
    preference = inputs.choice("errorActionPreference", *PREFERENCES)
    lines = [f"$ErrorActionPreference = '{preference}'", body]
    if not inputs.flag("ignoreLASTEXITCODE"):
        lines.append(LAST_EXIT_CODE)
    file = step.temporary_file(".ps1", "\n".join(lines))
    command = [program, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", f". '{file}'"]
    run_command(step, command, folder, "PowerShell", fail_on_error_stream=inputs.flag("failOnStderr"))
