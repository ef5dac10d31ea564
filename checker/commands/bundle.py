"""`checker bundle`: what somebody who helps would ask first, without secrets, to paste."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from checker.console import log_file, write
from checker.errors import UsageError
from checker.options import Config
from checker.settings import find_file


def register(app: typer.Typer) -> None:
    """Add `bundle`."""
    app.command("bundle")(bundle)


def bundle(
    form: Annotated[str, typer.Option("--format", help="terminal or json.")] = "terminal",
    config: Config = None,
) -> None:
    """Print what helps to help you: versions, target, names, the last results, the end of the log. Nothing is sent.

    Ids are shortened, secrets are masked, and your home folder is written as ~. Read it before you paste it.
    """
    from checker.diagnosis import collect

    document = collect(config or find_file(Path.cwd()), os.environ, log_file())
    if form == "json":
        write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    elif form == "terminal":
        write("```text\n" + "\n".join(_lines(document)) + "\n```\n")
    else:
        raise UsageError(f"--format {form}", "there is no such format", "terminal or json", ("checker bundle",))
    write("nothing was sent; read it before you paste it\n", sys.stderr)


def _lines(value: object, depth: int = 0) -> list[str]:
    """A document as indented lines."""
    indent = "  " * depth
    if isinstance(value, dict):
        lines = []
        for key, one in value.items():
            nested = isinstance(one, dict | list) and bool(one)
            lines += [f"{indent}{key}:", *_lines(one, depth + 1)] if nested else [f"{indent}{key}: {_shown(one)}"]
        return lines
    if isinstance(value, list):
        return [f"{indent}{one}" for one in value]
    return [f"{indent}{value}"]


def _shown(value: object) -> str:
    return "none" if value in (None, {}, []) else str(value)
