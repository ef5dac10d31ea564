"""Runs train.py as an Azure ML job and waits for it.

    python labs/training/submit_training.py

Needs the release's data; writes the section `training` of the passport: the job and its metrics.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import release
import workshop
from workshop import Workshop

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Command

CODE = Path(__file__).resolve().parent


def training_job(settings: Workshop, passport: dict[str, Any]) -> "Command":
    """Returns the job: what runs, on which data, where, in which environment."""
    from azure.ai.ml import Input, Output, command
    from azure.ai.ml.constants import AssetTypes

    training, commit = settings.training, release.need(passport, "source", "commit")
    data, holdout = release.need(passport, "data", "data"), release.need(passport, "data", "holdout")
    line = "python train.py --data ${{inputs.data}} --holdout ${{inputs.holdout}} --output ${{outputs.model}}"
    line += f" --test-size {training.test_size} --seed {training.seed}"
    if training.alpha is not None:
        line += f" --alpha {training.alpha}"
    return command(
        code=CODE,
        command=line,
        inputs={
            "data": Input(type=AssetTypes.URI_FILE, path=f"azureml:{data}"),
            "holdout": Input(type=AssetTypes.URI_FILE, path=f"azureml:{holdout}"),
        },
        outputs={"model": Output(type=AssetTypes.URI_FOLDER)},
        environment=f"{settings.names.environment}@latest",
        compute=settings.names.compute,
        experiment_name=settings.names.experiment,
        display_name=f"train {commit[:7]}",
        tags={"commit": commit, "build": release.need(passport, "source", "build"), "data": data, "step": "train"},
    )


def read_output(ml: "MLClient", job: str, output: str, name: str) -> dict[str, Any]:
    """Returns one JSON file of a job's output. Raises StepError when the output does not hold it."""
    with tempfile.TemporaryDirectory() as folder:
        ml.jobs.download(name=job, output_name=output, download_path=folder)
        found = list(Path(folder).rglob(name))
        if len(found) != 1:
            raise workshop.StepError(f"Job {job}, output {output}: expected one {name}, saw {len(found)}.")
        document: dict[str, Any] = json.loads(found[0].read_text(encoding="utf-8"))
        return document


def run_job(ml: "MLClient", job: "Command") -> str:
    """Submits a job and follows its log to the end; returns its name. Raises JobException when the job fails."""
    submitted = ml.jobs.create_or_update(job)
    name = str(submitted.name)
    print(f"job {name}: {submitted.studio_url}")
    ml.jobs.stream(name)
    return name


def main() -> int:
    """Trains and records the job."""
    options = release.parser(__doc__).parse_args()
    settings, passport = workshop.load(), release.read(options.release)
    job = training_job(settings, passport)
    ml = workshop.ml_client(settings)
    name = run_job(ml, job)
    metrics = read_output(ml, name, "model", "metrics.json")
    release.extend(options.release, "training", {"job": name, **metrics})
    print(f"trained: alpha {metrics['alpha']}, mse {metrics['mse']:.1f}, r2 {metrics['r2']:.3f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
