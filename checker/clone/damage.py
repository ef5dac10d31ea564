"""Ways to damage the training data: what the learner's data tests are shown in the place of the real file."""

import csv
import io
import random
import statistics
from collections.abc import Callable, Mapping

SEED = 7
ZEROED_SHARE = 0.3
NARROWED_TO = 0.5  # of its spread
COLUMN = "BMI"

Table = list[list[str]]


def zeroed(text: str) -> str:
    """The data with BMI set to 0 in 30 % of the rows: the error of a model trained on it even falls."""
    chance = random.Random(SEED)
    header, *rows = _read(text)
    column = header.index(COLUMN)
    chosen = set(chance.sample(range(len(rows)), round(ZEROED_SHARE * len(rows))))
    return _written(header, [_with(row, column, "0.0") if n in chosen else row for n, row in enumerate(rows)])


def narrowed(text: str) -> str:
    """The data with BMI drawn half-way to its mean: range, rows and mean stay right, the spread does not."""
    header, *rows = _read(text)
    column = header.index(COLUMN)
    mean = statistics.fmean(float(row[column]) for row in rows)
    return _written(
        header, [_with(row, column, repr(mean + NARROWED_TO * (float(row[column]) - mean))) for row in rows]
    )


MADE: Mapping[str, Callable[[str], str]] = {
    "30 % of BMI zeroed": zeroed,
    "BMI with half its spread": narrowed,
}


def empty_cells(text: str) -> int:
    """How many cells of a CSV file are empty."""
    return sum(not cell.strip() for row in _read(text)[1:] for cell in row)


def _read(text: str) -> Table:
    return [row for row in csv.reader(io.StringIO(text)) if row]


def _written(header: list[str], rows: Table) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def _with(row: list[str], column: int, value: str) -> list[str]:
    return [value if number == column else cell for number, cell in enumerate(row)]
