"""The runtime environment: the Python that jobs and model servers run in, kept apart from the sandbox's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

from sandbox.compute.errors import RuntimeNotUsableError

LOOPBACK_FOLDER = Path(__file__).resolve().parent / "loopback"

# Thread pools of the numeric libraries: the person at the keyboard limits them, so the limit has to reach the children.
PASSED_PREFIXES = ("OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_")
PASSED_NAMES = ("TZ", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "WINDIR", "NUMBER_OF_PROCESSORS")

INVENTORY = (
    "import json, platform, importlib.metadata as m;"
    "print(json.dumps([platform.python_version(), [[d.metadata['Name'], d.version] for d in m.distributions()]]))"
)
INVENTORY_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Inventory:
    """What an environment holds: its Python's version, and canonical distribution name -> version."""

    python_version: str
    distributions: Mapping[str, str]


@dataclass(frozen=True)
class Runtime:
    """An environment children run in, named by its Python's path (not resolved: a link is what makes it a venv)."""

    python: Path

    @property
    def bin(self) -> Path:
        """The folder of its programs: `bin`, or `Scripts` on Windows."""
        return self.python.parent

    @cached_property
    def inventory(self) -> Inventory:
        """What is installed, asked once. Raises `RuntimeNotUsableError` when the Python cannot be asked."""
        return read_inventory(self.python)

    def environment(self, home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a child: nothing of the server's own but what any program needs, then `extra`.

        HOME and TMPDIR lie in `home`, which is made. Its programs come first on PATH, before `extra`'s PATH if there is
        one; the loopback guard comes first on PYTHONPATH.
        """
        wanted = dict(extra or {})
        temporary = home / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        base = {
            **passed_variables(os.environ),
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
            **dict.fromkeys(("HOME", "USERPROFILE"), str(home)),
            "LANG": "C.UTF-8",
            "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1",
            "VIRTUAL_ENV": str(self.bin.parent),
        }
        path = joined(str(self.bin), wanted.pop("PATH", "") or system_path())
        python_path = joined(str(LOOPBACK_FOLDER), wanted.pop("PYTHONPATH", ""))
        return {**base, **wanted, "PATH": path, "PYTHONPATH": python_path}


def joined(*entries: str) -> str:
    """A search path of the entries that are not empty."""
    return os.pathsep.join(entry for entry in entries if entry)


def system_path() -> str:
    """Where the operating system keeps its own programs (a shell, `cp`), without what the user added."""
    if sys.platform == "win32":
        root = os.environ.get("SYSTEMROOT", r"C:\Windows")
        return joined(root + r"\System32", root)
    return "/usr/local/bin:/usr/bin:/bin"


def passed_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Those of the server's variables that a child gets too."""
    return {
        name: value
        for name, value in environment.items()
        if name.upper() in PASSED_NAMES or name.upper().startswith(PASSED_PREFIXES)
    }


def read_inventory(python: Path) -> Inventory:
    """Ask a Python for its version and its installed distributions; nothing of them is imported."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", INVENTORY],
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=INVENTORY_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeNotUsableError(f"The runtime's Python {python} does not answer: {error}") from error
    version, pairs = json.loads(done.stdout)
    return Inventory(version, {canonicalize_name(name): found for name, found in pairs if name})
