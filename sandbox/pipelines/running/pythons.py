"""Python interpreters of this machine: which are there, which one a version range chooses."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.running.host import Execute

MINORS = range(20, 7, -1)
COMPARATOR = re.compile(r"\s*(>=|<=|>|<|=|~|\^)?\s*v?([0-9xX*]+(?:\.[0-9xX*]+)*)\s*")
Version = tuple[int, ...]


def find_interpreter(spec: str, environment: Mapping[str, str]) -> Path | None:
    """The newest installed Python that a range allows. The one that runs this program counts as installed."""
    found: dict[Version, Path] = {}
    for path in _candidates(environment):
        version = version_of(path) if _may_be(spec, path.name) else None
        if version and allows(spec, version):
            found.setdefault(version, path)
    return found[max(found)] if found else None


def make_environment(python: Path, tools: Path, execute: Execute, environment: Mapping[str, str]) -> Path:
    """A virtual environment below a folder; gives the folder with its `python`. Raises StepError."""
    tools.mkdir(parents=True, exist_ok=True)
    place = tools / "x64"
    clean = {name: value for name, value in environment.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    code = execute([str(python), "-m", "venv", "--clear", str(place)], tools, clean)
    if code != 0:
        raise StepError(f"'{python} -m venv' exited with code {code}: no environment for the job.")
    return place / ("Scripts" if sys.platform == "win32" else "bin")


def version_of(python: Path) -> Version | None:
    """What an interpreter says of itself; None when it does not run."""
    if python.resolve() == Path(sys.executable).resolve():
        return sys.version_info[:3]
    command = [str(python), "-I", "-S", "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except OSError:
        return None
    text = done.stdout.strip()
    return tuple(int(part) for part in text.split(".")) if re.fullmatch(r"\d+\.\d+\.\d+", text) else None


def allows(spec: str, version: Version) -> bool:
    """Whether a range such as `3.x`, `3.12`, `>=3.11 <3.13` or `3.11 || 3.12` has a version in it."""
    return any(_all_hold(one, version) for one in (spec or "3.x").split("||"))


def _all_hold(text: str, version: Version) -> bool:
    parts = COMPARATOR.findall(text)
    if not parts or COMPARATOR.sub("", text).strip():
        raise StepError(
            f"The version spec '{text.strip()}' cannot be read; expected such as '3.x', '3.12' or '>=3.11'."
        )
    return all(_holds(sign, wanted, version) for sign, wanted in parts)


def _holds(sign: str, wanted: str, version: Version) -> bool:
    numbers: list[int] = []
    for part in wanted.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    given = tuple(numbers)
    same = version[: len(given)]
    if sign == ">=":
        return version >= given
    if sign == "<=":
        return same <= given
    if sign == ">":
        return same > given
    if sign == "<":
        return version < given
    if sign == "^":
        return version >= given and version[:1] == given[:1]
    if sign == "~":
        return version >= given and version[:2] == given[:2]
    return same == given


def _may_be(spec: str, name: str) -> bool:
    """Whether a file of that name is worth asking: starting an interpreter takes time."""
    named = re.fullmatch(r"python(\d+)\.(\d+)", name)
    return named is None or any(allows(spec, (int(named[1]), int(named[2]), patch)) for patch in (0, 999))


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    yield Path(sys.executable)
    path = environment.get("PATH", "")
    for name in ("python3", "python", *(f"python3.{minor}" for minor in MINORS)):
        found = shutil.which(name, path=path)
        if found:
            yield Path(found)
