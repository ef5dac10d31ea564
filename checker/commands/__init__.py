"""The commands, one module each; `register` adds them to the command line."""

from typing import Protocol

import typer

from checker.commands import bundle, catalogue, check, classroom, cleanup, doctor, hint, labs, progress, quiz


class Command(Protocol):
    """A module of this package."""

    def register(self, app: typer.Typer) -> None:
        """Add the command, or commands, to the command line."""


COMMANDS: tuple[Command, ...] = (check, doctor, hint, progress, quiz, bundle, catalogue, labs, cleanup, classroom)
