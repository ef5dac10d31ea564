"""Python interpreters of this machine: which are there, which one a version range chooses."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.running.host import Execute

WINDOWS = sys.platform == "win32"
COMPLETE = "x64.complete"  # the mark of Azure's own tool cache
MINORS = range(20, 7, -1)
COMPARATOR = re.compile(r"\s*(>=|<=|>|<|=|~|\^)?\s*v?([0-9xX*]+(?:\.[0-9xX*]+)*)\s*")
Version = tuple[int, ...]


def find_interpreter(spec: str, environment: Mapping[str, str]) -> Path | None:
    """The newest installed Python that a range allows. The one that runs this program counts as installed."""
    best: tuple[Version, Path] | None = None
    for path in _candidates(environment):
        version = version_of(path) if _may_be(spec, path.name, best[0] if best else ()) else None
        if version and allows(spec, version) and (best is None or version > best[0]):
            best = (version, path)
    return best[1] if best else None


def make_environment(python: Path, tools: Path, execute: Execute, environment: Mapping[str, str]) -> Path:
    """A virtual environment with pip below a folder; gives the folder with its `python`. Raises StepError.

    One that is there and complete is used again: an agent that keeps its tools keeps what was installed into them.
    """
    version = ".".join(map(str, version_of(python) or ()))
    place, complete = tools / version / "x64", tools / version / COMPLETE
    programs = place / ("Scripts" if WINDOWS else "bin")
    if complete.exists():
        return programs
    tools = place.parent
    tools.mkdir(parents=True, exist_ok=True)
    clean = {name: value for name, value in environment.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    wheel = None if WINDOWS else bundled_pip(python)
    command = [str(python), "-m", "venv", "--clear", *(["--without-pip"] if wheel else []), str(place)]
    code = execute(command, tools, clean)
    if code != 0:
        raise StepError(f"'{python} -m venv' exited with code {code}: no environment for the job.")
    if wheel:
        _unpack_pip(wheel, place)
    complete.touch()
    return programs


def distrust_environments(tools: Path) -> None:
    """Have the environments below a folder made anew: a job that was cut short may have left one half-installed."""
    for complete in tools.glob(f"*/{COMPLETE}"):
        complete.unlink()


def bundled_pip(python: Path) -> Path | None:
    """The wheel of pip that comes with an interpreter; some distributions keep it elsewhere."""
    program = (
        "import ensurepip, pathlib; print(*(pathlib.Path(ensurepip.__file__).parent / '_bundled').glob('pip-*.whl'))"
    )
    done = subprocess.run(
        [str(python), "-I", "-S", "-c", program], capture_output=True, text=True, check=False, timeout=20
    )
    path = done.stdout.strip()
    return Path(path) if path.endswith(".whl") and Path(path).is_file() else None


def _unpack_pip(wheel: Path, place: Path) -> None:
    """What `ensurepip` comes to, without starting pip twice: that takes seconds in every job. A wheel of pure Python
    is installed by being unpacked; its command is one line."""
    site = next((place / "lib").glob("python*/site-packages"))
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    for name in ("pip", "pip3"):
        script = place / "bin" / name
        script.write_text(
            f"#!{place}/bin/python\nimport sys\nfrom pip._internal.cli.main import main\n\nsys.exit(main())\n"
        )
        script.chmod(0o755)


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


def _may_be(spec: str, name: str, best: Version) -> bool:
    """Whether a file of that name is worth asking, since starting an interpreter takes time: it may be in the range,
    and newer than the best one so far."""
    named = re.fullmatch(r"python(\d+)\.(\d+)", name)
    if named is None:
        return True
    minor = (int(named[1]), int(named[2]))
    return minor >= best[:2] and any(allows(spec, (*minor, patch)) for patch in (0, 999))


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    yield Path(sys.executable)
    path = environment.get("PATH", "")
    for name in (*(f"python3.{minor}" for minor in MINORS), "python3", "python"):
        found = shutil.which(name, path=path)
        if found:
            yield Path(found)
