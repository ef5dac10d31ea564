"""Jobs: command jobs run here as processes; a pipeline job runs its steps as child jobs in the order of their data."""

from typing import Any, Protocol

from sandbox.errors import BadRequest, Conflict, NotImplementedHere
from sandbox.machinelearning.context import WORKSPACE, Context, child_id, kind_of, properties_of, require_workspace
from sandbox.machinelearning.runs import ENDED, create_run, require_run
from sandbox.machinelearning.uris import job_output
from sandbox.store import Document, Transaction
from sandbox.store.resources import envelope, require
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

KIND = kind_of("jobs")
TYPE = "Microsoft.MachineLearningServices/workspaces/jobs"
JOB_TYPES = ("Command", "Pipeline")


class Executions(Protocol):
    """Runs what was submitted, in threads of its own."""

    def submit(self, job_id: str) -> None: ...
    def cancel(self, job_id: str) -> None: ...


class Jobs:
    """The job resource. Its status is the run's."""

    def __init__(self, context: Context, executions: Executions) -> None:
        self._context = context
        self._store = context.store
        self._executions = executions

    def operations(self) -> list[Operation]:
        one = WORKSPACE + "/jobs/{job}"
        rows = [
            ("jobs_list", "GET", WORKSPACE + "/jobs", self.list),
            ("jobs_get", "GET", one, self.get),
            ("jobs_create_or_update", "PUT", one, self.put),
            ("jobs_cancel", "POST", one + "/cancel", self.cancel),
            ("jobs_delete", "DELETE", one, self.delete),
        ]
        return [Operation(*row) for row in rows]

    def list(self, call: Call) -> Reply:
        """Newest first; `ActiveOnly` hides what is archived, `jobType` and `tag` filter."""
        workspace = require_workspace(self._store, call.params)
        with self._store.read() as view:
            answers = [job_answer(call, view, workspace.id, one) for one in reversed(_listed(view, workspace.id))]
        view_type = call.option("listViewType", "ActiveOnly")
        if view_type != "All":
            answers = [one for one in answers if one["properties"]["isArchived"] == (view_type == "ArchivedOnly")]
        if call.option("jobType"):
            answers = [one for one in answers if one["properties"]["jobType"] == call.option("jobType")]
        return page(call, answers)

    def get(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        with self._store.read() as view:
            return Reply.json(job_answer(call, view, workspace.id, require(view, KIND, self._id(call))))

    def put(self, call: Call) -> Reply:
        given = properties_of(call.json())
        with self._store.write() as change:
            workspace = require_workspace(change, call.params)
            found = change.get(KIND, self._id(call))
            create = not found
            document = self._update(change, found, given) if found else self._create(change, call, workspace.id, given)
            answer = job_answer(call, change, workspace.id, document)
        if create:
            self._executions.submit(document.id)
        return Reply.json(answer, 201 if create else 200)

    def _create(self, change: Transaction, call: Call, workspace: str, given: dict[str, Any]) -> Document:
        check_job(change, workspace, given)
        name = call.params["job"]
        experiment = given.get("experimentName") or "Default"
        target = str(given.get("computeId") or "local").rsplit("/", 1)[-1]
        display = given.get("displayName") or name
        create_run(
            change, workspace, name, experiment, "NotStarted", display, self._context.clock.timestamp(), target=target
        )
        properties = {**given, "displayName": display, "experimentName": experiment, "isArchived": False}
        properties["outputs"] = {
            output: {**entry, "uri": entry.get("uri") or job_output(workspace, name, output).uri}
            for output, entry in (given.get("outputs") or {}).items()
            if output != "default"  # its presence sends jobs.stream down a path that signs with the account key (b.6)
        }
        return change.put(KIND, self._id(call), {"properties": properties}, child_id(call.params, "jobs"))

    def _update(self, change: Transaction, found: Document, given: dict[str, Any]) -> Document:
        """What may change on a job that exists: its words, tags and archiving."""
        changed = found.body["properties"].get("command") != given.get(
            "command", found.body["properties"].get("command")
        )
        if changed:
            raise Conflict("UserError", f"A job '{found.name}' exists already. Choose another name.")
        kept = {name: given[name] for name in ("displayName", "description", "tags", "isArchived") if name in given}
        return change.put(KIND, found.id, {"properties": {**found.body["properties"], **kept}})

    def cancel(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        job = require(self._store, KIND, self._id(call))
        status = require_run(self._store, workspace.id, job.name).body["status"]
        if status in ENDED:
            raise BadRequest("UserError", f"The job '{job.name}' has ended ({status}) and cannot be canceled.")
        self._executions.cancel(job.id)
        return Reply(200)

    def delete(self, call: Call) -> Reply:
        workspace = require_workspace(self._store, call.params)
        job = require(self._store, KIND, self._id(call))
        if require_run(self._store, workspace.id, job.name).body["status"] not in ENDED:
            raise Conflict("UserError", f"The job '{job.name}' is still under way. Cancel it first.")
        self._store.delete(KIND, job.id)
        return Reply(200)

    def _id(self, call: Call) -> str:
        return child_id(call.params, "jobs", call.params["job"])


def check_job(change: Transaction, workspace: str, given: dict[str, Any]) -> None:
    """Refuse at once what could never run, as the service does. Raises BadRequest or NotImplementedHere."""
    job_type = given.get("jobType")
    if job_type not in JOB_TYPES:
        raise NotImplementedHere("JobTypeNotImplemented", f"The sandbox does not implement jobs of type '{job_type}'.")
    if int((given.get("resources") or {}).get("instanceCount") or 1) > 1 or given.get("distribution"):
        raise NotImplementedHere(
            "DistributedJobNotImplemented", "The sandbox runs a job on one node, without a distribution."
        )
    if job_type == "Command":
        if not given.get("command"):
            raise BadRequest("ValidationError", "A command job needs a command.")
        _require_reference(change, workspace, "environments", given.get("environmentId"))
        if given.get("codeId"):
            _require_reference(change, workspace, "codes", given["codeId"])
    if given.get("computeId") and change.get(kind_of("computes"), given["computeId"]) is None:
        name = given["computeId"].rsplit("/", 1)[-1]
        raise BadRequest("UserError", f"Unknown compute target '{name}'.")


def _require_reference(change: Transaction, workspace: str, segment: str, reference: str | None) -> None:
    if not reference:
        raise BadRequest("ValidationError", f"A command job needs {segment[:-1]}Id.")
    if "/registries/" in reference or reference.startswith("azureml://registries"):
        raise NotImplementedHere(
            "RegistryNotImplemented",
            f"The sandbox has no registries of Azure ML: '{reference}'. Use an asset of the workspace.",
        )
    if change.get(kind_of(segment, "versions"), reference) is None:
        raise BadRequest("UserError", f"The {segment[:-1]} '{reference}' was not found in this workspace.")


def _listed(view: Transaction, workspace: str) -> list[Document]:
    return view.list(KIND, f"{workspace}/jobs")


def job_answer(call: Call, view: Transaction, workspace: str, document: Document) -> dict[str, Any]:
    """The job with the run's status and the services that `jobs.stream` asks for (b.6)."""
    run = require_run(view, workspace, document.name)
    host = call.base.removeprefix("https://")
    services = {
        "Tracking": {"jobServiceType": "Tracking", "endpoint": f"azureml://{host}/mlflow/v1.0{workspace}"},
        "Studio": {"jobServiceType": "Studio", "endpoint": f"{call.base}/ui/runs/{document.name}"},
    }
    answer = envelope(document, TYPE)
    answer["properties"] = {
        "tags": {},
        "inputs": {},
        "properties": {},
        "environmentVariables": {},
        **document.body["properties"],
        "status": run.body["status"],
        "services": services,
        "parentJobName": run.body["parent"],
        "isArchived": document.body["properties"].get("isArchived", False) or run.body["hidden"],
    }
    return answer
