"""Runs evaluate.py as an Azure ML job: the trained model against the one in production. The gate of the pipeline.

    python labs/training/submit_evaluation.py

Exit code 1 when the gate says no: nothing after it runs, so nothing is registered and nothing deployed.
Needs the release's training; writes the section `evaluation` of the passport.
"""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import release
import workshop
from submit_training import CODE, read_output, run_job
from workshop import Workshop, existing

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Command


def production_model(ml: "MLClient", endpoint: str) -> str | None:
    """Returns name:version of the model in production: what the deployment with the most traffic names.

    None when there is no endpoint, no deployment with traffic, or a deployment without a registered model.
    """
    found = existing(lambda: ml.online_endpoints.get(endpoint))
    traffic = {name: share for name, share in ((found.traffic if found else None) or {}).items() if share > 0}
    if not traffic:
        return None
    live = max(traffic, key=lambda name: traffic[name])
    return model_reference(str(ml.online_deployments.get(name=live, endpoint_name=endpoint).model or ""))


def model_reference(text: str) -> str | None:
    """Returns name:version from either form in which Azure ML names a model: a resource id, or azureml:name:version."""
    found = re.search(r"/models/([^/]+)/versions/([^/]+)$", text) or re.fullmatch(r"azureml:([^:/]+):([^:/]+)", text)
    return f"{found[1]}:{found[2]}" if found else None


def evaluation_job(settings: Workshop, passport: dict[str, Any], production: str | None) -> "Command":
    """Returns the job. The candidate is not registered yet: it is read from where Azure ML puts a job's output."""
    from azure.ai.ml import Input, Output, command
    from azure.ai.ml.constants import AssetTypes

    trained, commit = release.need(passport, "training", "job"), release.need(passport, "source", "commit")
    candidate = f"azureml://datastores/workspaceblobstore/paths/azureml/{trained}/model/"
    inputs = {
        "candidate": Input(type=AssetTypes.URI_FOLDER, path=candidate),
        "holdout": Input(type=AssetTypes.URI_FILE, path=f"azureml:{release.need(passport, 'data', 'holdout')}"),
    }
    line = "python evaluate.py --candidate ${{inputs.candidate}} --holdout ${{inputs.holdout}}"
    line += " --output ${{outputs.evaluation}}"
    line += f" --tolerance {settings.gate.tolerance} --baseline-share {settings.gate.baseline_share}"
    if production:
        inputs["production"] = Input(type=AssetTypes.CUSTOM_MODEL, path=f"azureml:{production}")
        line += " --production ${{inputs.production}} --production-name " + production
    return command(
        code=CODE,
        command=line,
        inputs=inputs,
        outputs={"evaluation": Output(type=AssetTypes.URI_FOLDER)},
        environment=f"{settings.names.environment}@latest",
        compute=settings.names.compute,
        experiment_name=settings.names.experiment,
        display_name=f"evaluate {commit[:7]}",
        tags={
            "commit": commit,
            "build": release.need(passport, "source", "build"),
            "step": "evaluate",
            "candidate": trained,
        },
    )


def report(evaluation: dict[str, Any]) -> None:
    """Prints every rule with its numbers."""
    for rule in evaluation["rules"]:
        print(f"{'passed' if rule['passed'] else 'FAILED'}: {rule['name']}: {rule['text']}")
    if evaluation["against"] == "none":
        print("skipped: holds against production: nothing is in production yet")


def main() -> int:
    """Evaluates, records, and says no where it must."""
    options = release.parser(__doc__).parse_args()
    settings, passport = workshop.load(), release.read(options.release)
    candidate = release.need(passport, "training", "job")
    ml = workshop.ml_client(settings)
    production = production_model(ml, settings.names.production)
    print(f"candidate: job {candidate}; in production: {production or 'nothing yet'}")
    name = run_job(ml, evaluation_job(settings, passport, production))
    evaluation = read_output(ml, name, "evaluation", "evaluation.json")
    report(evaluation)
    release.extend(options.release, "evaluation", {"job": name, "candidate": candidate, **evaluation})
    if evaluation["accepted"] is not True:
        raise workshop.StepError("The gate says no: this model is not registered. The numbers are above.")
    print("accepted")
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
