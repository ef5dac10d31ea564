"""Which Python runs the learner's scripts: the one that has the packages they import."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from checker.clone.processes import Processes
from checker.errors import AccessError
from checker.settings import RUNTIME_VARIABLE

RUNTIME_FOLDER = ".venv-runtime"
KIT = Path(__file__).resolve().parents[2]
ASK = (
    "import importlib.util, sys; "
    "print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name) is None)); print('asked')"
)
ASK_SECONDS = 60


def runtime_candidates(chosen: Path | None, clone: Path) -> Iterator[Path]:
    """Where the runtime's interpreter may be: the chosen one and no other, else `.venv-runtime`, else this one."""
    if chosen is not None:
        yield chosen
        return
    for folder in dict.fromkeys((KIT, clone)):
        yield from (folder / RUNTIME_FOLDER / "bin" / "python", folder / RUNTIME_FOLDER / "Scripts" / "python.exe")
    yield Path(sys.executable)


def pytest_candidates(chosen: Path | None, clone: Path) -> Iterator[Path]:
    """Where pytest may be: beside the checker, else in an environment of the clone, else in the runtime."""
    yield Path(sys.executable)
    yield from (clone / ".venv" / "bin" / "python", clone / ".venv" / "Scripts" / "python.exe")
    yield from runtime_candidates(chosen, clone)


def find_interpreter(processes: Processes, candidates: Iterable[Path], modules: Sequence[str], clone: Path) -> Path:
    """The first interpreter that has all modules. Raises AccessError: without one nothing is known about the work."""
    looked_at = []
    for candidate in candidates:
        if not candidate.is_file():
            continue
        lacking = _lacking(processes, candidate, modules, clone)
        if not lacking:
            return candidate
        looked_at.append(f"{candidate} lacks {', '.join(lacking)}")
    raise AccessError(
        f"a Python with {', '.join(modules)}",
        "; ".join(looked_at) or "there is no such interpreter",
        f"the runtime environment of the kit, or {RUNTIME_VARIABLE} with the path of a Python that has them",
        ("make runtime", f"export {RUNTIME_VARIABLE}=<path of its python>"),
    )


def _lacking(processes: Processes, interpreter: Path, modules: Sequence[str], clone: Path) -> list[str]:
    """The modules that an interpreter lacks. One that does not answer lacks itself."""
    try:
        ended = processes.run([str(interpreter), "-I", "-c", ASK, *modules], clone, ASK_SECONDS)
    except OSError as problem:
        return [f"an interpreter ({problem.strerror})"]
    lines = ended.output.splitlines()
    return lines[0].split() if ended.code == 0 and lines[-1:] == ["asked"] else ["an interpreter that answers"]
