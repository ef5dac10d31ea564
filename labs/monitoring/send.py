"""Asks the model in production about patients, one request each, and notes when: a window for drift.py.

    python labs/monitoring/send.py --requests 200                     # the window `control`
    python labs/monitoring/send.py --requests 200 --shift-bmi 0.5     # the window `shifted`
    python labs/monitoring/send.py --requests 20 --window few

The patients are those of the data, each at most once in a window. Writes build/windows.json.
"""

import argparse
import csv
import json
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import pstdev
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import workshop
from workshop import StepError, Workshop

BMI = 2  # its place among the ten features
WINDOWS = Path("build") / "windows.json"
TIMEOUT_SECONDS = 60

Rows = list[list[float]]


def read_patients(path: Path) -> Rows:
    """Returns the ten features of each patient. Raises ConfigurationError when the file is not there."""
    if not path.is_file():
        raise workshop.ConfigurationError(f"{path} is not there. Run the steps from the repository.")
    with path.open(encoding="utf-8", newline="") as text:
        return [[float(value) for value in line[:10]] for line in list(csv.reader(text))[1:]]


def choose(patients: Rows, requests: int, shift: float, seed: int) -> Rows:
    """Returns so many different patients, their BMI moved by `shift` standard deviations. Raises ConfigurationError."""
    if not 1 <= requests <= len(patients):
        raise workshop.ConfigurationError(f"--requests is {requests}; the data has 1 to {len(patients)} patients.")
    moved = shift * pstdev([patient[BMI] for patient in patients])
    chosen = random.Random(seed).sample(patients, requests)
    return [[*patient[:BMI], patient[BMI] + moved, *patient[BMI + 1 :]] for patient in chosen]


def live_deployment(settings: Workshop, named: str | None) -> tuple[str, str, str]:
    """Returns scoring address, key and the deployment to ask. Raises StepError when none has traffic."""
    ml, name = workshop.ml_client(settings), settings.names.production
    endpoint = ml.online_endpoints.get(name)
    traffic = endpoint.traffic or {}
    if not named and not any(traffic.values()):
        raise StepError(f"No deployment of {name} has traffic: run labs/deployment/production.py first.")
    deployment = named or max(traffic, key=lambda one: traffic[one])
    if not ml.online_deployments.get(name=deployment, endpoint_name=name).data_collector:
        raise StepError(f"{name}/{deployment} has no data collector: nothing of what is sent would be kept.")
    return str(endpoint.scoring_uri), str(ml.online_endpoints.get_keys(name).primary_key), deployment


def send(url: str, key: str, deployment: str, rows: Rows) -> None:
    """Sends one request for each row. Raises StepError for any answer but status 200."""
    import requests

    headers = {"Authorization": f"Bearer {key}", "azureml-model-deployment": deployment}
    with requests.Session() as session:
        for number, row in enumerate(rows, 1):
            reply = session.post(url, json={"data": [row]}, headers=headers, timeout=TIMEOUT_SECONDS)
            if reply.status_code != 200:
                raise StepError(f"Request {number} of {len(rows)}: status {reply.status_code}, {reply.text[:300]}")


def next_second() -> datetime:
    """Waits for the next full second and returns it: records know seconds, and two windows must not share one."""
    now = time.time()
    time.sleep(int(now) + 1 - now)
    return datetime.fromtimestamp(round(time.time()), UTC)


def note(path: Path, window: str, values: dict[str, Any]) -> None:
    """Adds the window to the file, or replaces it there."""
    windows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**windows, window: values}, indent=1) + "\n", encoding="utf-8")


def read_options() -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=200, help="how many patients (%(default)s)")
    parser.add_argument("--shift-bmi", type=float, default=0.0, help="moves BMI, in its standard deviations")
    parser.add_argument("--window", help="the window's name; not given: control, or shifted with a shift")
    parser.add_argument("--deployment", help="asks this one, not the one with the most traffic")
    parser.add_argument("--seed", type=int, default=20, help="decides which patients (%(default)s)")
    parser.add_argument("--windows", type=Path, default=WINDOWS, help="takes the window (%(default)s)")
    return parser.parse_args()


def main() -> int:
    """Sends and notes one window."""
    options, settings = read_options(), workshop.load()
    window = options.window or ("shifted" if options.shift_bmi else "control")
    patients = read_patients(settings.root / "labs" / "data" / "diabetes.csv")
    rows = choose(patients, options.requests, options.shift_bmi, options.seed)
    url, key, deployment = live_deployment(settings, options.deployment)
    since = next_second()
    send(url, key, deployment, rows)
    until = next_second()
    values = {"since": since.isoformat(), "until": until.isoformat(), "requests": len(rows), "deployment": deployment}
    note(options.windows, window, {**values, "shift_bmi": options.shift_bmi})
    print(f"window {window}: {len(rows)} requests to {deployment}, BMI moved by {options.shift_bmi} SD")
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
