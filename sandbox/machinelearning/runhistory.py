"""Run history and the data plane beside it: what `jobs.stream` and `jobs.download` read (contract b.6)."""

import re
from typing import Any

from sandbox.errors import NotFound
from sandbox.machinelearning.context import WORKSPACE, Context, kind_of, require_workspace
from sandbox.machinelearning.datastores import SAS_SECONDS
from sandbox.machinelearning.runs import RUNS, error_document, require_run, update_run
from sandbox.machinelearning.specification import run_folder
from sandbox.machinelearning.uris import locate
from sandbox.settings import STORAGE_SUFFIX
from sandbox.store import Document
from sandbox.wire import Call, Operation, Reply

HISTORY = "/history/v1.0" + WORKSPACE
OUTPUT_ASSET = re.compile(r"/data/azureml_(?P<job>.+)_output_data_(?P<output>[^/]+)/versions/")
RUN_TYPES = {"Command": "commandjob", "Pipeline": "azureml.PipelineRun"}


class RunHistory:
    """Runs as the run history service tells them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def operations(self) -> list[Operation]:
        of_experiment = HISTORY + "/experiments/{experiment}/runs/{run}"
        resolve = "/data/v1.0" + WORKSPACE + "/dataversion/batchGetResolvedUris"
        rows = [
            ("run_history_get_details", "GET", HISTORY + "/runs/{run}/details", self.get_details),
            ("run_history_get", "GET", HISTORY + "/runs/{run}", self.get),
            ("run_history_get_by_experiment", "GET", of_experiment, self.get),
            ("run_history_update", "PATCH", of_experiment, self.patch),
            ("run_history_list_children", "GET", HISTORY + "/runs/{run}/children", self.list_children),
            ("run_history_get_data", "POST", HISTORY + "/rundata", self.get_data),
            ("data_versions_resolve", "POST", resolve, self.resolve),
        ]
        return [Operation(*row) for row in rows]

    def get_details(self, call: Call) -> Reply:
        """Status, log addresses and the error. The client fetches each log whole at every look."""
        workspace, run = self._require(call, call.params["run"])
        body = run.body
        answer: dict[str, Any] = {
            "runId": run.name,
            "status": body["status"],
            "target": body["target"],
            "startTimeUtc": body["started"],
            "endTimeUtc": body["ended"],
            "properties": {},
            "inputDatasets": [],
            "outputDatasets": [],
            "logFiles": self._logs(call, workspace, run),
            "warnings": [{"source": "Environment", "message": text} for text in body["warnings"]],
        }
        if body["error"]:
            answer["error"] = error_document(body["error"], body["ended"] or body["created"])
        return Reply.json(answer)

    def _logs(self, call: Call, workspace: str, run: Document) -> dict[str, str]:
        folder = run_folder(self._context, workspace, run.name)
        token = self._context.shared_access(folder.account, folder.container, "r", SAS_SECONDS)
        container = f"{call.base}/{folder.account}.blob.{STORAGE_SUFFIX}/{folder.container}"
        present = [name for name in run.body["logs"] if (folder.path / name).exists()]
        return {name: f"{container}/{folder.prefix}/{name}?{token}" for name in present}

    def get(self, call: Call) -> Reply:
        workspace, run = self._require(call, call.params["run"])
        return Reply.json(self._run(workspace, run))

    def patch(self, call: Call) -> Reply:
        """`hidden` archives a run: `jobs.archive` comes this way (azure-machine-learning.md, g 2)."""
        workspace, run = self._require(call, call.params["run"])
        given = call.json()
        fields: dict[str, Any] = {}
        if "hidden" in given:
            fields["hidden"] = bool(given["hidden"])
        if given.get("tags"):
            fields["tags"] = {**run.body["tags"], **given["tags"]}
        if given.get("displayName"):
            fields["display_name"] = given["displayName"]
        return Reply.json(self._run(workspace, update_run(self._store, workspace, run.name, **fields)))

    def list_children(self, call: Call) -> Reply:
        workspace, run = self._require(call, call.params["run"])
        found = [one for one in self._store.list(RUNS, f"{workspace}/runs") if one.body["parent"] == run.name]
        return Reply.json({"value": [self._run(workspace, one) for one in found]})

    def get_data(self, call: Call) -> Reply:
        workspace, run = self._require(call, str(call.json().get("runId")))
        return Reply.json({"runMetadata": self._run(workspace, run)})

    def resolve(self, call: Call) -> Reply:
        """Where data assets lie. Job outputs have asset ids of their own, made from job and output."""
        workspace = require_workspace(self._store, call.params)
        resolved: dict[str, Any] = {}
        for asset in call.json().get("values") or []:
            found = OUTPUT_ASSET.search(asset)
            address = f"azureml://jobs/{found['job']}/outputs/{found['output']}" if found else asset
            resolved[asset] = {"uri": locate(self._store, workspace.id, address).uri, "type": "UriFolder"}
        return Reply.json({"values": resolved})

    def _require(self, call: Call, run_id: str) -> tuple[str, Document]:
        workspace = require_workspace(self._store, call.params)
        try:
            return workspace.id, require_run(self._store, workspace.id, run_id)
        except NotFound as error:
            raise NotFound("UserError", f"Run {run_id} was not found.") from error

    def _run(self, workspace: str, run: Document) -> dict[str, Any]:
        body = run.body
        job = self._store.get(kind_of("jobs"), f"{workspace}/jobs/{run.name}")
        job_type = job.body["properties"]["jobType"] if job else "Command"
        return {
            "runId": run.name,
            "runUuid": run.name,
            "parentRunId": body["parent"],
            "rootRunId": body["parent"] or run.name,
            "experimentId": body["experiment_id"],
            "status": body["status"],
            "displayName": body["display_name"],
            "name": body["display_name"],
            "createdUtc": body["created"],
            "startTimeUtc": body["started"],
            "endTimeUtc": body["ended"],
            "runType": RUN_TYPES[job_type],
            "target": body["target"],
            "tags": body["tags"],
            "properties": {"azureml.runsource": RUN_TYPES[job_type]},
            "hidden": body["hidden"],
            "inputs": {},
            "outputs": self._outputs(workspace, job) if job else {},
        }

    def _outputs(self, workspace: str, job: Document) -> dict[str, Any]:
        """Lower-case types, or the SDK does not know them and skips the output (b.6)."""
        guid = workspace.rsplit("/", 1)[-1]
        outputs = job.body["properties"].get("outputs") or {}
        return {
            name: {
                "assetId": f"azureml://locations/local/workspaces/{guid}/data/azureml_{job.name}_output_data_{name}/versions/1",
                "type": str(entry.get("jobOutputType") or "uri_folder").lower(),
            }
            for name, entry in outputs.items()
        }
