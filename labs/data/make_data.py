"""Writes every data file of the workshop from scikit-learn's copy of the diabetes data.

    python labs/data/make_data.py            write the files beside this script
    python labs/data/make_data.py --check    write nothing; exit 1 when a file differs from what would be written

Needs scikit-learn. The files are committed, so only someone who changes them runs this script.
The data: 442 patients, ten standardised features, and Y, the progression of the disease after one year (25 to 346).
"""

import argparse
import csv
import io
import itertools
import json
import random
import statistics
from pathlib import Path

FEATURES = ("AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6")
HEADER = (*FEATURES, "Y")
SEED = 20
HOLDOUT_ROWS = 89
SIGNIFICANT_DIGITS = 12  # the last digits of a standardised value depend on the machine; a committed file must not

Row = tuple[float, ...]


def load_rows() -> list[Row]:
    """Returns the 442 rows in scikit-learn's order: the ten features, then Y."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes()
    return [
        tuple(float(cell(value)) for value in (*features, target))
        for features, target in zip(bunch.data, bunch.target, strict=True)
    ]


def cell(value: float) -> str:
    """Returns one number as it stands in a file."""
    return f"{value:.{SIGNIFICANT_DIGITS}g}"


def to_csv(rows: list[list[str]], header: tuple[str, ...] = HEADER) -> str:
    """Returns a CSV document with line feeds on every system."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def as_text(rows: list[Row]) -> list[list[str]]:
    """Returns the rows with every number written by `cell`."""
    return [[cell(value) for value in row] for row in rows]


def holdout(rows: list[Row]) -> list[Row]:
    """Returns the hold-out: a seeded choice of rows, in file order. Training leaves these out: one exam for all."""
    chosen = set(random.Random(SEED).sample(range(len(rows)), HOLDOUT_ROWS))
    return [row for number, row in enumerate(rows) if number in chosen]


def bad_distribution(rows: list[Row]) -> str:
    """Returns the data with BMI and S5 shifted by 0.6 standard deviations for most patients, inside the known range.

    Schema, ranges and row count stay right: only a look at the distribution finds it.
    """
    chance = random.Random(SEED)
    changed = [list(row) for row in rows]
    for name in ("BMI", "S5"):
        column = HEADER.index(name)
        values = [row[column] for row in rows]
        step, highest = 0.6 * statistics.stdev(values), max(values)
        for row in changed:
            if chance.random() < 0.9:
                row[column] = min(highest, row[column] + step)
    return to_csv(as_text([tuple(row) for row in changed]))


def bad_schema(rows: list[Row]) -> str:
    """Returns the data as another export might give it: S6 is missing, BMI has another name, SEX is a word."""
    header = tuple("BODY_MASS" if name == "BMI" else name for name in HEADER if name != "S6")
    keep = [HEADER.index(name) for name in HEADER if name != "S6"]
    sex = HEADER.index("SEX")
    text = [
        [("female" if row[sex] > 0 else "male") if column == sex else cell(row[column]) for column in keep]
        for row in rows
    ]
    return to_csv(text, header)


def missing_values(rows: list[Row]) -> str:
    """Returns the data with a seeded two per cent of the feature cells empty."""
    chance = random.Random(SEED)
    text = as_text(rows)
    for line in text:
        for column in range(len(FEATURES)):
            if chance.random() < 0.02:
                line[column] = ""
    return to_csv(text)


def describe(values: list[float]) -> dict[str, object]:
    """Returns the reference statistics of one column: range, mean, standard deviation, and the shares of its bins.

    The bins end at the deciles; equal deciles (SEX has two values) are one bin. The last bin is open.
    """
    edges = sorted({float(cell(edge)) for edge in statistics.quantiles(values, n=10, method="inclusive")})
    bounds = [float("-inf"), *edges, float("inf")]
    shares = [sum(low < value <= high for value in values) / len(values) for low, high in itertools.pairwise(bounds)]
    return {
        "minimum": min(values),
        "maximum": max(values),
        "mean": float(cell(round(statistics.fmean(values), 12) + 0.0)),
        "standard_deviation": float(cell(statistics.stdev(values))),
        "edges": edges,
        "shares": [float(cell(share)) for share in shares],
    }


def reference(rows: list[Row]) -> str:
    """Returns the reference statistics of the data as JSON: what the data quality tests compare a file with."""
    columns = {name: describe([row[index] for row in rows]) for index, name in enumerate(HEADER)}
    return json.dumps({"rows": len(rows), "columns": columns}, indent=1) + "\n"


def make_files() -> dict[str, str]:
    """Returns every file of this folder that is made: name to content."""
    rows = load_rows()
    return {
        "diabetes.csv": to_csv(as_text(rows)),
        "diabetes_holdout.csv": to_csv(as_text(holdout(rows))),
        "diabetes_bad_dist.csv": bad_distribution(rows),
        "diabetes_bad_schema.csv": bad_schema(rows),
        "diabetes_missing_values.csv": missing_values(rows),
        "diabetes_reference.json": reference(rows),
    }


def main() -> int:
    """Writes or compares the files. Returns 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed files and write nothing")
    parser.add_argument("--folder", type=Path, default=Path(__file__).resolve().parent, help="where the files are")
    options = parser.parse_args()
    different = 0
    for name, content in make_files().items():
        path, data = options.folder / name, content.encode()
        same = path.is_file() and path.read_bytes() == data
        print(f"{name}: {len(data)} bytes, {'same' if same else 'different' if options.check else 'written'}")
        different += not same
        if not same and not options.check:
            path.write_bytes(data)
    return 1 if options.check and different else 0


if __name__ == "__main__":
    raise SystemExit(main())
