"""Runs and experiments: one record for a job, its run history and its MLflow run (run id == job name)."""

from collections.abc import Mapping
from typing import Any

from sandbox.clock import milliseconds
from sandbox.errors import BadRequest, NotFound
from sandbox.ids import derived_guid
from sandbox.machinelearning.context import kind_of
from sandbox.store import Document, Store, Transaction

RUNS = kind_of("runs")
EXPERIMENTS = kind_of("experiments")
ENDED = ("Completed", "Failed", "Canceled")
TO_MLFLOW = {
    "Completed": "FINISHED",
    "Failed": "FAILED",
    "Canceled": "KILLED",
    "Running": "RUNNING",
    "Finalizing": "RUNNING",
}
FROM_MLFLOW = {
    "FINISHED": "Completed",
    "FAILED": "Failed",
    "KILLED": "Canceled",
    "RUNNING": "Running",
    "SCHEDULED": "NotStarted",
}


def ensure_experiment(change: Transaction, workspace: str, name: str) -> Document:
    """The experiment of that name; the first job or script that names it makes it."""
    resource = f"{workspace}/experiments/{name}"
    found = change.get(EXPERIMENTS, resource)
    if found:
        return found
    body = {"experiment_id": derived_guid(resource), "tags": {}, "archived": False}
    return change.put(EXPERIMENTS, resource, body, f"{workspace}/experiments")


def experiment_by_id(view: Store | Transaction, workspace: str, experiment_id: str) -> Document | None:
    found = view.list(EXPERIMENTS, f"{workspace}/experiments")
    return next((one for one in found if one.body["experiment_id"] == experiment_id), None)


def create_run(
    change: Transaction,
    workspace: str,
    run_id: str,
    experiment: str,
    status: str,
    display_name: str,
    now: str,
    parent: str | None = None,
    target: str = "local",
) -> Document:
    """A run with no values yet. `parent` is the run id of a pipeline; `target` the name of its compute."""
    owner = ensure_experiment(change, workspace, experiment)
    body = {
        "experiment": owner.name,
        "experiment_id": owner.body["experiment_id"],
        "status": status,
        "display_name": display_name,
        "created": now,
        "started": None,
        "ended": None,
        "error": None,
        "hidden": False,
        "parent": parent,
        "target": target,
        "params": {},
        "tags": {},
        "logs": [],
        "warnings": [],
    }
    return change.put(RUNS, run_resource(workspace, run_id), body, f"{workspace}/runs")


def run_resource(workspace: str, run_id: str) -> str:
    return f"{workspace}/runs/{run_id}"


def require_run(view: Store | Transaction, workspace: str, run_id: str) -> Document:
    """The run. Raises NotFound in MLflow's words."""
    found = view.get(RUNS, run_resource(workspace, run_id))
    if found is None:
        raise NotFound("RESOURCE_DOES_NOT_EXIST", f"Run with id={run_id} not found.")
    return found


def update_run(store: Store | Transaction, workspace: str, run_id: str, **fields: Any) -> Document:
    """Replace fields of a run."""
    if isinstance(store, Store):
        with store.write() as change:
            return update_run(change, workspace, run_id, **fields)
    found = require_run(store, workspace, run_id)
    return store.put(RUNS, found.id, {**found.body, **fields})


def set_status(store: Store, workspace: str, run_id: str, status: str, now: str, error: str | None = None) -> bool:
    """Move a run on. What has ended stays as it ended; returns whether the run moved."""
    with store.write() as change:
        body = require_run(change, workspace, run_id).body
        if body["status"] in ENDED:
            return False
        fields: dict[str, Any] = {"status": status}
        if status == "Running" and not body["started"]:
            fields["started"] = now
        if status in ENDED:
            fields["ended"] = now
        if error:
            fields["error"] = error
        update_run(change, workspace, run_id, **fields)
        return True


def log_values(
    store: Store,
    workspace: str,
    run_id: str,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    metrics: list[tuple[str, float, int, int]],
) -> None:
    """Parameters, tags and metrics, all or nothing. A parameter that was logged with another value is refused."""
    with store.write() as change:
        run = require_run(change, workspace, run_id)
        for name, value in params.items():
            logged = run.body["params"].get(name)
            if logged is not None and logged != value:
                raise BadRequest(
                    "INVALID_PARAMETER_VALUE",
                    f"Changing param values is not allowed. Param with key='{name}' was already logged with "
                    f"value='{logged}' for run ID='{run_id}'. Attempted logging new value '{value}'.",
                )
        if params or tags:
            merged = {"params": {**run.body["params"], **params}, "tags": {**run.body["tags"], **tags}}
            update_run(change, workspace, run_id, **merged)
        if metrics:
            change.add_metrics(run.key, metrics)


def last_metrics(view: Transaction, run: Document) -> list[dict[str, Any]]:
    """The newest value of each metric, as MLflow shows it: highest step, then time, then value."""
    newest: dict[str, tuple[int, int, float]] = {}
    for name, value, timestamp, step in view.metrics(run.key):
        newest[name] = max(newest.get(name, (step, timestamp, value)), (step, timestamp, value))
    return [
        {"key": name, "value": value, "timestamp": timestamp, "step": step}
        for name, (step, timestamp, value) in newest.items()
    ]


def mlflow_run(view: Transaction, run: Document, artifact_uri: str) -> dict[str, Any]:
    """The run as the MLflow API gives it."""
    body = run.body
    info = {
        "run_id": run.name,
        "run_uuid": run.name,
        "run_name": body["display_name"],
        "experiment_id": body["experiment_id"],
        "user_id": "sandbox",
        "status": TO_MLFLOW.get(body["status"], "SCHEDULED"),
        "start_time": milliseconds(body["started"] or body["created"]),
        "artifact_uri": artifact_uri,
        "lifecycle_stage": "deleted" if body["hidden"] else "active",
    }
    if body["ended"]:
        info["end_time"] = milliseconds(body["ended"])
    tags = {"mlflow.runName": body["display_name"], **body["tags"]}
    if body["parent"]:
        tags.setdefault("mlflow.parentRunId", body["parent"])
    data = {
        "metrics": last_metrics(view, run),
        "params": [{"key": name, "value": value} for name, value in body["params"].items()],
        "tags": [{"key": name, "value": value} for name, value in tags.items()],
    }
    return {"info": info, "data": data, "inputs": {}}


def error_document(message: str, now: str) -> dict[str, Any]:
    """The error of a failed run, as run history tells it; the SDK raises JobException with it."""
    return {"error": {"code": "UserError", "message": message, "messageParameters": {}, "details": []}, "time": now}
