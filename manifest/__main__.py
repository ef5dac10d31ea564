"""The command line of the manifest: `python -m manifest write`, `check` or `solution-branch`."""

import argparse
from pathlib import Path

import typer

from manifest.branch import BRANCH, write_solution_branch
from manifest.errors import ManifestError
from manifest.labs import find_out_of_step, find_strangers, wanted_files, write_labs
from manifest.reading import find_manifest

COMMANDS = {
    "write": "write labs/ and azure-pipelines.yml, cut from solution/",
    "check": "name the files that are not what `write` would write; exit code 1 when there is one",
    "solution-branch": f"make or move the branch {BRANCH}: the last commit with every module solved",
}


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. 0 done, 1 out of step, 2 the manifest or a marker is wrong: the message has the line."""
    parser = argparse.ArgumentParser(prog="python -m manifest", description="The workshop's files, from one source.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, description=text)
    parser.add_argument("--root", type=Path, default=Path(), help="a folder of the repository (the current one)")
    options = parser.parse_args(arguments)
    try:
        return _run(options.command, find_manifest(options.root).parents[1])
    except ManifestError as problem:
        typer.echo(problem, err=True)
        return 2


def _run(command: str, root: Path) -> int:
    if command == "write":
        changed = write_labs(root)
        typer.echo("\n".join(str(path.relative_to(root)) for path in changed) or "nothing to change")
        return 0
    if command == "solution-branch":
        typer.echo(f"{BRANCH} {write_solution_branch(root)}")
        return 0
    wrong = [f"{name}: not what solution/ and labs/labs.toml give; run: make labs" for name in find_out_of_step(root)]
    if wrong := wrong + find_strangers(root):
        typer.echo("\n".join(wrong))
        return 1
    typer.echo(f"{len(wanted_files(root))} files are in step")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
