"""Training is reproducible and sees no hold-out row; the gate says no when it should."""

import csv
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOLUTION = ROOT / "solution"
DATA = ROOT / "labs" / "data"
Run = Callable[..., subprocess.CompletedProcess[str]]
Train = Callable[..., Path]


def read_json(path: Path) -> dict[str, Any]:
    """Returns a JSON document."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def table() -> tuple[list[str], list[list[str]]]:
    """Returns the header and the rows of the data."""
    with (DATA / "diabetes.csv").open(encoding="utf-8", newline="") as text:
        header, *rows = list(csv.reader(text))
    return header, rows


def write_table(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    """Writes a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows([header, *rows])
    return path


def evaluate(run_script: Run, output: Path, candidate: Path, production: Path | None = None) -> dict[str, Any]:
    """Runs the evaluation job's script with the workshop's limits; returns evaluation.json."""
    options = ["--candidate", str(candidate), "--holdout", str(DATA / "diabetes_holdout.csv"), "--output", str(output)]
    if production:
        options += ["--production", str(production), "--production-name", "diabetes:1"]
    done = run_script(SOLUTION / "training/evaluate.py", *options, "--tolerance", "0.05", "--baseline-share", "0.8")
    assert done.returncode == 0, done.stderr
    return read_json(output / "evaluation.json")


def test_one_seed_gives_one_model(train: Train, trained: Path, tmp_path: Path) -> None:
    """The same data, seed and test size give the same coefficients; another seed does not."""
    first = read_json(trained / "model/model.json")
    assert read_json(train(tmp_path / "again") / "model/model.json") == first
    assert read_json(train(tmp_path / "other", seed="21") / "model/model.json")["coefficients"] != first["coefficients"]


def test_training_sees_no_holdout_row(train: Train, trained: Path, tmp_path: Path) -> None:
    """Another truth for the held-out patients changes nothing, even where one of their features is damaged as well."""
    header, rows = table()
    with (DATA / "diabetes_holdout.csv").open(encoding="utf-8", newline="") as text:
        held = {tuple(row) for row in csv.reader(text)}
    assert sum(tuple(row) in held for row in rows) == 89
    changed = [[*row[:2], "0", *row[3:-1], "346"] if tuple(row) in held else row for row in rows]
    other = train(tmp_path / "other", data=write_table(tmp_path / "changed.csv", header, changed))
    before, after = read_json(trained / "model/model.json"), read_json(other / "model/model.json")
    assert before["rows"] == after["rows"] == 282
    assert before["coefficients"] == after["coefficients"]


def test_the_two_forms_of_the_model_agree(runtime: Path, trained: Path) -> None:
    """model.json predicts what model.joblib predicts: the checker reads the one, callers are answered by the other."""
    model = read_json(trained / "model/model.json")
    assert (model["format"], model["kind"], len(model["features"]), len(model["coefficients"])) == (1, "linear", 10, 10)
    chance = random.Random(5)
    rows = [[chance.uniform(-0.1, 0.1) for _ in range(10)] for _ in range(20)]
    script = (
        "import sys, json, joblib; print(json.dumps(list(joblib.load(sys.argv[1]).predict(json.loads(sys.argv[2])))))"
    )
    command = [str(runtime), "-c", script, str(trained / "model/model.joblib"), json.dumps(rows)]
    served = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    plain = [model["intercept"] + sum(c * x for c, x in zip(model["coefficients"], row, strict=True)) for row in rows]
    assert served == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize("broken", ["diabetes_missing_values.csv", "diabetes_bad_schema.csv"])
def test_training_refuses_a_file_that_is_not_the_data(run_script: Run, broken: str, tmp_path: Path) -> None:
    """Training stops with a non-zero exit and says where it looked."""
    options = ["--data", str(DATA / broken), "--holdout", str(DATA / "diabetes_holdout.csv"), "--output", str(tmp_path)]
    done = run_script(SOLUTION / "training/train.py", *options, "--test-size", "0.2", "--seed", "20")
    assert done.returncode != 0
    assert broken in done.stderr
    assert not (tmp_path / "model").exists()


def test_the_first_model_is_accepted_with_nothing_in_production(run_script: Run, trained: Path, tmp_path: Path) -> None:
    """Only the rule that needs no production model is applied, and the answer says against what."""
    evaluation = evaluate(run_script, tmp_path, trained)
    assert (evaluation["accepted"], evaluation["against"], evaluation["rows"]) == (True, "none", 89)
    assert [rule["name"] for rule in evaluation["rules"]] == ["beats the baseline"]


def test_a_retrain_of_the_same_code_is_accepted(run_script: Run, train: Train, trained: Path, tmp_path: Path) -> None:
    """The exercise that changes test_size gives another model of the same quality: the gate lets it through."""
    candidate = train(tmp_path / "candidate", test_size="0.33")
    evaluation = evaluate(run_script, tmp_path / "evaluation", candidate, trained)
    assert (evaluation["accepted"], evaluation["against"]) == (True, "diabetes:1")
    assert evaluation["mse"] != evaluation["production_mse"]


def test_a_model_of_shuffled_labels_is_refused(run_script: Run, train: Train, tmp_path: Path) -> None:
    """It does not beat the baseline."""
    header, rows = table()
    labels = [row[-1] for row in rows]
    random.Random(3).shuffle(labels)
    shuffled = [[*row[:-1], label] for row, label in zip(rows, labels, strict=True)]
    candidate = train(tmp_path / "candidate", data=write_table(tmp_path / "shuffled.csv", header, shuffled))
    evaluation = evaluate(run_script, tmp_path / "evaluation", candidate)
    assert evaluation["accepted"] is False
    assert evaluation["mse"] > 0.8 * evaluation["baseline_mse"]


def test_a_worse_model_that_beats_the_baseline_is_refused(
    run_script: Run, train: Train, trained: Path, tmp_path: Path
) -> None:
    """Training without BMI and S5 is better than the mean, but not as good as production."""
    header, rows = table()
    poorer = [[*row[:2], "0", *row[3:8], "0", *row[9:]] for row in rows]
    candidate = train(tmp_path / "candidate", data=write_table(tmp_path / "poorer.csv", header, poorer))
    evaluation = evaluate(run_script, tmp_path / "evaluation", candidate, trained)
    assert {rule["name"]: rule["passed"] for rule in evaluation["rules"]} == {
        "beats the baseline": True,
        "holds against production": False,
    }
    assert evaluation["accepted"] is False
