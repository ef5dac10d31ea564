"""AzureCLI@1 to @3: a script with the identity of a service connection, in a configuration folder of its own."""

import shutil
from pathlib import Path

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.running.host import ServiceConnection
from sandbox.pipelines.tasks.inputs import Input, Inputs
from sandbox.pipelines.tasks.scripts import (
    calling,
    find_program,
    powershell_program,
    run_bash,
    run_command,
    script_file,
)

NAME = "AzureCLI"
VERSIONS = ("1", "2", "3")
INPUTS = (
    Input("connectionType", default="azureRM"),
    Input("connectedServiceNameARM", ("azureSubscription",)),
    Input("azureDevOpsServiceConnection"),
    Input("scriptType"),
    Input("scriptLocation", default="scriptPath"),
    Input("scriptPath"),
    Input("inlineScript", ("script",)),
    Input("scriptArguments", ("arguments", "args")),
    Input("powerShellErrorActionPreference", default="stop"),
    Input("addSpnToEnvironment", default="false"),
    Input("useGlobalConfig", default="false"),
    Input("cwd", ("workingDirectory",)),
    Input("failOnStandardError", default="false"),
    Input("powerShellIgnoreLASTEXITCODE", default="false"),
    Input("visibleAzLogin", default="true"),
    Input("keepAzSessionActive", default="false"),
    Input("allowNoSubscriptions", default="false"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Sign in, run the script, sign out. Raises StepError."""
    shell = _shell(step, inputs)
    folder = _folder(step, inputs)
    connection = _connection(step, inputs)
    env = _spn(connection) if inputs.flag("addSpnToEnvironment") else {}
    az = find_program(step, "az")
    if az is None:
        step.write(
            "##[warning]'az' is not on this machine's PATH: the script gets the connection's identity as AZURE_* "
            "variables, which the Azure SDKs read; a call of az itself fails."
        )
        _run_script(step, inputs, shell, folder, {**connection.environment, **env})
        return
    config = step.folders.temp / f".azclitask-{step.log_id}"
    if not inputs.flag("useGlobalConfig"):
        env["AZURE_CONFIG_DIR"] = str(config)
    try:
        _sign_in(step, az, connection, env)
        _run_script(step, inputs, shell, folder, env)
    finally:
        shutil.rmtree(config, ignore_errors=True)  # signing out: nothing of the session is left


def _shell(step: StepContext, inputs: Inputs) -> str:
    if step.step.task and step.step.task.version == "1":
        step.write("##[warning]AzureCLI@1 is deprecated: write AzureCLI@2 with `scriptType: bash`.")
        return "bash"
    return inputs.choice("scriptType", "bash", "pscore", "ps", "batch")


def _folder(step: StepContext, inputs: Inputs) -> Path:
    """The working directory, which this task makes when it is not there."""
    first = step.step.task is not None and step.step.task.version == "1"
    if first and not inputs.text("cwd") and inputs.text("scriptLocation").lower() == "scriptpath":
        return script_file(step, inputs.text("scriptPath")).parent
    folder = step.path(inputs.text("cwd"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _connection(step: StepContext, inputs: Inputs) -> ServiceConnection:
    if inputs.choice("connectionType", "azureRM", "azureDevOps") == "azureDevOps":
        raise StepError("AzureCLI with connectionType azureDevOps is not rehearsed here; azureRM is.")
    name = inputs.text("connectedServiceNameARM")
    if not name:
        raise StepError("Input required: connectedServiceNameARM (azureSubscription)")
    found = step.host.service_connection(name)
    if found is None:
        raise StepError(
            f"The service connection '{name}' was not found, or this pipeline may not use it. "
            "Look at the project's service connections for the exact name."
        )
    for secret in (*found.secrets, found.service_principal_key, found.id_token):
        step.job.add_secret(secret)
    return found


def _spn(connection: ServiceConnection) -> dict[str, str]:
    found = {"servicePrincipalId": connection.service_principal_id, "tenantId": connection.tenant_id}
    if connection.id_token:
        return {**found, "idToken": connection.id_token}
    return {**found, "servicePrincipalKey": connection.service_principal_key}


def _sign_in(step: StepContext, az: str, connection: ServiceConnection, env: dict[str, str]) -> None:
    environment = {**step.environment(), **env}
    for arguments in connection.login:
        step.write(f"##[command]az {' '.join(arguments)}")
        code = step.execute([az, *arguments], step.folders.temp, environment)
        if code != 0:
            raise StepError(f"Azure login failed: az {arguments[0]} exited with code '{code}'.")


def _run_script(step: StepContext, inputs: Inputs, shell: str, folder: Path, env: dict[str, str]) -> None:
    inline = inputs.choice("scriptLocation", "scriptPath", "inlineScript") == "inlineScript"
    strict = inputs.flag("failOnStandardError")
    arguments = inputs.text("scriptArguments")
    if shell == "batch":
        raise StepError("AzureCLI with scriptType batch runs on Windows agents only; write scriptType: bash.")
    if shell == "bash":
        path = (
            step.temporary_file(".sh", inputs.text("inlineScript").replace("\r\n", "\n"))
            if inline
            else script_file(step, inputs.text("scriptPath"))
        )
        run_bash(step, calling(path, arguments), folder, env=env, fail_on_error_stream=strict)
        return
    body = inputs.text("inlineScript") if inline else script_file(step, inputs.text("scriptPath")).read_text("utf-8")
    preference = inputs.choice("powerShellErrorActionPreference", "stop", "continue", "silentlyContinue")
    path = step.temporary_file(".ps1", f"$ErrorActionPreference = '{preference}'\n{body}")
    program = powershell_program(step, shell == "pscore")
    command = [program, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", f". '{path}' {arguments}"]
    run_command(step, command, folder, "PowerShell", env=env, fail_on_error_stream=strict)
