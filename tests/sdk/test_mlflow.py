"""The MLflow client, unmodified, from the runtime environment: inside a job and outside one."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Sandbox
from tests.sdk.test_jobs import stream, submit

Write = Callable[[str, str], Path]

OUTSIDE = """
import json, sys, mlflow
from mlflow.exceptions import MlflowException
mlflow.set_experiment("laptop")
with mlflow.start_run(run_name="one") as run:
    mlflow.log_params({"alpha": 0.4, "seed": 20})
    mlflow.log_metrics({"mse": 3000.5, "r2": 0.45})
    for step, value in enumerate([3.0, 2.0, 1.0]):
        mlflow.log_metric("loss", value, step=step)
    mlflow.set_tag("stage", "try")
    mlflow.log_text("hello", "notes/hello.txt")
client = mlflow.MlflowClient()
found = client.get_run(run.info.run_id)
history = [one.value for one in client.get_metric_history(run.info.run_id, "loss")]
searched = client.search_runs([found.info.experiment_id], "metrics.mse < 3001 and params.alpha = '0.4'")
nothing = client.search_runs([found.info.experiment_id], "metrics.mse > 3001")
files = [one.path for one in client.list_artifacts(run.info.run_id, "notes")]
try:
    client.log_param(run.info.run_id, "alpha", 0.5)
    changed = True
except MlflowException:
    changed = False
print(json.dumps({
    "params": found.data.params, "metrics": found.data.metrics, "status": found.info.status, "history": history,
    "found": [one.info.run_id for one in searched] == [run.info.run_id], "nothing": len(nothing), "files": files,
    "stage": found.data.tags["stage"], "changed": changed, "run": run.info.run_id,
}))
"""

INSIDE = """
import os, mlflow
with mlflow.start_run() as run:
    print("same run", run.info.run_id == os.environ["AZUREML_RUN_ID"])
    mlflow.log_param("alpha", 0.4)
    mlflow.log_metric("mse", 3123.25)
"""


def tracking_variables(sandbox: Sandbox, workspace: Any) -> dict[str, str]:
    """The plain https form, for laptops: `azureml://` cannot sign in outside a job here (contract d 12)."""
    scope = f"/subscriptions/{sandbox.subscription}/resourceGroups/{workspace.resource_group_name}"
    path = f"{scope}/providers/Microsoft.MachineLearningServices/workspaces/{workspace.workspace_name}"
    token = sandbox.credential.get_token(f"{sandbox.base}/.default").token
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "REQUESTS_CA_BUNDLE", "ARM_CLOUD_METADATA_URL")}
    return kept | {
        "MLFLOW_TRACKING_URI": f"{sandbox.base}/mlflow/v2.0{path}",
        "MLFLOW_TRACKING_TOKEN": token,
        "AZUREML_CURRENT_CLOUD": "AzureSandbox",
    }


@pytest.mark.slow
def test_a_laptop_logs_searches_and_reads_back(sandbox: Sandbox, workspace: Any, runtime_python: Path) -> None:
    done = subprocess.run(
        [runtime_python, "-c", OUTSIDE],
        env=tracking_variables(sandbox, workspace),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert seen["params"] == {"alpha": "0.4", "seed": "20"}
    assert seen["metrics"] == {"mse": 3000.5, "r2": 0.45, "loss": 1.0}
    assert seen["history"] == [3.0, 2.0, 1.0]
    assert (seen["status"], seen["stage"], seen["files"]) == ("FINISHED", "try", ["notes/hello.txt"])
    assert (seen["found"], seen["nothing"], seen["changed"]) == (True, 0, False)


@pytest.mark.slow
def test_inside_a_job_the_run_is_the_job(
    sandbox: Sandbox, workspace: Any, cluster: str, environment_name: str, write: Write
) -> None:
    import requests

    job = submit(workspace, write("src/train.py", INSIDE).parent, "python train.py", environment_name)
    assert "same run True" in stream(workspace, job.name)
    variables = tracking_variables(sandbox, workspace)
    url = f"{variables['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/get?run_id={job.name}"
    header = {"authorization": f"Bearer {variables['MLFLOW_TRACKING_TOKEN']}"}
    run = requests.get(url, headers=header, timeout=10).json()["run"]
    assert {one["key"]: one["value"] for one in run["data"]["metrics"]} == {"mse": 3123.25}
    assert {one["key"]: one["value"] for one in run["data"]["params"]} == {"alpha": "0.4"}
    assert run["info"]["status"] == "FINISHED"


def test_logged_models_answer_404_as_the_service_does(sandbox: Sandbox, workspace: Any) -> None:
    import requests

    variables = tracking_variables(sandbox, workspace)
    url = f"{variables['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/logged-models"
    header = {"authorization": f"Bearer {variables['MLFLOW_TRACKING_TOKEN']}"}
    assert requests.post(url, json={}, headers=header, timeout=10).status_code == 404
