"""Lets the learner's evaluation judge models of which it is known whether they are any good.

    python judge_models.py EVALUATE_PY DATA HOLDOUT FOLDER

FOLDER is made. It holds the models, and afterwards verdicts.json: for each case its name, what a gate must say, and
what this one said. Tolerance and share are given on the evaluation's command line, as the pipeline's step gives them.
"""

import csv
import importlib
import json
import runpy
import sys
from pathlib import Path
from typing import Any

TOLERANCE, BASELINE_SHARE = 0.05, 0.8
WORSE_BY = 0.15  # of the error: outside the tolerance, and still better than the baseline's share


def read(path: Path) -> list[list[float]]:
    """The rows of a CSV file as numbers."""
    with path.open(encoding="utf-8", newline="") as text:
        return [[float(cell) for cell in row] for row in list(csv.reader(text))[1:]]


def fit(rows: list[list[float]], alpha: float) -> Any:
    """A Ridge regression of rows, the target last."""
    ridge = importlib.import_module("sklearn.linear_model").Ridge(alpha=alpha)
    return ridge.fit([row[:-1] for row in rows], [row[-1] for row in rows])


def save(model: Any, folder: Path) -> Path:
    """Writes a model where a training job would; the folder that holds it."""
    (folder / "model").mkdir(parents=True)
    importlib.import_module("joblib").dump(model, folder / "model" / "model.joblib")
    return folder


def shifted(rows: list[list[float]], holdout: list[list[float]], alpha: float) -> Any:
    """A model whose predictions are all off by a constant, so that its error is larger by a known share."""
    model = fit(rows, alpha)
    predicted = model.predict([row[:-1] for row in holdout])
    residuals = [value - row[-1] for value, row in zip(predicted, holdout, strict=True)]
    error = sum(residual**2 for residual in residuals) / len(residuals)
    away = 1 if sum(residuals) >= 0 else -1
    model.intercept_ += away * (WORSE_BY * error) ** 0.5
    return model


def judge(script: Path, candidate: Path, production: Path | None, holdout: Path, output: Path) -> bool | None:
    """What the evaluation says about a candidate; None when it wrote nothing that says so."""
    options = {"candidate": candidate, "holdout": holdout, "output": output, "tolerance": TOLERANCE}
    options |= {"baseline-share": BASELINE_SHARE}
    if production:
        options |= {"production": production, "production-name": "diabetes-model:1"}
    sys.argv = [str(script), *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ending:
        if ending.code not in (0, None):
            raise
    accepted = json.loads((output / "evaluation.json").read_text(encoding="utf-8")).get("accepted")
    return accepted if isinstance(accepted, bool) else None


def main(script: Path, data: Path, holdout: Path, folder: Path) -> int:
    """Judges each case and writes down what came."""
    sys.path.insert(0, str(script.parent))
    held = read(holdout)
    rows = [row for row in read(data) if row not in held]
    target = [row[-1] for row in rows]
    nonsense = [[*row[:-1], value] for row, value in zip(rows, target[::-1], strict=True)]
    good = save(fit(rows, 0.4), folder / "good")
    cases: list[tuple[str, bool, Path, Path | None]] = [
        ("a good first model", True, good, None),
        ("the same model, trained again", True, save(fit(rows, 0.42), folder / "again"), good),
        ("a model trained on shuffled targets", False, save(fit(nonsense, 0.4), folder / "nonsense"), None),
        ("a model 15 % worse than production", False, save(shifted(rows, held, 0.4), folder / "worse"), good),
    ]
    verdicts = []
    for number, (name, expected, candidate, production) in enumerate(cases):
        said = judge(script, candidate, production, holdout, folder / str(number))
        verdicts.append({"name": name, "expected": expected, "said": said})
    (folder / "verdicts.json").write_text(json.dumps(verdicts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*(Path(argument) for argument in sys.argv[1:5])))
