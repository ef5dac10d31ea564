"""`checker progress`: the tick list, from what this machine remembers. No call is made."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from checker.console import view, write
from checker.errors import UsageError
from checker.options import Config, FormatOption
from checker.settings import find_file

if TYPE_CHECKING:
    from checker.progress import Memory, QuizMemory

SCHEMA = "mlops-workshop/checker-progress"
VERSION = 1


def register(app: typer.Typer) -> None:
    """Add `progress`."""
    app.command("progress")(progress)


def progress(form: FormatOption = "terminal", config: Config = None) -> None:
    """Show what passed, module by module, and since when something does not. Nothing is asked; the last looks count."""
    from checker.progress import open_store, remembered, remembered_quizzes, whose
    from checker.reports.progress import render_progress

    settings = whose(config or find_file(Path.cwd()), os.environ)
    store = open_store()
    checks, quizzes = remembered(store, settings), remembered_quizzes(store, settings)
    if form == "terminal":
        write(render_progress(checks, quizzes, view(sys.stdout)))
    elif form == "json":
        write(json.dumps(_document(checks, quizzes), indent=2, ensure_ascii=False) + "\n")
    else:
        raise UsageError(f"--format {form}", "there is no such format", "terminal or json", ("checker progress",))


def _document(checks: "Mapping[str, Memory]", quizzes: "Mapping[str, QuizMemory]") -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "checks": {code: _check(memory) for code, memory in checks.items()},
        "quizzes": {
            module: {"right": quiz.right, "total": quiz.total, "answered_at": quiz.answered_at.isoformat()}
            for module, quiz in quizzes.items()
        },
    }


def _check(memory: "Memory") -> dict[str, Any]:
    return {
        "outcome": memory.outcome.value,
        "seen": memory.seen,
        "since": memory.since.isoformat(),
        "looked_at": memory.looked_at.isoformat(),
        "first_passed_at": memory.first_passed_at.isoformat() if memory.first_passed_at else None,
        "hints_used": memory.hints,
    }
