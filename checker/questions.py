"""The questions on a module, as labs/quiz has them. They are answered here and sent nowhere."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from checker.settings import ConfigurationError

FOLDER = Path("labs") / "quiz"
FEWEST_CHOICES = 2


@dataclass(frozen=True)
class Question:
    """One question. `answer` is the index of the right choice, from 0; `reasons` has one text for each choice."""

    ask: str
    choices: tuple[str, ...]
    answer: int
    reasons: tuple[str, ...]


def file_of(root: Path, module: str) -> Path:
    """Where the questions of a module are: M7 has them in labs/quiz/M07.toml of the clone."""
    return root / FOLDER / f"M{int(module[1:]):02}.toml"


def read_questions(file: Path) -> tuple[Question, ...]:
    """The questions of a file. Raises ConfigurationError."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refused(file, error.strerror or str(error)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refused(file, str(error)) from error
    entries = document.get("question")
    if not isinstance(entries, list) or not entries:
        raise _refused(file, "there is no [[question]]")
    return tuple(_question(file, number, entry) for number, entry in enumerate(entries, start=1))


def _question(file: Path, number: int, entry: Mapping[str, Any]) -> Question:
    ask, choices, answer, reasons = (entry.get(key) for key in ("ask", "choices", "answer", "reasons"))
    if not (isinstance(ask, str) and _are_texts(choices) and _are_texts(reasons) and isinstance(answer, int)):
        raise _refused(file, f"question {number} lacks one of ask, choices, answer and reasons")
    if len(choices) < FEWEST_CHOICES or len(reasons) != len(choices) or not 1 <= answer <= len(choices):
        raise _refused(file, f"question {number} has {len(choices)} choices, {len(reasons)} reasons, answer {answer}")
    return Question(ask, tuple(choices), answer - 1, tuple(reasons))


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) and one for one in value)


def _refused(file: Path, seen: str) -> ConfigurationError:
    expected = "questions with ask, choices, answer (from 1) and a reason for each choice"
    return ConfigurationError(f"{FOLDER.as_posix()}/{file.name}", seen, expected, ("git restore labs/quiz",))
