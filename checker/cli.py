"""The command line's root: the commands, and the one place where an ending becomes an exit code.

0    all checks passed
1    something failed
2    usage or configuration
3    something could not be checked, or not yet: unknown, waiting, a defect of the checker
130  interrupted
"""

import sys
from typing import Annotated

import typer

from checker.commands import COMMANDS
from checker.console import write, write_problem
from checker.endings import exit_code_of
from checker.errors import CheckerError
from checker.settings import ConfigurationError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
for command in COMMANDS:
    command.register(app)


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        app()
    except (CheckerError, ConfigurationError) as problem:
        write_problem(problem)
        sys.exit(exit_code_of(problem))


def _version(asked: bool) -> None:
    from checker import VERSION

    if asked:
        write(f"checker {VERSION}\n")
        raise typer.Exit


@app.callback()
def checker(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Verify the work of an attendee of MLOps on Azure."""
    del version  # its callback has done the work
