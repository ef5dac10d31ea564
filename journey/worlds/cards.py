"""Module 14: the model card in the clone, and the tag by which a version names it."""

import csv
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from journey.worlds.resources import Resources, predict

CARD = "labs/responsible/model_card.md"
STATEMENTS = "labs/responsible/statements.md"
HOLDOUT = "labs/data/diabetes_holdout.csv"
SEX = 1  # its place among the ten features
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


def card_text(folder: Path, model: str, mse: str) -> str:
    """The card of a version in a clone: its numbers, its error by group, and the statements of the clone."""
    rows = _holdout(folder / HOLDOUT)
    low, high = sorted({row[SEX] for row in rows})
    groups = {
        "SEX 1": [row for row in rows if row[SEX] == low],
        "SEX 2": [row for row in rows if row[SEX] == high],
        "all": rows,
    }
    parts = [
        f"# Model card: {model}",
        f"## Numbers\n\n| | |\n|---|---|\n| mse | {float(mse):.4f} |",
        "## Error by group\n\n| group | patients | mse |\n|---|---|---|",
    ]
    table = "\n".join(f"| {name} | {len(some)} | {_error(some):.2f} |" for name, some in groups.items())
    statements = COMMENT.sub("", (folder / STATEMENTS).read_text(encoding="utf-8")).strip()
    return "\n\n".join(parts) + f"\n{table}\n\n{statements}\n"


def write_card(folder: Path, text: str) -> None:
    (folder / CARD).write_bytes(text.encode())


def link_card(resources: Resources, model: str, text: str) -> None:
    """Notes the hash of a card in the tag `card` of a version."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    resources.retag_model(model, card=f"{CARD}@sha256:{digest}")


def _holdout(file: Path) -> list[list[float]]:
    with file.open(encoding="utf-8", newline="") as text:
        return [[float(cell) for cell in line] for line in list(csv.reader(text))[1:]]


def _error(rows: Sequence[Sequence[float]]) -> float:
    """The mean squared error of the worlds' model."""
    return sum((predict(row[:-1]) - row[-1]) ** 2 for row in rows) / len(rows)
