"""What the checks of this machine share: the clone, an interpreter for its scripts, and its tests, run in a copy."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from checker.checks.judgement import quote
from checker.clone.folder import Folder
from checker.clone.interpreters import find_interpreter, pytest_candidates, runtime_candidates
from checker.clone.processes import Ended, Processes
from checker.context import CheckContext
from checker.errors import AccessError
from checker.model import Fail, failed

SCIENCE = ("sklearn", "mlflow")
SERVING = ("sklearn", "azureml_inference_server_http")
TESTING = ("pytest", "requests")
TEST_SECONDS = 120
GREEN, RED = 0, 1  # pytest's exit codes; 5 is "no tests", the others are its own troubles
T = TypeVar("T")
R = TypeVar("R")
DRIVERS = Path(__file__).resolve().parents[1] / "clone" / "drivers"


@dataclass(frozen=True)
class TestRun:
    """What pytest said: its exit code (None when its time was up) and what it printed."""

    __test__ = False  # pytest would take it for a class of tests

    code: int | None
    output: str

    @property
    def first_problem(self) -> str:
        """The first line of pytest's summary that names a test, else the last line."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        named = (line for line in lines if line.startswith(("FAILED", "ERROR", "E  ")))
        return quote(next(named, lines[-1] if lines else "no output"))


def clone(context: CheckContext) -> Folder:
    """The learner's clone: the folder of workshop.toml."""
    return Folder(context.settings.file.resolve().parent)


def processes(context: CheckContext) -> Processes:
    """The children of this run."""
    return context.once("processes", Processes)


@contextlib.contextmanager
def scratch(context: CheckContext) -> Iterator[Path]:
    """A copy of the labs and of workshop.toml in a folder of its own, gone afterwards: scripts run there."""
    with processes(context).folder() as copy:
        clone(context).copy_to(copy)
        yield copy


def side_by_side(work: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """What `work` gives for each thing, in their order; what it raises, raised here.

    The threads are daemons, not an executor's: an executor is joined at exit, and Ctrl-C would wait for it.
    """
    futures: list[Future[R]] = [Future() for _ in things]

    def run(thing: T, future: Future[R]) -> None:
        try:
            future.set_result(work(thing))
        except BaseException as problem:  # noqa: BLE001  (handed to whoever waits, who would wait for ever)
            future.set_exception(problem)

    for thing, future in zip(things, futures, strict=True):
        threading.Thread(target=run, args=(thing, future), daemon=True).start()
    return [future.result() for future in futures]


def runtime(context: CheckContext, modules: Sequence[str]) -> Path:
    """The interpreter for the learner's scripts. Raises AccessError when none has the modules."""
    root = clone(context).root
    candidates = runtime_candidates(context.settings.runtime, root)
    found = context.once(("runtime", *modules), lambda: find_interpreter(processes(context), candidates, modules, root))
    return Path(found)


def source(context: CheckContext, name: str, *hints: str) -> str:
    """A file of the clone. Raises Fail when it is not there, AccessError when it cannot be read."""
    folder = clone(context)
    try:
        found = folder.read(name)
    except (OSError, UnicodeDecodeError) as problem:
        raise AccessError(name, str(problem), "a file of UTF-8 text that you may read", (f"open {name}",)) from problem
    if found is None:
        raise absent(folder, name, *hints)
    return found


def absent(folder: Folder, name: str, *hints: str) -> Fail:
    """A Fail to raise because the clone has no such file."""
    beneath = name.rpartition("/")[0]
    present = ", ".join(folder.names(beneath)[:6]) or "no file"
    return failed(
        f"there is no `{name}` in your clone; in {beneath or 'its folder'}/ there is {quote(present)}",
        f"`{name}`, at its place",
        *(hints or ("The checks look in the folder of workshop.toml: is that the clone that you work in?",)),
        commands=("git status",),
    )


def run_driver(context: CheckContext, interpreter: Path, name: str, arguments: Sequence[str], where: Path) -> Ended:
    """Run one of the checker's drivers with the runtime's interpreter. Raises AccessError when it cannot start."""
    command = [str(interpreter), str(DRIVERS / name), *arguments]
    try:
        return processes(context).run(command, where, TEST_SECONDS)
    except OSError as problem:
        raise AccessError(str(interpreter), str(problem), "an interpreter that starts", ("make runtime",)) from problem


def run_tests(context: CheckContext, tests: str, copy: Path, variables: Mapping[str, str]) -> TestRun:
    """Run the learner's tests, a folder of the copy, with pytest. Raises AccessError where there is no pytest."""
    root = clone(context).root
    candidates = pytest_candidates(context.settings.runtime, root)
    interpreter = context.once(
        ("pytest", *TESTING), lambda: find_interpreter(processes(context), candidates, TESTING, root)
    )
    command = [str(interpreter), "-m", "pytest", tests, "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    ended = processes(context).run([*command, "--rootdir", str(copy)], copy, TEST_SECONDS, variables)
    return TestRun(ended.code, ended.output)
