"""Compares a candidate model with the one in production, on the same held-out rows. Runs inside an Azure ML job.

    python evaluate.py --candidate out --holdout diabetes_holdout.csv --output evaluation \\
        --tolerance 0.05 --baseline-share 0.8 [--production FOLDER --production-name NAME:VERSION]

Writes evaluation.json. The exit code is 0 also when the gate says no: the job did its work, and the pipeline step that
reads the answer stops the pipeline. No MLflow here: its import takes longer than everything else.
"""

import argparse
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from train import read_table, write_json

if TYPE_CHECKING:
    from train import Array


@dataclass(frozen=True)
class Rule:
    """One rule of the gate: what was compared, and what came out. `limit` is the largest error that passes."""

    name: str
    passed: bool
    mse: float
    limit: float
    text: str


def find_model(folder: Path) -> Path:
    """Returns the one model.joblib beneath a folder. Raises FileNotFoundError when there is none or more than one."""
    found = sorted(folder.rglob("model.joblib"))
    if len(found) != 1:
        raise FileNotFoundError(f"{folder}: expected one model.joblib, saw {len(found)}")
    return found[0]


def holdout_mse(model: Path, rows: "Array") -> float:
    """Returns the mean squared error of a model on the held-out rows, shape (rows, 11). NaN predictions give NaN."""
    import joblib

    predicted = joblib.load(find_model(model)).predict(rows[:, :-1])
    return float(((rows[:, -1] - predicted) ** 2).mean())


def baseline_mse(rows: "Array") -> float:
    """Returns the error of the best constant: predicting the mean of the held-out rows themselves."""
    return float(rows[:, -1].var())


# --8<-- [start:m11-rules]
def beats_baseline(mse: float, baseline: float, share: float) -> Rule:
    """Rule one: the candidate has at most a share of the error of predicting the mean. A NaN never passes."""
    limit = share * baseline
    text = f"mse {mse:.1f}, at most {limit:.1f} ({share:.0%} of {baseline:.1f}, the error of predicting the mean)"
    return Rule("beats the baseline", mse <= limit, mse, limit, text)


def holds_against_production(mse: float, production: float, tolerance: float, name: str) -> Rule:
    """Rule two: on the same rows the candidate is not worse than production by more than the tolerance."""
    limit = (1 + tolerance) * production
    text = f"mse {mse:.1f}, at most {limit:.1f} ({production:.1f} of {name}, plus {tolerance:.0%})"
    return Rule("holds against production", mse <= limit, mse, limit, text)


# --8<-- [end:m11-rules]


def judge(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the evaluation: the errors, the rules with their outcome, and whether the candidate is accepted."""
    rows = read_table(options.holdout)
    mse, baseline = holdout_mse(options.candidate, rows), baseline_mse(rows)
    rules = [beats_baseline(mse, baseline, options.baseline_share)]
    production = None
    if options.production:
        production = holdout_mse(options.production, rows)
        rules.append(holds_against_production(mse, production, options.tolerance, options.production_name))
    return {
        "format": 1,
        "accepted": all(rule.passed for rule in rules),
        "against": options.production_name if options.production else "none",
        "rows": len(rows),
        "mse": finite(mse),
        "baseline_mse": baseline,
        "production_mse": None if production is None else finite(production),
        "rules": [{**asdict(rule), "mse": finite(rule.mse), "limit": finite(rule.limit)} for rule in rules],
    }


def finite(value: float) -> float | None:
    """Returns the value, or None where JSON has no word for it."""
    return value if math.isfinite(value) else None


def read_options() -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--candidate", type=Path, required=True, help="the output folder of the training job")
    parser.add_argument(
        "--production", type=Path, help="the folder of the model in production; not given: there is none"
    )
    parser.add_argument("--production-name", default="production", help="its name and version, for the record")
    parser.add_argument("--holdout", type=Path, required=True, help="the held-out rows")
    parser.add_argument("--output", type=Path, required=True, help="the folder for evaluation.json")
    parser.add_argument("--tolerance", type=float, required=True, help="how much worse than production is accepted")
    parser.add_argument("--baseline-share", type=float, required=True, help="largest share of the baseline's error")
    return parser.parse_args()


def main() -> int:
    """Writes evaluation.json and prints the rules."""
    options = read_options()
    evaluation = judge(options)
    write_json(options.output / "evaluation.json", evaluation)
    for rule in evaluation["rules"]:
        print(f"{'yes' if rule['passed'] else 'NO '} {rule['name']}: {rule['text']}")
    if not options.production:
        print("--  holds against production: skipped, nothing is in production yet")
    print(json.dumps({"accepted": evaluation["accepted"], "against": evaluation["against"]}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
