"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

FormatOption = Annotated[str, typer.Option("--format", help="terminal or json.")]
ReportFormat = Annotated[str, typer.Option("--format", help="terminal, json, junit or csv.")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="workshop.toml; else searched upwards.")]
DevOps = Annotated[
    bool, typer.Option("--devops/--no-devops", help="Look at Azure DevOps, where an organisation is configured.")
]
Machine = Annotated[
    bool, typer.Option("--machine/--no-machine", help="Look at this machine and the clone that workshop.toml is in.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--staging-key-file", metavar="FILE", help="Holds staging's key; else WORKSHOP_STAGING_KEY."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Evidence, request ids, every call.")]
Seed = Annotated[int | None, typer.Option(help="Repeats the random rows of an earlier run.")]
