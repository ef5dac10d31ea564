"""The numbers of the page on gates, from the workshop's own data. Needs scikit-learn: run it with the runtime.

    .venv-runtime/bin/python bench/gates.py

Every draw is seeded: the same libraries print the same numbers. All errors are mean squared errors.
"""

import csv
import json
from pathlib import Path

import numpy
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

DATA = Path(__file__).resolve().parent.parent / "labs" / "data" / "diabetes.csv"
ALPHA, TEST_SHARE, BMI = 0.4, 0.2, 2
SPLITS, RETRAINS, DAMAGES = 200, 2000, 200
ALPHAS = [step / 20 for step in range(1, 20)]  # what the starter draws from
TOLERANCES = (0.0, 0.02, 0.05)
RAW = [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.9, 87]  # a patient as measured, not standardised

Array = numpy.ndarray


def read_rows() -> tuple[Array, Array]:
    """Features, shape (rows, 10), and target."""
    with DATA.open(encoding="utf-8", newline="") as text:
        rows = numpy.array([[float(cell) for cell in row] for row in list(csv.reader(text))[1:]])
    return rows[:, :-1], rows[:, -1]


def error(train: Array, target: Array, test: Array, truth: Array, alpha: float = ALPHA) -> float:
    """The error on the test rows of a model that is fitted to the others."""
    predicted = Ridge(alpha=alpha).fit(train, target).predict(test)
    return float(((truth - predicted) ** 2).mean())


def zeroed(features: Array, source: numpy.random.Generator) -> Array:
    """The features with 30 % of BMI missing, written as zero."""
    result = features.copy()
    result[source.random(len(features)) < 0.3, BMI] = 0.0
    return result


def flipped(features: Array) -> Array:
    """The features with the sign of BMI turned."""
    result = features.copy()
    result[:, BMI] *= -1
    return result


def accepted(retrains: Array, limit: float, source: numpy.random.Generator) -> int:
    """The percentage of pairs of retrains of which the second is not worse than the first by more than the limit."""
    old, new = source.permutation(retrains), source.permutation(retrains)
    return round(100 * float(((1 + new) <= (1 + old) * (1 + limit)).mean()))


def measure() -> dict[str, object]:
    """All figures, by name."""
    source = numpy.random.default_rng(0)
    features, target = read_rows()
    train, test, known, truth = train_test_split(features, target, test_size=TEST_SHARE, random_state=0)
    base = error(train, known, test, truth)
    splits = [
        error(a, b, c, d)
        for a, c, b, d in (
            train_test_split(features, target, test_size=TEST_SHARE, random_state=seed) for seed in range(SPLITS)
        )
    ]
    retrains = []
    for _ in range(RETRAINS):
        kept = source.random(len(train)) < 0.9
        retrains.append(error(train[kept], known[kept], test, truth) / base - 1)
    holes = [error(zeroed(train, source), known, test, truth) for _ in range(DAMAGES)]
    shuffles = [error(train, source.permutation(known), test, truth) for _ in range(DAMAGES)]
    alphas = [error(train, known, test, truth, alpha) for alpha in ALPHAS]
    return {
        "test_rows": len(test),
        "predicting_the_mean": round(float(((truth - known.mean()) ** 2).mean())),
        "undamaged": round(base),
        "bmi_zeroed": {
            "median": round(float(numpy.median(holes))),
            "better_than_undamaged_percent": round(100 * float((numpy.array(holes) < base).mean())),
        },
        "bmi_sign_flipped": round(error(flipped(train), known, test, truth)),
        "labels_shuffled": {"median": round(float(numpy.median(shuffles))), "least": round(min(shuffles))},
        "splits": {
            "least": round(min(splits)),
            "median": round(float(numpy.median(splits))),
            "most": round(max(splits)),
        },
        "retrain_change_percent": [round(100 * float(numpy.percentile(retrains, share)), 1) for share in (5, 95)],
        "accepted_percent": {f"{limit:.0%}": accepted(numpy.array(retrains), limit, source) for limit in TOLERANCES},
        "answer_to_raw_values": round(float(Ridge(alpha=ALPHA).fit(train, known).predict([RAW])[0])),
        "alphas": [round(min(alphas)), round(max(alphas))],
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
