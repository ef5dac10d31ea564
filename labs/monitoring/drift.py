"""Compares what the model was asked with what it learned from. Runs inside an Azure ML job, or on a laptop.

    python drift.py --collected FOLDER --reference diabetes.csv --output drift \\
        --since 2026-11-24T10:00:00Z --until 2026-11-24T10:05:00Z --window control [--even-if-few]

The measure is the population stability index, over ten bins that hold a tenth of the reference each. Writes
drift.json and logs the numbers with MLflow. The exit code is 0 also when there is an alert: the job did its work, and
the step that reads the answer says it. Under 100 rows there is no judgement: false_alarms.py shows why.
"""

import argparse
import csv
import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

FEATURES = ("AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6")
WATCHED = ("BMI",)  # what alerts: with all ten, 100 rows without any drift alert in every fourth window
BINS = 10
THRESHOLD = 0.2
FEWEST_ROWS = 100
SMALLEST_SHARE = 1e-4  # an empty bin would make the index infinite

Columns = dict[str, list[float]]


def read_reference(path: Path) -> Columns:
    """Returns the features of a CSV file, column by column. Raises ValueError when one is missing or is no number."""
    with path.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    if missing := [name for name in FEATURES if not rows or name not in rows[0]]:
        raise ValueError(f"{path.name} has no column {', '.join(missing)}, or no rows")
    columns = {name: [float(row[name]) for row in rows] for name in FEATURES}
    if not all(math.isfinite(value) for values in columns.values() for value in values):
        raise ValueError(f"{path.name} has a value that is not finite")
    return columns


def read_collected(folder: Path, since: datetime, until: datetime) -> Columns:
    """Returns the features of the rows that were collected from `since` up to `until`, column by column.

    The files hold one record per line; a record holds the rows of one request and the second it was answered in.
    """
    columns: Columns = {name: [] for name in FEATURES}
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if since <= moment(str(record["time"])) < until:
                for row in record["data"]:
                    for name in FEATURES:
                        columns[name].append(float(row[name]))
    return columns


def moment(text: str) -> datetime:
    """Returns a moment in UTC. Raises ValueError for a text that is none, or names no time zone."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone: end it with Z")
    return found.astimezone(UTC)


def bin_edges(reference: Sequence[float]) -> list[float]:
    """Returns what separates the bins: the deciles of the reference, each once. Two values give two bins.

    An edge lies between two values of the reference and on none: collected values are rounded on their way (pandas
    writes ten decimals), and a value that many patients share would else fall to the wrong side.
    """
    distinct = sorted(set(reference))
    if len(distinct) <= BINS:
        return [(low + high) / 2 for low, high in pairwise(distinct)]
    above = {bisect_right(distinct, decile) for decile in quantiles(reference, n=BINS)}
    return [(distinct[place - 1] + distinct[place]) / 2 for place in sorted(above) if place < len(distinct)]


def bin_shares(values: Sequence[float], edges: Sequence[float]) -> list[float]:
    """Returns the share of the values in each bin; none is below SMALLEST_SHARE."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[bisect_right(edges, value)] += 1
    return [max(count / len(values), SMALLEST_SHARE) for count in counts]


# --8<-- [start:m13-psi]
# TODO (module 13): the population stability index: over the bins of the reference, with the shares of both samples in
#   each, the sum of (seen - known) * log(seen / known).
def stability_index(reference: Sequence[float], values: Sequence[float]) -> float:
    """Returns how far two samples are apart: not measured yet, so that nothing ever drifts."""
    return 0.0


# --8<-- [end:m13-psi]


def judge(reference: Columns, collected: Columns, even_if_few: bool) -> dict[str, Any]:
    """Returns the report: the index of each feature and, with rows enough, whether a watched one alerts."""
    rows = len(collected[FEATURES[0]])
    index = {name: stability_index(reference[name], collected[name]) for name in FEATURES} if rows else {}
    judged = rows >= FEWEST_ROWS or (even_if_few and rows > 0)
    drifted = [name for name in WATCHED if index[name] > THRESHOLD] if judged else []
    return {
        "format": 1,
        "rows": rows,
        "reference_rows": len(reference[FEATURES[0]]),
        "threshold": THRESHOLD,
        "watched": list(WATCHED),
        "judged": judged,
        "alert": bool(drifted),
        "drifted": drifted,
        "psi": index,
    }


def log_run(report: dict[str, Any], window: str) -> None:
    """Logs to the run that MLFLOW_RUN_ID names (in a job, Azure ML sets it), or to a new one."""
    import mlflow

    numbers = {f"psi_{name}": value for name, value in report["psi"].items()}
    flags = {name: float(report[name]) for name in ("rows", "judged", "alert")}
    with mlflow.start_run():
        mlflow.log_params({"window": window, "threshold": report["threshold"]})
        mlflow.log_metrics({**numbers, **flags})


def summary(report: dict[str, Any]) -> Iterable[str]:
    """Yields the report as lines for a person."""
    for name, value in report["psi"].items():
        yield f"{name:>4} {value:6.3f} {'above' if value > report['threshold'] else ''}".rstrip()
    if not report["judged"]:
        yield f"{report['rows']} rows: no judgement under {FEWEST_ROWS}"
    else:
        yield f"{report['rows']} rows: {'ALERT for ' + ', '.join(report['drifted']) if report['alert'] else 'no alert'}"


def read_options() -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--collected", type=Path, required=True, help="the folder of the collected inputs")
    parser.add_argument("--reference", type=Path, required=True, help="the CSV file that the model learned from")
    parser.add_argument("--output", type=Path, required=True, help="the folder for drift.json")
    parser.add_argument("--since", type=moment, required=True, help="the window's begin, such as 2026-11-24T10:00:00Z")
    parser.add_argument("--until", type=moment, required=True, help="the window's end, which is not part of it")
    parser.add_argument("--window", required=True, help="the window's name, for the record")
    parser.add_argument("--even-if-few", action="store_true", help=f"judge fewer than {FEWEST_ROWS} rows too")
    return parser.parse_args()


def main() -> int:
    """Writes drift.json, logs and prints the numbers."""
    options = read_options()
    collected = read_collected(options.collected, options.since, options.until)
    report = judge(read_reference(options.reference), collected, options.even_if_few)
    report |= {"window": options.window, "since": str(options.since), "until": str(options.until)}
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "drift.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    log_run(report, options.window)
    print("\n".join(summary(report)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
