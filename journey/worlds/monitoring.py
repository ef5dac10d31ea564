"""Module 13: what production was asked, two reports on drift, and the schedule that looks every day."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from journey.worlds.resources import MODEL, Resources, predict

SCHEDULES = "2024-10-01-preview"
INPUTS, OUTPUTS = "model_inputs", "model_outputs"
COLLECTED = (INPUTS, OUTPUTS)
ROWS = 200  # patients in a window
FOLDER = "2026/11/24/10"  # a year, a month, a day, an hour: as the collector files its records
THRESHOLD = 0.2
CONTROL, SHIFTED = "control", "shifted"
BMI_OF = {CONTROL: 0.0555, SHIFTED: 0.488}  # what drift.py measures on 200 patients of the data, as they are and moved


def collector(collections: Sequence[str]) -> dict[str, Any]:
    """What a deployment's body says of its collector."""
    enabled = {"dataCollectionMode": "Enabled", "samplingRate": 1.0}
    return {"collections": {name: dict(enabled) for name in collections}, "rollingRate": "hour"}


def read_patients(kit: Path, rows: int = ROWS) -> list[list[float]]:
    """The ten features of the first patients of the data."""
    with (kit / "labs" / "data" / "diabetes.csv").open(encoding="utf-8", newline="") as text:
        return [[float(cell) for cell in line[:10]] for line in list(csv.reader(text))[1 : rows + 1]]


def put_records(resources: Resources, patients: Sequence[Sequence[float]], deployment: str = "blue") -> None:
    """What a deployment collects when it is asked about each patient once: a file of inputs, and one of outputs."""
    answers = [{"prediction": predict(patient)} for patient in patients]
    inputs = [dict(zip(MODEL["features"], patient, strict=True)) for patient in patients]
    for collection, rows in ((INPUTS, inputs), (OUTPUTS, answers)):
        lines = (json.dumps(_record(resources, deployment, collection, number, row)) for number, row in enumerate(rows))
        resources.put_blob(
            records_blob(resources, collection, deployment), "".join(f"{one}\n" for one in lines).encode()
        )


def records_blob(resources: Resources, collection: str, deployment: str = "blue") -> str:
    """Where the records of a world lie in the blob store."""
    return f"modelDataCollector/{resources.names['production']}/{deployment}/{collection}/{FOLDER}/world.jsonl"


def _record(
    resources: Resources, deployment: str, collection: str, number: int, row: Mapping[str, float]
) -> dict[str, Any]:
    """One line of a collection: one request, or its answer."""
    return {
        "specversion": "1.0",
        "id": f"{number:032x}",
        "source": f"{resources.endpoint}/deployments/{deployment}",
        "type": f"azureml.inference.{collection}",
        "datacontenttype": "application/json",
        "time": f"2026-11-24T10:{number // 60 % 60:02}:{number % 60:02}Z",
        "data": [row],
        "correlationid": f"request-{number:04}",
    }


def make_drift_job(resources: Resources, window: str, **measured: float) -> str:
    """A job that has judged a window, with its report and its numbers, but for those given. Returns its name."""
    numbers = drift_numbers(window, **measured)
    report = json.dumps({"format": 1, "threshold": THRESHOLD, **numbers})
    name = resources.make_job(
        f"echo '{report}' > ${{{{outputs.drift}}}}/drift.json",
        logged=(),
        experiment=f"{resources.names['experiment']}-drift",
        output="drift",
    )
    resources.log_run(name, numbers, {"window": window, "threshold": str(THRESHOLD)})
    return name


def drift_numbers(window: str, **measured: float) -> dict[str, float]:
    """What the job of a window logs, as it is when all is well, but for what is given."""
    right = {"rows": float(ROWS), "judged": 1.0, "alert": float(window == SHIFTED), "psi_BMI": BMI_OF[window]}
    return {**right, **measured}


def drift_signal(resources: Resources, deployment: str = "blue", **parts: Any) -> dict[str, Any]:
    """A signal as azure-ai-ml sends it: the requests of the last day against the training data. `parts` replace some
    of its fields.
    """
    return {
        "signalType": "DataDrift",
        "mode": "Enabled",
        "features": {"filterType": "FeatureSubset", "features": ["BMI"]},
        "productionData": production_window(resources, deployment),
        "referenceData": {
            "inputDataType": "Fixed",
            "jobInputType": "uri_file",
            "dataContext": "training",
            "uri": f"{resources.workspace}/data/{resources.names['data_asset']}/versions/1",
        },
        "metricThresholds": [
            {"dataType": "Numerical", "metric": "populationStabilityIndex", "threshold": {"value": THRESHOLD}}
        ],
        **parts,
    }


def production_window(resources: Resources, deployment: str = "blue", offset: str = "P0D") -> dict[str, Any]:
    """The requests of a day, which ends `offset` ago."""
    asset = f"{resources.names['production']}-{deployment}-{INPUTS}"
    return {
        "inputDataType": "Trailing",
        "jobInputType": "uri_folder",
        "dataContext": INPUTS,
        "uri": f"{resources.workspace}/data/{asset}/versions/1",
        "windowOffset": offset,
        "windowSize": "P1D",
    }


def monitor_path(resources: Resources) -> str:
    return f"{resources.workspace}/schedules/{resources.names['production']}-drift"


def make_monitor(
    resources: Resources, signal: Mapping[str, Any] | None = None, deployment: str = "blue", enabled: bool = True
) -> None:
    """The schedule that looks at a deployment every day, for drift unless another signal is given."""
    definition = {
        "computeConfiguration": {
            "computeType": "ServerlessSpark",
            "computeIdentity": {"computeIdentityType": "AmlToken"},
            "instanceType": "standard_e4s_v3",
            "runtimeVersion": "3.4",
        },
        "monitoringTarget": {
            "taskType": "Regression",
            "deploymentId": f"{resources.endpoint}/deployments/{deployment}",
        },
        "signals": {"drift": dict(signal or drift_signal(resources, deployment))},
    }
    put_schedule(resources, {"actionType": "CreateMonitor", "monitorDefinition": definition}, enabled)


def put_schedule(resources: Resources, action: Mapping[str, Any], enabled: bool = True) -> None:
    """A schedule of every day at three that does something."""
    daily = {"triggerType": "Recurrence", "frequency": "day", "interval": 1, "timeZone": "UTC"}
    properties = {
        "action": dict(action),
        "trigger": {**daily, "schedule": {"hours": [3], "minutes": [0]}},
        "tags": resources.tags,
        "isEnabled": enabled,
    }
    resources.call("PUT", monitor_path(resources), {"properties": properties}, SCHEDULES)
