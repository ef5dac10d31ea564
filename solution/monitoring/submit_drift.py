"""Runs drift.py as an Azure ML job on the inputs that were collected in one window.

    python solution/monitoring/submit_drift.py --window control
    python solution/monitoring/submit_drift.py --window few --even-if-few

Needs the window from send.py. Exit code 1 when there is an alert, or when there are too few rows for a judgement.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))
import workshop
from send import WINDOWS
from submit_training import read_output, run_job
from workshop import StepError, Workshop

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Command

CODE = Path(__file__).resolve().parent


def read_window(path: Path, name: str) -> dict[str, Any]:
    """Returns a window that send.py noted. Raises ConfigurationError when there is none of the name."""
    windows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if name not in windows:
        raise workshop.ConfigurationError(
            f"{path} has no window {name} ({', '.join(windows) or 'it has none'}): run solution/monitoring/send.py."
        )
    found: dict[str, Any] = windows[name]
    return found


def newest_data(ml: "MLClient", settings: Workshop) -> str:
    """Returns the newest version of the data asset. Raises StepError when there is none."""
    versions = list(ml.data.list(name=settings.names.data_asset))
    if not versions:
        raise StepError(f"There is no {settings.names.data_asset}: run solution/data/register_data.py.")
    newest = max(versions, key=workshop.version_number)
    return f"{newest.name}:{newest.version}"


def drift_job(settings: Workshop, name: str, window: dict[str, Any], reference: str, even_if_few: bool) -> "Command":
    """Returns the job. The reference is the data that the model learned from, not an earlier window of requests."""
    from azure.ai.ml import Input, Output, command
    from azure.ai.ml.constants import AssetTypes

    names = settings.names
    folder = f"modelDataCollector/{names.production}/{window['deployment']}/model_inputs/"
    line = "python drift.py --collected ${{inputs.collected}} --reference ${{inputs.reference}}"
    line += " --output ${{outputs.drift}}"
    line += f" --since {window['since']} --until {window['until']} --window {name}"
    return command(
        code=CODE,
        command=line + (" --even-if-few" if even_if_few else ""),
        inputs={
            "collected": Input(
                type=AssetTypes.URI_FOLDER, path=f"azureml://datastores/workspaceblobstore/paths/{folder}"
            ),
            "reference": Input(type=AssetTypes.URI_FILE, path=f"azureml:{reference}"),
        },
        outputs={"drift": Output(type=AssetTypes.URI_FOLDER)},
        environment=f"{names.environment}@latest",
        compute=names.compute,
        experiment_name=f"{names.experiment}-drift",
        display_name=f"drift {name}",
        tags={"step": "drift", "window": name},
    )


def require_calm(report: dict[str, Any], requests: int) -> None:
    """Raises StepError for an alert, and for a window without a judgement."""
    if report["alert"]:
        raise StepError(
            f"ALERT: {', '.join(report['drifted'])} above {report['threshold']}. An alert is a question: find out why, "
            "then write down what you decide in labs/monitoring/decision.md."
        )
    if not report["judged"]:
        raise StepError(
            f"No judgement: {report['rows']} rows of {requests} requests. Collected rows can come minutes after the "
            "answers; under 100 rows this measure alerts without drift. --even-if-few shows that."
        )


def main() -> int:
    """Compares and reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--window", required=True, help="the name of a window of send.py")
    parser.add_argument("--even-if-few", action="store_true", help="judge fewer than 100 rows too")
    parser.add_argument("--windows", type=Path, default=WINDOWS, help="where send.py noted it (%(default)s)")
    options, settings = parser.parse_args(), workshop.load()
    window = read_window(options.windows, options.window)
    ml = workshop.ml_client(settings)
    job = drift_job(settings, options.window, window, newest_data(ml, settings), options.even_if_few)
    name = run_job(ml, job)
    report = read_output(ml, name, "drift", "drift.json")
    print(f"window {options.window}: {report['rows']} rows, BMI {report['psi'].get('BMI', 0):.3f}")
    require_calm(report, int(window["requests"]))
    print("no alert")
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
