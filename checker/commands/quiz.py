"""`checker quiz`: two or three questions on a module, answered here, with the reasons."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checker.console import write
from checker.endings import FAILED, INTERRUPTED, PASSED
from checker.errors import UsageError
from checker.options import Config
from checker.settings import find_file

if TYPE_CHECKING:
    from checker.questions import Question


def register(app: typer.Typer) -> None:
    """Add `quiz`."""
    app.command("quiz")(quiz)


def quiz(
    module: Annotated[str, typer.Argument(help="As M7.")],
    answers: Annotated[
        str | None, typer.Option("--answers", metavar="1,3,2", help="Your choices, for a script; else you are asked.")
    ] = None,
    config: Config = None,
) -> None:
    """Ask the questions on a module, and say why each answer is right or not. How many were right is kept here.

    Nothing is sent anywhere, and no check depends on it. It ends with 1 while an answer is not right.
    """
    from checker.progress import QuizMemory, open_store, record_quiz, whose
    from checker.questions import file_of, read_questions

    code = _module(module)
    file = config or find_file(Path.cwd())
    questions = read_questions(file_of(file.parent, code))
    chosen = None if answers is None else _chosen(answers, questions)
    right = sum(_put(number, question, chosen) for number, question in enumerate(questions))
    write(f"{right} of {len(questions)} right\n")
    try:
        record_quiz(open_store(), whose(file, os.environ), code, QuizMemory(right, len(questions), datetime.now(UTC)))
    except OSError as error:
        write(f"the result is not kept: {error.strerror or error}\n", sys.stderr)
    raise typer.Exit(PASSED if right == len(questions) else FAILED)


def _module(name: str) -> str:
    from checker.model import MODULES
    from checker.selection import unknown

    if name.upper() not in MODULES:
        raise unknown(name, list(MODULES))
    return name.upper()


def _chosen(answers: str, questions: "Sequence[Question]") -> list[int]:
    """The choices as indices. Raises UsageError when they do not fit the questions."""
    words = [word.strip() for word in answers.split(",")]
    fits = len(words) == len(questions) and all(
        word.isdecimal() and 1 <= int(word) <= len(question.choices)
        for word, question in zip(words, questions, strict=False)
    )
    if not fits:
        expected = "a number for each question, " + ", ".join(f"1 to {len(one.choices)}" for one in questions)
        raise UsageError(f"--answers {answers}", f"{len(words)} answers", expected, ("checker quiz --help",))
    return [int(word) - 1 for word in words]


def _put(number: int, question: "Question", chosen: list[int] | None) -> bool:
    """Ask one question, and say why. Whether the answer is right."""
    lines = [f"{number + 1}. {question.ask}", *(f"   {i}) {choice}" for i, choice in enumerate(question.choices, 1))]
    write("\n".join(lines) + "\n")
    answer = _ask(len(question.choices)) if chosen is None else chosen[number]
    if answer == question.answer:
        write(f"   {answer + 1} is right. {question.reasons[answer]}\n\n")
        return True
    write(
        f"   {answer + 1} is not it. {question.reasons[answer]}\n"
        f"   {question.answer + 1} is. {question.reasons[question.answer]}\n\n"
    )
    return False


def _ask(count: int) -> int:
    """A choice from the terminal, as an index. Leaves with 130 when the input ends."""
    while True:
        write(f"   your choice, 1 to {count}: ")
        line = sys.stdin.readline()
        if not line:
            write("\n")
            raise typer.Exit(INTERRUPTED)
        if line.strip().isdecimal() and 1 <= int(line) <= count:
            return int(line) - 1
