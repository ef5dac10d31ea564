"""Measures the error of a registered version for each group of patients, on the held-out rows.

    python labs/responsible/by_group.py [--model NAME:VERSION]

The groups are the two values of SEX. The data's authors coded it 1 and 2 and do not say which is which; the column was
standardised, so that the lower value stands for 1. No Azure ML job: the model is eleven numbers.
"""

import argparse
import csv
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))
import workshop
from submit_evaluation import production_model
from workshop import ConfigurationError, StepError, Workshop

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

HOLDOUT = Path("labs") / "data" / "diabetes_holdout.csv"
SEX = 1  # its place among the ten features
DRAWS = 2000
SEED = 20

Rows = list[list[float]]


@dataclass(frozen=True)
class GroupError:
    """The error in one group. `low` and `high` hold the mean squared error in 95 of 100 draws of its patients.

    `mean` is the mean of prediction minus truth: above 0 the group is told worse than it fares.
    """

    group: str
    patients: int
    mse: float
    low: float
    high: float
    mean: float


def read_holdout(path: Path) -> Rows:
    """Returns the rows: ten features, then Y. Raises ConfigurationError when the file is not there."""
    if not path.is_file():
        raise ConfigurationError(f"{path} is not there. Run the steps from the repository.")
    with path.open(encoding="utf-8", newline="") as text:
        return [[float(value) for value in line] for line in list(csv.reader(text))[1:]]


def read_model(ml: "MLClient", reference: str) -> dict[str, Any]:
    """Returns a version's model.json: coefficients and intercept. Raises StepError when it has none."""
    name, _, version = reference.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        ml.models.download(name=name, version=version, download_path=folder)
        found = list(Path(folder).rglob("model.json"))
        if len(found) != 1:
            raise StepError(f"{reference}: expected one model.json, saw {len(found)}.")
        document: dict[str, Any] = json.loads(found[0].read_text(encoding="utf-8"))
        return document


def chosen_model(ml: "MLClient", settings: Workshop, named: str | None) -> str:
    """Returns name:version: the named one, else what is live. Raises StepError when nothing is."""
    reference = named or production_model(ml, settings.names.production)
    if reference is None:
        raise StepError("Nothing is live: name the version with --model.")
    return reference


def residuals(model: dict[str, Any], rows: Rows) -> list[float]:
    """Returns prediction minus truth for each row."""
    weights, intercept = model["coefficients"], model["intercept"]
    return [
        intercept + sum(weight * value for weight, value in zip(weights, row[:-1], strict=True)) - row[-1]
        for row in rows
    ]


# --8<-- [start:m14-groups]
# TODO (module 14): SEX is standardised and has two values. Which rows belong to which? Name the groups by the codes of
#   the data's authors, "SEX 1" for the lower value and "SEX 2" for the higher.
def groups_of(rows: Rows) -> dict[str, list[int]]:
    """Returns the places of each group's rows: no groups yet, only everybody."""
    return {}


# --8<-- [end:m14-groups]


def interval(squares: Sequence[float]) -> tuple[float, float]:
    """Returns what holds the mean in 95 of 100 draws with replacement. A small group has a wide one."""
    source = random.Random(SEED)
    means = sorted(sum(source.choices(squares, k=len(squares))) / len(squares) for _ in range(DRAWS))
    return means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS) - 1]


def errors_by_group(model: dict[str, Any], rows: Rows) -> list[GroupError]:
    """Returns the errors of each group, and of all patients at the end."""
    errors = residuals(model, rows)
    groups = {**groups_of(rows), "all": list(range(len(rows)))}
    return [group_error(name, [errors[place] for place in places]) for name, places in groups.items()]


def group_error(name: str, errors: list[float]) -> GroupError:
    """Returns the numbers of one group. Raises StepError for a group without patients."""
    if not errors:
        raise StepError(f"The group {name} has no patients in the hold-out.")
    squares = [error**2 for error in errors]
    low, high = interval(squares)
    return GroupError(name, len(errors), sum(squares) / len(squares), low, high, sum(errors) / len(errors))


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", help="name:version; not given: what is live")
    options, settings = parser.parse_args(), workshop.load()
    ml = workshop.ml_client(settings)
    reference = chosen_model(ml, settings, options.model)
    print(f"{reference} on {HOLDOUT.name}\n{'group':>8} {'n':>4} {'mse':>8} {'95 % interval':>16} {'mean error':>11}")
    for one in errors_by_group(read_model(ml, reference), read_holdout(settings.root / HOLDOUT)):
        width = f"{one.low:.0f} to {one.high:.0f}"
        print(f"{one.group:>8} {one.patients:>4} {one.mse:>8.1f} {width:>16} {one.mean:>11.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
