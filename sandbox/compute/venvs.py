"""Really building an environment: a venv filled by pip, kept by the hash of what was asked for."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from sandbox.compute.environments import INSTALLERS, CondaPackage, Requirements
from sandbox.compute.errors import EnvironmentBuildError, RuntimeNotUsableError
from sandbox.compute.folders import log_tail, remove_folder
from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Runtime

KEPT_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HOME", "USERPROFILE")
FAILURE_LINES = 15


def build(requirements: Requirements, folder: Path, log: Path, *, base: Runtime, processes: Processes) -> Runtime:
    """The environment that holds what is asked for, made once and then found again below `folder`.

    pip's output is appended to `log`. Raises `EnvironmentBuildError` with the log's last lines when something cannot be
    installed, and when no Python of the wanted version is on this machine.
    """
    python = python_for(requirements.python, base)
    wanted = pip_lines(requirements)
    key = content_key(wanted, python)
    kept = existing(folder, key)
    return kept or _make(folder, key, python, wanted, log, base, processes)


def pip_lines(requirements: Requirements) -> list[str]:
    """What pip is asked for, conda packages by their own names. Raises for a line that names nothing to install."""
    if requirements.unchecked:
        raise EnvironmentBuildError(f"{requirements.unchecked[0]!r} cannot be installed here: name distributions only.")
    conda = [package for package in requirements.conda if package.name not in INSTALLERS]
    return sorted({*map(_conda_line, conda), *map(str, requirements.pip)})


def _conda_line(package: CondaPackage) -> str:
    return f"{package.name}{package.pin}"


def python_for(condition: str, base: Runtime) -> Path:
    """A Python that satisfies the condition: the runtime's own, or `python3.N` on the PATH."""
    own = base.inventory.python_version
    specifier = SpecifierSet(condition)
    if specifier.contains(Version(own), prereleases=True):
        return base.python
    for minor in range(20, 7, -1):
        found = shutil.which(f"python3.{minor}")
        if found and _satisfies(Path(found), specifier):
            return Path(found)
    raise EnvironmentBuildError(f"Python {condition} is asked for; only Python {own} was found on this machine.")


def _satisfies(python: Path, condition: SpecifierSet) -> bool:
    try:
        return condition.contains(Version(Runtime(python).inventory.python_version))
    except RuntimeNotUsableError:
        return False  # a version manager's stub for a Python that is not installed


def content_key(lines: Sequence[str], python: Path) -> str:
    """The same for the same packages, Python and machine type."""
    version = Runtime(python).inventory.python_version
    text = json.dumps([list(lines), version, sys.platform, platform.machine()])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def existing(folder: Path, key: str) -> Runtime | None:
    """The finished environment of that key, if there is one."""
    pointer = folder / f"{key}.json"
    if not pointer.is_file():
        return None
    python = Path(folder, *json.loads(pointer.read_text(encoding="utf-8"))["python"])
    return Runtime(python) if python.exists() else None


def _make(
    folder: Path, key: str, python: Path, wanted: Sequence[str], log: Path, base: Runtime, processes: Processes
) -> Runtime:
    # A venv cannot be renamed: its programs carry its absolute path. So it is built under its last name, which nobody
    # knows until the pointer to it appears, and that is what is renamed into place.
    venv = folder / f"{key}-{secrets.token_hex(4)}"
    try:
        runtime = _fill(venv, python, wanted, log, base, processes)
    except BaseException:
        remove_folder(venv)
        raise
    pointer = folder / f"{venv.name}.writing"
    pointer.write_text(json.dumps({"python": runtime.python.relative_to(folder).parts}), encoding="utf-8")
    pointer.replace(folder / f"{key}.json")
    return runtime


def _fill(venv: Path, python: Path, wanted: Sequence[str], log: Path, base: Runtime, processes: Processes) -> Runtime:
    venv.mkdir(parents=True)
    environment = base.environment(venv / "home", builder_variables())
    made = Runtime(venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    listed = venv / "requirements.txt"
    listed.write_text("".join(f"{line}\n" for line in wanted), encoding="utf-8")
    commands = [[str(python), "-m", "venv", str(venv)]]
    if wanted:
        commands.append([str(made.python), "-m", "pip", "install", "--no-input", "-r", str(listed)])
    for command in commands:
        process = processes.start("environment", command, cwd=venv, env=environment, log=log)
        if process.wait() != 0:
            tail = log_tail(log, FAILURE_LINES)
            raise EnvironmentBuildError(f"The environment cannot be built. The last lines of the log:\n{tail}")
    return made


def builder_variables() -> dict[str, str]:
    """What pip needs to know of this machine: its proxy, its settings and the home folder with its configuration."""
    return {
        name: value for name, value in os.environ.items() if name.upper() in KEPT_VARIABLES or name.startswith("PIP_")
    }
