"""Registers the model of an accepted training job, with where it comes from as tags.

    python solution/training/register.py

Needs the release's evaluation; writes the section `model` of the passport. A second run finds the version of the first.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import release
import workshop

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Model


def require_acceptance(passport: dict[str, Any]) -> str:
    """Returns the training job. Raises StepError unless the gate accepted exactly this job's model."""
    job = release.need(passport, "training", "job")
    judged = release.need(passport, "evaluation", "candidate")
    if passport["evaluation"].get("accepted") is not True or judged != job:
        raise workshop.StepError(
            f"The gate has not accepted the model of job {job} (it judged {judged}, accepted: "
            f"{passport['evaluation'].get('accepted')}). Run solution/training/submit_evaluation.py."
        )
    return job


def tags(passport: dict[str, Any]) -> dict[str, str]:
    """Returns what a model version says about itself: enough to go from a prediction back to the commit."""
    return {
        "commit": release.need(passport, "source", "commit"),
        "build": release.need(passport, "source", "build"),
        "data": release.need(passport, "data", "data"),
        "job": release.need(passport, "training", "job"),
        "mse": release.need(passport, "training", "mse"),
        "r2": release.need(passport, "training", "r2"),
        "alpha": release.need(passport, "training", "alpha"),
        "test_size": release.need(passport, "training", "test_size"),
        "holdout": release.need(passport, "data", "holdout"),
        "holdout_mse": release.need(passport, "evaluation", "mse"),
        "evaluated_against": release.need(passport, "evaluation", "against"),
        "evaluation": release.need(passport, "evaluation", "job"),
        "accepted": release.need(passport, "evaluation", "accepted").lower(),
    }


def register(ml: "MLClient", name: str, job: str, labels: dict[str, str]) -> "Model":
    """Returns the model version of a job; makes it, from the job's output, when there is none."""
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Model

    if found := workshop.find_tagged(lambda: ml.models.list(name=name), "job", job):
        print(f"{name}:{found.version} is already the model of job {job}")
        return cast("Model", found)
    path = f"azureml://jobs/{job}/outputs/model/paths/model"
    model = ml.models.create_or_update(Model(name=name, path=path, type=AssetTypes.CUSTOM_MODEL, tags=labels))
    print(f"{name}:{model.version} registered from job {job}")
    return cast("Model", model)


def main() -> int:
    """Registers and records the version."""
    options = release.parser(__doc__).parse_args()
    settings, passport = workshop.load(), release.read(options.release)
    job = require_acceptance(passport)
    model = register(workshop.ml_client(settings), settings.names.model, job, tags(passport))
    release.extend(options.release, "model", {"name": model.name, "version": model.version})
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
