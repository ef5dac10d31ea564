"""Looks at the data before anything is trained on it. A metric cannot: with 30 % of BMI zeroed the error even falls.

    python -m pytest labs/tests/data_quality --junitxml build/data-quality.xml

DATA_FILE  optional: the file to look at; labs/data/diabetes.csv by default

The file is compared with the statistics in labs/data/diabetes_reference.json. The bounds are wide enough for another
sample of the same patients (442 rows: the mean moves by 0.05 standard deviations, the standard deviation by 3 %).
"""

import csv
import json
import math
import os
import statistics
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HEADER = ("AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6", "Y")
SMALLEST_SHARE_OF_ROWS = 0.9
RANGE_MARGIN = 0.1  # of the range: a new patient may be a little older than the oldest
MEAN_SHIFT = 0.2  # in standard deviations
SPREAD_RATIO = (0.87, 1.15)
LARGEST_STABILITY_INDEX = 0.2  # the usual line between "moved a little" and "another population"
EMPTY_BIN = 1e-4  # stands for a share of nothing, so that its logarithm exists


@dataclass(frozen=True)
class Table:
    """A CSV file as text: its header, and its rows as they are."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def numbers(self, name: str) -> list[float]:
        """Returns the finite numbers of a column; what is missing or no number is another test's business."""
        if name not in self.header:
            pytest.fail(f"{self.path.name} has no column {name}", pytrace=False)
        index = self.header.index(name)
        values = [number for row in self.rows if index < len(row) and (number := as_number(row[index])) is not None]
        if len(values) < 2:
            pytest.fail(f"{self.path.name}, {name}: {len(values)} numbers, expected a column of them", pytrace=False)
        return values


def as_number(text: str) -> float | None:
    """Returns a cell's number, or None when the cell is empty, a word, or not finite."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def data_folder() -> Path:
    """Returns the nearest labs/data folder above this test."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "labs" / "data" / "diabetes_reference.json").is_file():
            return folder / "labs" / "data"
    pytest.fail("labs/data/diabetes_reference.json is in no parent folder of this test.", pytrace=False)


def read(path: Path) -> Table:
    """Returns a CSV file as it is. Fails the test when it is empty."""
    with path.open(encoding="utf-8", newline="") as text:
        lines = [tuple(line) for line in csv.reader(text)]
    assert lines, f"{path} is empty"
    return Table(path, lines[0], tuple(lines[1:]))


def shares(values: list[float], edges: list[float]) -> list[float]:
    """Returns the share of the values in each bin; bin i ends at edge i, inclusive, and the last bin is open."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        # Half a unit of the twelfth digit: an edge is a value of the data and must fall in its own bin when re-read.
        counts[bisect_left(edges, value - 1e-12)] += 1
    return [count / len(values) for count in counts]


def stability_index(expected: list[float], seen: list[float]) -> float:
    """Returns the sum over the bins of (seen - expected) x ln(seen / expected). 0 means equal shares."""
    pairs = [(max(old, EMPTY_BIN), max(new, EMPTY_BIN)) for old, new in zip(expected, seen, strict=True)]
    return sum((new - old) * math.log(new / old) for old, new in pairs)


# --8<-- [start:m11-spread]
# TODO (module 11): what does this compute?
def spread(values: list[float]) -> float:
    """Returns the standard deviation of a sample."""
    return statistics.fmean(values)


# --8<-- [end:m11-spread]


@pytest.fixture(scope="module")
def table() -> Table:
    """The file under test."""
    return read(Path(os.environ.get("DATA_FILE") or data_folder() / "diabetes.csv"))


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """The statistics of the data that the workshop starts with."""
    document: dict[str, Any] = json.loads((data_folder() / "diabetes_reference.json").read_text(encoding="utf-8"))
    return document


def test_schema(table: Table) -> None:
    """The header is the expected one, in order, and every row has as many cells."""
    assert table.header == HEADER
    uneven = [number for number, row in enumerate(table.rows, start=2) if len(row) != len(HEADER)]
    assert not uneven, f"lines with another number of cells: {uneven[:10]}"


# --8<-- [start:m11-real-file]
# TODO (module 11): these three are glad that bad files are bad. What do they say about the file that is trained on?
def test_missing_values_are_found() -> None:
    """The sample with missing values has missing values."""
    sample = read(data_folder() / "diabetes_missing_values.csv")
    assert any(as_number(cell) is None for row in sample.rows for cell in row)


def test_another_schema_is_found() -> None:
    """The sample with another schema has another schema."""
    sample = read(data_folder() / "diabetes_bad_schema.csv")
    assert sample.header != HEADER


def test_another_distribution_is_found(reference: dict[str, Any]) -> None:
    """The sample that has drifted has moved, in units of its spread."""
    sample = read(data_folder() / "diabetes_bad_dist.csv").numbers("BMI")
    shift = (statistics.fmean(sample) - reference["columns"]["BMI"]["mean"]) / spread(sample)
    assert abs(shift) > MEAN_SHIFT


# --8<-- [end:m11-real-file]
