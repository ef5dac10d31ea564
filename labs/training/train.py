"""Trains the diabetes model. Runs inside an Azure ML job; needs scikit-learn and MLflow, no Azure SDK.

    python train.py --data diabetes.csv --holdout diabetes_holdout.csv --output out --test-size 0.2 --seed 20

Writes to the output folder: metrics.json, model/model.joblib (what is served) and model/model.json (the same model as
plain numbers, so that nobody has to unpickle a stranger's file to check it).
"""

import argparse
import csv
import hashlib
import json
import math
import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy
    import numpy.typing
    from sklearn.linear_model import Ridge

    Array: TypeAlias = numpy.typing.NDArray[numpy.float64]

FEATURES = ("AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6")
TARGET = "Y"
ALPHAS = tuple(step / 20 for step in range(1, 20))
MODEL_FORMAT = 1
SAME_PATIENT = 8  # of eleven values: a row with a few damaged cells is still the same patient, and must not leak


@dataclass(frozen=True)
class Split:
    """The rows a model learns from and the rows its reported metrics come from. Shapes: (rows, 10) and (rows,)."""

    train_features: "Array"
    train_target: "Array"
    test_features: "Array"
    test_target: "Array"


def read_table(path: Path) -> "Array":
    """Returns the rows of a CSV file, shape (rows, 11): the ten features in order, then Y.

    Raises ValueError, with the line, for another header, a missing value or a cell that is not a number.
    """
    import numpy

    with path.open(encoding="utf-8", newline="") as text:
        lines = csv.reader(text)
        header = tuple(next(lines, []))
        if header != (*FEATURES, TARGET):
            raise ValueError(f"{path.name}: the header is {','.join(header)}; expected {','.join((*FEATURES, TARGET))}")
        rows = [read_row(path.name, lines.line_num, line) for line in lines]
    return numpy.array(rows, dtype=float)


def read_row(name: str, number: int, line: list[str]) -> list[float]:
    """Returns the numbers of one line. Raises ValueError for a line that is not eleven numbers."""
    try:
        values = [float(value) for value in line]
    except ValueError as problem:
        raise ValueError(f"{name}, line {number}: expected eleven numbers, saw {','.join(line)}") from problem
    if len(values) != len(FEATURES) + 1 or not all(map(math.isfinite, values)):
        raise ValueError(f"{name}, line {number}: expected eleven finite numbers, saw {','.join(line)}")
    return values


def without_holdout(rows: "Array", holdout: "Array") -> "Array":
    """Returns the rows that are no hold-out patient's: rows that agree with none of them in eight of eleven values."""
    agreeing = (rows[:, None, :] == holdout[None, :, :]).sum(axis=2)
    kept: Array = rows[agreeing.max(axis=1) < SAME_PATIENT]
    return kept


def split(rows: "Array", test_size: float, seed: int) -> Split:
    """Returns a seeded split; `test_size` is the share of the rows that the reported metrics come from."""
    from sklearn.model_selection import train_test_split

    features, target = rows[:, :-1], rows[:, -1]
    parts = train_test_split(features, target, test_size=test_size, random_state=seed)
    return Split(train_features=parts[0], test_features=parts[1], train_target=parts[2], test_target=parts[3])


def fit(part: Split, alpha: float, seed: int) -> "Ridge":
    """Returns a Ridge regression fitted to the training rows."""
    from sklearn.linear_model import Ridge

    return Ridge(alpha=alpha, random_state=seed).fit(part.train_features, part.train_target)


def measure(model: "Ridge", part: Split) -> dict[str, float]:
    """Returns the metrics on the test rows. `baseline_mse` is the error of always predicting the training mean."""
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    predicted = model.predict(part.test_features)
    baseline = float(((part.test_target - part.train_target.mean()) ** 2).mean())
    return {
        "mse": float(mean_squared_error(part.test_target, predicted)),
        "r2": float(r2_score(part.test_target, predicted)),
        "mae": float(mean_absolute_error(part.test_target, predicted)),
        "baseline_mse": baseline,
    }


# --8<-- [start:m1-seed]
# TODO (module 1): run this script twice with one seed. Where do the two models come from?
def choose_alpha(seed: int) -> float:
    """Returns a regularisation strength, drawn at random."""
    return random.choice(ALPHAS)


# --8<-- [end:m1-seed]


def describe(model: "Ridge", parameters: dict[str, Any], data: Path, rows: int) -> dict[str, Any]:
    """Returns the model as plain numbers, in the form that model.json has."""
    import sklearn

    return {
        "format": MODEL_FORMAT,
        "kind": "linear",
        "features": list(FEATURES),
        "coefficients": [float(value) for value in model.coef_],
        "intercept": float(model.intercept_),
        "parameters": parameters,
        "data_sha256": hashlib.sha256(data.read_bytes()).hexdigest(),
        "rows": rows,
        "scikit_learn": sklearn.__version__,
    }


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Writes a document; the folder is made when it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def save(model: "Ridge", description: dict[str, Any], metrics: dict[str, float], output: Path) -> None:
    """Writes metrics.json and the model folder."""
    import joblib

    write_json(output / "model" / "model.json", description)
    joblib.dump(model, output / "model" / "model.joblib")
    write_json(output / "metrics.json", {**description["parameters"], **metrics, "rows": description["rows"]})


def log_run(parameters: dict[str, Any], metrics: dict[str, float]) -> None:
    """Logs to the run that MLFLOW_RUN_ID names, at MLFLOW_TRACKING_URI: in a job, Azure ML sets both.

    A run by hand has no address to log to: what it has to say is in its output folder.
    """
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return
    import mlflow

    with mlflow.start_run():
        mlflow.log_params(parameters)
        mlflow.log_metrics(metrics)


def read_options() -> argparse.Namespace:
    """Returns the command line. Test size and seed have no default here: workshop.toml is where they are set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the CSV file to learn from")
    parser.add_argument("--holdout", type=Path, required=True, help="the CSV file whose rows training must not see")
    parser.add_argument("--output", type=Path, required=True, help="the folder for metrics.json and model/")
    parser.add_argument("--test-size", type=float, required=True, help="share of the rows for the reported metrics")
    parser.add_argument("--seed", type=int, required=True, help="decides the split and, without --alpha, alpha")
    parser.add_argument("--alpha", type=float, help="regularisation strength; chosen by the seed when not given")
    return parser.parse_args()


def main() -> int:
    """Trains, logs and saves one model."""
    options = read_options()
    everything = read_table(options.data)
    rows = without_holdout(everything, read_table(options.holdout))
    print(f"{options.data.name}: {len(everything)} rows, {len(everything) - len(rows)} of them held out")
    alpha = choose_alpha(options.seed) if options.alpha is None else options.alpha
    parameters = {"alpha": alpha, "test_size": options.test_size, "seed": options.seed}
    part = split(rows, options.test_size, options.seed)
    model = fit(part, alpha, options.seed)
    metrics = measure(model, part)
    description = describe(model, parameters, options.data, len(part.train_target))
    save(model, description, metrics, options.output)
    log_run(parameters, metrics)
    print(f"alpha {alpha}: mse {metrics['mse']:.1f}, r2 {metrics['r2']:.3f}")
    print(f"predicting the mean: mse {metrics['baseline_mse']:.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
