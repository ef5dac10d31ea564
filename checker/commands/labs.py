"""`checker diff` and `checker reset`: the learner's project beside the solution, and back to a module's start."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checker.console import write
from checker.endings import FAILED, PASSED
from checker.errors import CheckerError, UsageError
from checker.options import Config, FormatOption
from checker.settings import find_file

if TYPE_CHECKING:
    from manifest import Difference, Manifest, Module

FORMAT = "mlops-workshop-diff"
VERSION = 1
REASON_WIDTH = 110


def register(app: typer.Typer) -> None:
    """Add `diff` and `reset`."""
    app.command("diff")(diff)
    app.command("reset")(reset)


def diff(
    module: Annotated[str | None, typer.Argument(metavar="[MODULE]", help="As M7; all without.")] = None,
    form: FormatOption = "terminal",
    config: Config = None,
    patch: Annotated[bool, typer.Option("--patch", help="Only the lines that `git apply` takes.")] = False,
) -> None:
    """Show where your project is not the solution's, module by module, and why the solution does it so.

    Yours may be better: the checks decide what works. It ends with 0, however much differs.
    """
    with _told():
        from manifest import difference

        root, manifest = _clone(config)
        modules = [_module(manifest, module)] if module else list(manifest.modules)
        found = [(one, difference(root, one.id)) for one in modules]
    if form == "json":
        write(json.dumps(_document(found), indent=2) + "\n")
    elif form != "terminal":
        raise UsageError(f"--format {form}", "there is no such format", "terminal or json", ("checker diff",))
    elif patch:
        write("".join(f"{line}\n" for _, differences in found for one in differences for line in one.lines))
    else:
        write("\n".join(line for one, differences in found for line in _shown(one, differences)) + "\n")


def reset(
    module: Annotated[str, typer.Argument(help="As M7.")],
    config: Config = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Files without the module's markers are written new, as they were at first.")
    ] = False,
) -> None:
    """Put a module's starter text back between its markers; everything else stays as you have it.

    Before that, all that lies in the clone, committed or not, is kept as a branch backup/<module>-<time>.
    """
    with _told():
        from checker.clone.backup import back_up
        from manifest import restore, starter

        root, manifest = _clone(config)
        found = _module(manifest, module)
        if not any(region.module == found.id for region in manifest.regions):
            write(f"{found.id} {found.title}: no file of yours is worked on in it; nothing to reset\n")
            raise typer.Exit(PASSED)
        if not yes:
            _ask(found, manifest)
        branch = back_up(root, found.id.lower())
        filling = starter(root, [found.id])
        files = sorted({one.file for one in filling.unmarked}) if whole else []
        written = [*filling.written, *(restore(root, file, ()) for file in files)]
    for path in written:
        write(f"  {path.relative_to(root).as_posix()}\n")
    write(f"{len(written)} files written; everything before is kept: git diff {branch}\n")
    left = [one for one in filling.unmarked if one.file not in files]
    for one in left:
        write(
            f"{one.seen}: nothing was changed there; checker reset {found.id} --whole writes that file new\n",
            sys.stderr,
        )
    raise typer.Exit(FAILED if left else PASSED)


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with a clone's manifest or markers, told as everything else."""
    from manifest import ManifestError, RegionError

    try:
        yield
    except ManifestError as problem:
        place = f"{problem.path}, line {problem.line}" if problem.line else str(problem.path)
        raise CheckerError(place, problem.seen, problem.expected, ("git status", "git checkout -- labs")) from problem
    except RegionError as problem:
        where = f"a file of labs/, line {problem.line}" if problem.line else "a file of labs/"
        raise CheckerError(where, problem.seen, problem.expected, ("git status", "git diff")) from problem


def _clone(config: Path | None) -> "tuple[Path, Manifest]":
    """The clone that workshop.toml lies in, and what its manifest says. Raises ConfigurationError, ManifestError."""
    from manifest import find_manifest, read_manifest

    file = find_manifest((config or find_file(Path.cwd())).absolute().parent)
    return file.parents[1], read_manifest(file)


def _module(manifest: "Manifest", word: str) -> "Module":
    found = manifest.module(word.upper())
    if found is None:
        known = ", ".join(one.id for one in manifest.modules)
        raise UsageError(f"`{word}`", "there is no such module", f"one of {known}", ("checker diff",))
    return found


def _document(found: "list[tuple[Module, tuple[Difference, ...]]]") -> object:
    modules = [{"id": one.id, "title": one.title, "differences": list(map(asdict, known))} for one, known in found]
    return {"format": FORMAT, "version": VERSION, "modules": modules}


def _shown(module: "Module", differences: "tuple[Difference, ...]") -> Iterator[str]:
    import textwrap

    many = "as the solution" if not differences else f"{len(differences)} differences"
    yield f"{module.id} {module.title}: {'1 difference' if len(differences) == 1 else many}"
    for one in differences:
        yield f"  {one.file}{f', {one.region}' if one.region else ''}"
        yield from textwrap.wrap(f"why: {one.reason}", REASON_WIDTH, initial_indent="  ", subsequent_indent="       ")
        yield from (f"    {line}" for line in one.lines)
        yield ""


def _ask(module: "Module", manifest: "Manifest") -> None:
    """Raises CheckerError unless the person says yes."""
    files = sorted({file.labs for file in manifest.files_of(module.id)})
    write(f"{module.id} {module.title}: its starter text comes back in\n")
    write("".join(f"  {name}\n" for name in files))
    write("What you have now is kept as a branch first. Go on? Type yes: ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError(
            "the question",
            "it was not answered with yes",
            "yes; nothing was changed",
            (f"checker reset {module.id} --yes",),
        )
