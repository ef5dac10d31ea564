"""The MLflow REST subset, on the same records as jobs and run history (azure-machine-learning.md, b.9).

Run id and job name are one. Logged models answer 404 as the service does: a script that needs MLflow 3's registry
of models must fail here as it fails there (contract, e).
"""

import re
from collections.abc import Callable
from typing import Any

from sandbox.errors import BadRequest, NotFound, NotImplementedHere
from sandbox.machinelearning.context import WORKSPACE, Context, kind_of, require_workspace
from sandbox.machinelearning.runs import (
    EXPERIMENTS,
    FROM_MLFLOW,
    RUNS,
    create_run,
    ensure_experiment,
    experiment_by_id,
    log_values,
    mlflow_run,
    require_run,
    update_run,
)
from sandbox.machinelearning.specification import run_folder
from sandbox.store import Document
from sandbox.wire import Call, Operation, Reply

API = "/mlflow/{plane}" + WORKSPACE + "/api/2.0/mlflow"
JOBS = kind_of("jobs")
Handler = Callable[[Call], Reply]


class Mlflow:
    """Experiments, runs and their values."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def operations(self) -> list[Operation]:
        rows: list[tuple[str, str, str, Handler]] = [
            ("mlflow_experiments_create", "POST", "/experiments/create", self.create_experiment),
            ("mlflow_experiments_get", "GET", "/experiments/get", self.get_experiment),
            ("mlflow_experiments_get_by_name", "GET", "/experiments/get-by-name", self.get_experiment_by_name),
            ("mlflow_experiments_search", "POST", "/experiments/search", self.search_experiments),
            ("mlflow_experiments_search", "GET", "/experiments/search", self.search_experiments),
            ("mlflow_runs_create", "POST", "/runs/create", self.create_run),
            ("mlflow_runs_get", "GET", "/runs/get", self.get_run),
            ("mlflow_runs_update", "POST", "/runs/update", self.update_run),
            ("mlflow_runs_search", "POST", "/runs/search", self.search_runs),
            ("mlflow_runs_log_parameter", "POST", "/runs/log-parameter", self.log_parameter),
            ("mlflow_runs_log_metric", "POST", "/runs/log-metric", self.log_metric),
            ("mlflow_runs_log_batch", "POST", "/runs/log-batch", self.log_batch),
            ("mlflow_runs_set_tag", "POST", "/runs/set-tag", self.set_tag),
            ("mlflow_runs_log_model", "POST", "/runs/log-model", self.log_model),
            ("mlflow_metrics_get_history", "GET", "/metrics/get-history", self.get_history),
            ("mlflow_artifacts_list", "GET", "/artifacts/list", self.list_artifacts),
            ("mlflow_logged_models", "POST", "/logged-models", self.refuse_logged_models),
            ("mlflow_logged_models", "GET", "/logged-models/{rest+}", self.refuse_logged_models),
            ("mlflow_logged_models", "PATCH", "/logged-models/{rest+}", self.refuse_logged_models),
            ("mlflow_logged_models", "POST", "/logged-models/{rest+}", self.refuse_logged_models),
        ]
        return [Operation(name, method, API + path, handler, dialect="mlflow") for name, method, path, handler in rows]

    # Experiments

    def create_experiment(self, call: Call) -> Reply:
        name = _field(call.json(), "name")
        with self._store.write() as change:
            workspace = require_workspace(change, call.params)
            if change.get(EXPERIMENTS, f"{workspace.id}/experiments/{name}"):
                raise BadRequest("RESOURCE_ALREADY_EXISTS", f"Experiment '{name}' already exists.")
            made = ensure_experiment(change, workspace.id, name)
        return Reply.json({"experiment_id": made.body["experiment_id"]})

    def get_experiment(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        found = experiment_by_id(self._store, workspace.id, call.option("experiment_id"))
        return Reply.json({"experiment": _experiment(found, call.option("experiment_id"))})

    def get_experiment_by_name(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        name = call.option("experiment_name")
        found = self._store.get(EXPERIMENTS, f"{workspace.id}/experiments/{name}")
        return Reply.json({"experiment": _experiment(found, name)})

    def search_experiments(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        if call.json().get("filter"):
            raise NotImplementedHere("NOT_IMPLEMENTED", "The sandbox does not implement filters of experiments.")
        found = self._store.list(EXPERIMENTS, f"{workspace.id}/experiments")
        return Reply.json({"experiments": [_experiment(one, one.name) for one in reversed(found)]})

    # Runs

    def create_run(self, call: Call) -> Reply:
        """A run outside a job, as `mlflow.start_run()` on a laptop makes it."""
        given = call.json()
        run_id = self._context.ids.guid()
        with self._store.write() as change:
            workspace = require_workspace(change, call.params)
            owner = experiment_by_id(change, workspace.id, _field(given, "experiment_id"))
            experiment = _experiment(owner, given["experiment_id"])["name"]
            tags = {one["key"]: one["value"] for one in given.get("tags") or []}
            display = given.get("run_name") or tags.get("mlflow.runName") or f"run-{run_id[:8]}"
            now = self._context.clock.timestamp()
            create_run(change, workspace.id, run_id, experiment, "Running", display, now)
            run = update_run(change, workspace.id, run_id, started=now, tags=tags)
            answer = self._answer(workspace.id, run)
        return Reply.json(answer)

    def get_run(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        run = require_run(self._store, workspace.id, call.option("run_id") or call.option("run_uuid"))
        return Reply.json(self._answer(workspace.id, run))

    def update_run(self, call: Call) -> Reply:
        """A script may end its own run; a job's status is the sandbox's to set, as it is the service's."""
        given = call.json()
        run_id = _run_id(given)
        with self._store.write() as change:
            workspace = require_workspace(change, call.params)
            run = require_run(change, workspace.id, run_id)
            fields: dict[str, Any] = {}
            if given.get("run_name"):
                fields["display_name"] = given["run_name"]
            is_job = change.get(JOBS, f"{workspace.id}/jobs/{run_id}") is not None
            if given.get("status") and not is_job:
                fields["status"] = FROM_MLFLOW.get(given["status"], run.body["status"])
            if given.get("end_time") and not is_job:
                fields["ended"] = self._context.clock.timestamp()
            run = update_run(change, workspace.id, run_id, **fields)
            answer = self._answer(workspace.id, run)["run"]["info"]
        return Reply.json({"run_info": answer})

    def search_runs(self, call: Call) -> Reply:
        """Newest first, of the experiments asked for; `filter` compares metrics, parameters, tags and attributes."""
        given = call.json()
        workspace = require_workspace(self._store, call.params)
        wanted = set(given.get("experiment_ids") or [])
        with self._store.read() as view:
            found = [one for one in view.list(RUNS, f"{workspace.id}/runs") if one.body["experiment_id"] in wanted]
            answers = [mlflow_run(view, one, self._artifacts(workspace.id, one)) for one in reversed(found)]
        answers = [one for one in answers if one["info"]["lifecycle_stage"] == "active"]
        tests = (
            [_test(part) for part in re.split(r"\s+and\s+", given["filter"], flags=re.I)] if given.get("filter") else []
        )
        shown = [one for one in answers if all(test(one) for test in tests)]
        return Reply.json({"runs": shown[: int(given.get("max_results") or 1000)]})

    def log_parameter(self, call: Call) -> Reply:
        given = call.json()
        return self._log(call, _run_id(given), params={_field(given, "key"): str(given.get("value", ""))})

    def log_metric(self, call: Call) -> Reply:
        given = call.json()
        return self._log(call, _run_id(given), metrics=[self._metric(given)])

    def log_batch(self, call: Call) -> Reply:
        given = call.json()
        return self._log(
            call,
            _run_id(given),
            params={one["key"]: str(one["value"]) for one in given.get("params") or []},
            tags={one["key"]: str(one["value"]) for one in given.get("tags") or []},
            metrics=[self._metric(one) for one in given.get("metrics") or []],
        )

    def set_tag(self, call: Call) -> Reply:
        given = call.json()
        return self._log(call, _run_id(given), tags={_field(given, "key"): str(given.get("value", ""))})

    def log_model(self, call: Call) -> Reply:
        given = call.json()
        return self._log(call, _run_id(given), tags={"mlflow.log-model.history": str(given.get("model_json", "[]"))})

    def _log(
        self,
        call: Call,
        run_id: str,
        params: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
        metrics: list[tuple[str, float, int, int]] | None = None,
    ) -> Reply:
        workspace = require_workspace(self._store, call.params)
        log_values(self._store, workspace.id, run_id, params or {}, tags or {}, metrics or [])
        return Reply.json({})

    def _metric(self, given: dict[str, Any]) -> tuple[str, float, int, int]:
        now = int(self._context.clock.now().timestamp() * 1000)
        try:
            return (
                _field(given, "key"),
                float(given["value"]),
                int(given.get("timestamp") or now),
                int(given.get("step") or 0),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadRequest("INVALID_PARAMETER_VALUE", f"A metric needs a number: {given}.") from error

    def get_history(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        run = require_run(self._store, workspace.id, call.option("run_id") or call.option("run_uuid"))
        with self._store.read() as view:
            rows = view.metrics(run.key, call.option("metric_key"))
        return Reply.json(
            {"metrics": [{"key": key, "value": value, "timestamp": at, "step": step} for key, value, at, step in rows]}
        )

    def list_artifacts(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        run = require_run(self._store, workspace.id, call.option("run_id") or call.option("run_uuid"))
        root = run_folder(self._context, workspace.id, run.name).path
        folder = (root / call.option("path")).resolve()
        if not folder.is_relative_to(root.resolve()):
            raise BadRequest("INVALID_PARAMETER_VALUE", f"Invalid path: {call.option('path')}.")
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        files = [
            {"path": str(one.relative_to(root.resolve())), "is_dir": one.is_dir()}
            | ({} if one.is_dir() else {"file_size": one.stat().st_size})
            for one in entries
        ]
        return Reply.json({"root_uri": self._artifacts(workspace.id, run), "files": files})

    def refuse_logged_models(self, call: Call) -> Reply:
        raise NotFound("ENDPOINT_NOT_FOUND", "Logged models are not offered by Azure Machine Learning. Use MLflow 2.x.")

    def _answer(self, workspace: str, run: Document) -> dict[str, Any]:
        with self._store.read() as view:
            return {"run": mlflow_run(view, run, self._artifacts(workspace, run))}

    def _artifacts(self, workspace: str, run: Document) -> str:
        """A file address: clients run on this machine, and `mlflow-artifacts:` is refused under azureml:// (d 13)."""
        path = run_folder(self._context, workspace, run.name).path
        path.mkdir(parents=True, exist_ok=True)
        return path.as_uri()


def _experiment(found: Document | None, asked: str) -> dict[str, Any]:
    if found is None:
        raise NotFound("RESOURCE_DOES_NOT_EXIST", f"Could not find experiment '{asked}'.")
    return {
        "experiment_id": found.body["experiment_id"],
        "name": found.name,
        "artifact_location": "",
        "lifecycle_stage": "active",
        "tags": [],
    }


def _field(given: dict[str, Any], name: str) -> str:
    if not given.get(name):
        raise BadRequest("INVALID_PARAMETER_VALUE", f"Missing value for required parameter '{name}'.")
    return str(given[name])


def _run_id(given: dict[str, Any]) -> str:
    return _field({"run_id": given.get("run_id") or given.get("run_uuid")}, "run_id")


FILTER = re.compile(
    r"""^\s*(?P<group>metrics?|params?|parameters?|tags?|attributes?)\.[`"]?(?P<key>[^`"=<>!]+?)[`"]?\s*"""
    r"""(?P<comparison>!=|<=|>=|=|<|>)\s*['"]?(?P<value>[^'"]*)['"]?\s*$""",
    re.IGNORECASE,
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    ">": lambda left, right: bool(left > right),
    "<=": lambda left, right: bool(left <= right),
    ">=": lambda left, right: bool(left >= right),
}


def _test(part: str) -> Callable[[dict[str, Any]], bool]:
    """One comparison of a search filter. Raises BadRequest where it is not one."""
    found = FILTER.match(part)
    if not found:
        raise BadRequest("INVALID_PARAMETER_VALUE", f"Invalid clause(s) in filter string: '{part}'.")
    group, key, compare = found["group"].lower(), found["key"], COMPARISONS[found["comparison"]]

    def holds(run: dict[str, Any]) -> bool:
        if group.startswith("attribute"):
            value = run["info"].get(key)
            return value is not None and compare(str(value), found["value"])
        rows = run["data"][
            "metrics" if group.startswith("metric") else "params" if group.startswith("param") else "tags"
        ]
        values = [one["value"] for one in rows if one["key"] == key]
        if not values:
            return False
        return (
            compare(float(values[0]), float(found["value"]))
            if group.startswith("metric")
            else compare(values[0], found["value"])
        )

    return holds
