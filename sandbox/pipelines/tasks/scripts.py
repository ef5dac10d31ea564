"""How tasks run a script: a file in Agent.TempDirectory, a shell without profiles, the exit code decides."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError

BANNER = "========================== Starting Command Output ==========================="
POWERSHELL_MISSING = (
    "'{0}' was not found on this machine's PATH: a PowerShell step needs it and is never imitated. "
    "Install PowerShell, or write the step as `bash:`."
)


def find_program(step: StepContext, name: str) -> str | None:
    """A program on the step's PATH."""
    return shutil.which(name, path=step.environment().get("PATH"))


def bash_program(step: StepContext) -> str:
    """Raises StepError when there is no bash."""
    found = find_program(step, "bash")
    if found is None:
        raise StepError("'bash' was not found on this machine's PATH: a Bash step needs it.")
    return found


def powershell_program(step: StepContext, core: bool) -> str:
    """`pwsh`, or Windows' own where that is meant. Raises StepError when there is none."""
    found = find_program(step, "pwsh") if core else find_program(step, "powershell") or find_program(step, "pwsh")
    if found is None:
        raise StepError(POWERSHELL_MISSING.format("pwsh" if core else "powershell"))
    return found


def working_directory(step: StepContext, text: str) -> Path:
    """The folder a script runs in. Raises StepError when it does not exist."""
    folder = step.path(text)
    if not folder.is_dir():
        raise StepError(f"Not found workingDirectory: {folder}")
    return folder


def script_file(step: StepContext, text: str) -> Path:
    """A script that stands in the sources. Raises StepError."""
    path = step.path(text)
    if not text or not path.is_file():
        raise StepError(f"Invalid file path '{path}': a script file was expected there.")
    return path


def run_bash(
    step: StepContext,
    script: str,
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    fail_on_error_stream: bool = False,
) -> None:
    """Run the text of a script with bash. Raises StepError when it exits with another code than 0."""
    path = step.temporary_file(".sh", script.replace("\r\n", "\n"))
    command = [bash_program(step), "--noprofile", "--norc", str(path)]
    run_command(step, command, folder, "Bash", env=env, fail_on_error_stream=fail_on_error_stream)


def run_command(
    step: StepContext,
    command: Sequence[str],
    folder: Path,
    title: str,
    *,
    env: Mapping[str, str] | None = None,
    fail_on_error_stream: bool = False,
) -> None:
    """Run a command as the step's own. Raises StepError when it exits with another code than 0."""
    step.write(BANNER, f"##[command]{' '.join(command)}")
    environment = {**step.environment(), **(env or {})}
    code = step.execute(command, folder, environment, fail_on_error_stream=fail_on_error_stream)
    if code != 0:
        raise StepError(f"{title} exited with code '{code}'.")


def calling(path: Path, arguments: str, shell: str = "bash") -> str:
    """A script that becomes another one; the arguments are the shell's to read, as the task does it."""
    quoted = str(path).replace("'", "'\"'\"'")
    return f"exec {shell} '{quoted}' {arguments}\n"
