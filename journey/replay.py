"""The whole workshop on a sandbox: each module's work, then its checks; the sweep, the clean-up and its proof."""

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from journey.day import LAST
from journey.git import run_git
from journey.rehearsal import Runner
from manifest import find_manifest, read_manifest

CLEAN_UP = 16
IN_THE_KIT = 2  # the last module that an attendee does in the kit's folder; after it there is a clone of their own
SWEEP = "all"


class ReplayStopped(Exception):
    """A module's work or its checks did not go well; the text says which. `code` is for the shell."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(what)
        self.code = code


@dataclass(frozen=True)
class ModuleResult:
    """One module. Seconds: `own` of the attendee's commands, `runs` that they waited for runs, `packages` of those
    that the runs spent on installing, `looking` of the checker. `passed` of `checks` checks of this module passed.
    """

    module: str
    title: str
    own: float
    runs: float
    packages: float
    looking: float
    passed: int
    checks: int


@dataclass(frozen=True)
class Place:
    """Where the attendee works: the kit's folder, later the clone; `source` is what is imported."""

    source: str
    kit: Path
    clone: Path
    scratch: Path

    def at(self, module: int) -> Path:
        return self.kit if module <= IN_THE_KIT else self.clone


def own_machine(scratch: Path, repository: Path) -> Mapping[str, str]:
    """The variables of an attendee's machine: git knows who they are, and the runtime environment is the kit's."""
    settings = scratch / "gitconfig"
    settings.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n", encoding="utf-8")
    runtime = repository / ".venv-runtime" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    return {
        "GIT_CONFIG_GLOBAL": str(settings),
        "MLOPS_CHECKER_HOME": str(scratch / "progress"),
        **({"WORKSHOP_RUNTIME": str(runtime)} if runtime.exists() else {}),
    }


def prepare(source: str, scratch: Path) -> Place:
    """The folder that an attendee begins with: a clone of the kit. Raises JourneyError."""
    kit = scratch / "kit"
    kit.mkdir()
    run_git(kit, "clone", "--quiet", source, ".")
    return Place(source, kit, scratch / "AIDevCollege", scratch)


def replay(runner: Runner, place: Place, suffix: str, last: int = LAST) -> Iterator[ModuleResult]:
    """Each module's result as it is done. Raises ReplayStopped at the first that does not go well."""
    modules = {module.id: module for module in read_manifest(find_manifest(place.kit)).modules}
    for module in range(last + 1):
        if module != CLEAN_UP:
            found = modules[f"M{module}"]
            done = _do(runner, place, module, found.title)
            yield _look(runner, place, done, place.at(module), [found.id]) if found.checks else done
    swept = [f"M{number}" for number in range(1, last + 1) if number != CLEAN_UP and modules[f"M{number}"].checks]
    if swept:
        yield _look(runner, place, ModuleResult(SWEEP, "every check again", 0, 0, 0, 0, 0, 0), place.at(last), swept)
    if last >= CLEAN_UP:
        began = time.monotonic()
        _clean_up(runner, place, suffix)
        own = time.monotonic() - began
        done = ModuleResult(f"M{CLEAN_UP}", modules[f"M{CLEAN_UP}"].title, own, 0, 0, 0, 0, 0)
        yield _look(runner, place, done, place.clone, [done.module])


def _do(runner: Runner, place: Place, module: int, title: str) -> ModuleResult:
    # What was mended in the kit's folder in module 1 goes into the clone with module 3, as the page has it.
    first = 1 if module == IN_THE_KIT + 1 else module
    timings = place.scratch / f"run-M{module}.json"
    began = time.monotonic()
    code = runner.call(
        *("journey", "run", "--from", str(first), "--to", str(module), "--source", place.source),
        *("--clone", str(place.at(module)), "--timings", str(timings)),
    )
    seconds = time.monotonic() - began
    if code:
        raise ReplayStopped(f"the work of module {module}", code)
    measured = json.loads(timings.read_text(encoding="utf-8"))
    runs, packages = float(measured["runs"]), float(measured["packages"])
    return ModuleResult(f"M{module}", title, seconds - runs, runs, packages, 0, 0, 0)


def _look(runner: Runner, place: Place, done: ModuleResult, folder: Path, wanted: Sequence[str]) -> ModuleResult:
    """The result with what its checks come to. Raises ReplayStopped, after the checker has shown why."""
    settings = ("--config", str(folder / "workshop.toml"))
    report = place.scratch / f"check-{done.module}.json"
    began = time.monotonic()
    code = runner.write(report, "checker", "check", *wanted, *settings, "--format", "json")
    seconds = time.monotonic() - began
    if code:
        runner.call("checker", "check", *wanted, *settings, "--hints", "3")
        raise ReplayStopped(f"the checks after {done.module}", code)
    passed, checks = _count(report, done.module)
    return ModuleResult(**{**asdict(done), "looking": seconds, "passed": passed, "checks": checks})


def _count(report: Path, module: str) -> tuple[int, int]:
    """How many checks of a module passed, and how many there are; of all for the sweep."""
    results = json.loads(report.read_text(encoding="utf-8"))["results"]
    outcomes = [one["outcome"] for one in results if module in (SWEEP, one["module"])]
    return outcomes.count("pass"), len(outcomes)


def _clean_up(runner: Runner, place: Place, suffix: str) -> None:
    settings = ("--config", str(place.clone / "workshop.toml"))
    certificate = place.scratch / "certificate.txt"
    for arguments in (
        ("plan", *settings),
        ("run", *settings, "--yes", suffix),
        ("verify", *settings, "--output", str(certificate)),
    ):
        if code := runner.call("checker", "cleanup", *arguments):
            raise ReplayStopped(f"checker cleanup {arguments[0]}", code)


def table(results: list[ModuleResult]) -> str:
    """The results for a person, with their sums."""
    head = f"{'':4} {'':40} {'own':>7} {'runs':>7} {'of it pip':>9} {'checks':>7} passed"
    sums = [sum(getattr(one, name) for one in results) for name in ("own", "runs", "packages", "looking")]
    total = f"{'':4} {'together':40} {sums[0]:7.1f} {sums[1]:7.1f} {sums[2]:9.1f} {sums[3]:7.1f}"
    return "\n".join([head, *map(row, results), total])


def row(one: ModuleResult) -> str:
    """One line of the table: seconds, and checks."""
    passed = f"{one.passed}/{one.checks}" if one.checks else "-"
    times = f"{one.own:7.1f} {one.runs:7.1f} {one.packages:9.1f} {one.looking:7.1f}"
    return f"{one.module:4} {one.title[:40]:40} {times} {passed}"


def document(results: list[ModuleResult], total: float) -> Mapping[str, object]:
    """The results for a program: seconds, rounded."""
    rounded = [
        {key: round(value, 2) if isinstance(value, float) else value for key, value in asdict(one).items()}
        for one in results
    ]
    return {"total": round(total, 2), "modules": rounded}
