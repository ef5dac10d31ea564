"""Running jobs: one thread a job, at most as many of a cluster's jobs at once as it has nodes.

What the service does with a job is done here with a process: inputs are delivered, the log is written where
`jobs.stream` reads it, outputs land in the datastore, the status is the run's.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.compute.errors import ComputeError, ProcessesClosedError
from sandbox.compute.processes import Processes
from sandbox.compute.training import TrainingRun
from sandbox.errors import ApiError
from sandbox.log import event
from sandbox.machinelearning.context import Context, kind_of
from sandbox.machinelearning.outputs import register_outputs
from sandbox.machinelearning.pipelines import run_pipeline
from sandbox.machinelearning.runs import ENDED, RUNS, require_run, set_status, update_run
from sandbox.machinelearning.runtimes import Runtimes
from sandbox.machinelearning.specification import BUILD_LOG, LOG, run_folder, training_spec
from sandbox.store import Document
from sandbox.store.resources import require

JOBS = kind_of("jobs")
COMPUTES = kind_of("computes")
SHORTEST_SECONDS = 2.0
RESTARTED = "The sandbox was stopped while this job was under way. Submit it again."
Variables = Callable[[str, Document], Mapping[str, str]]


@dataclass(frozen=True)
class Machine:
    """What jobs run with: processes, runtimes, a folder for work, and the variables a job gets."""

    processes: Processes
    runtimes: Runtimes
    work: Path
    variables: Variables


class Execution:
    """The jobs that are under way."""

    def __init__(self, context: Context, machine: Machine) -> None:
        self._context = context
        self._store = context.store
        self._machine = machine
        self._lock = threading.Lock()
        self._nodes: dict[str, threading.Semaphore] = {}
        self._runs: dict[str, TrainingRun] = {}
        self._canceled: set[str] = set()
        self._closing = threading.Event()

    def submit(self, job_id: str) -> None:
        threading.Thread(target=self._guarded, args=(job_id,), name=f"job-{job_id[-12:]}", daemon=True).start()

    def cancel(self, job_id: str) -> None:
        """End a job: its process where it has one, else before it starts."""
        workspace, name = job_id.rsplit("/jobs/", 1)
        with self._lock:
            self._canceled.add(job_id)
            run = self._runs.get(job_id)
        update = set_status(self._store, workspace, name, "CancelRequested", self._context.clock.timestamp())
        event("cancel", job=name, moved=update)
        if run:
            threading.Thread(target=run.cancel, name="cancel", daemon=True).start()
        for child in self._store.list(RUNS, f"{workspace}/runs"):
            if child.body["parent"] == name and child.body["status"] not in ENDED:
                self.cancel(f"{workspace}/jobs/{child.name}")

    def stop_beneath(self, resource_id: str) -> None:
        """End the jobs of a workspace that is being deleted."""
        with self._lock:
            beneath = [one for one in self._runs if one.lower().startswith(resource_id.lower() + "/")]
            self._canceled.update(beneath)
            runs = [self._runs[one] for one in beneath]
        for run in runs:
            run.cancel()

    def recover(self) -> None:
        """Fail what an earlier server left under way: its process is gone, its log is not."""
        for run in self._store.list(RUNS):
            workspace, name = run.id.rsplit("/runs/", 1)
            if run.body["status"] not in ENDED and self._store.get(JOBS, f"{workspace}/jobs/{name}"):
                set_status(self._store, workspace, name, "Failed", self._context.clock.timestamp(), RESTARTED)
                event("job failed by restart", job=name)

    def close(self) -> None:
        self._closing.set()

    def is_canceled(self, job_id: str) -> bool:
        return job_id in self._canceled

    def _guarded(self, job_id: str) -> None:
        """Whatever happens, the job ends with a reason."""
        workspace, name = job_id.rsplit("/jobs/", 1)
        try:
            self.run(job_id)
        except (ApiError, ComputeError) as error:
            self._end(workspace, name, "Failed", str(error))
        except Exception:
            logging.getLogger("sandbox").exception("job failed", extra={"fields": {"job": name}})
            self._end(workspace, name, "Failed", "The sandbox failed while it ran this job. `sandbox logs` has more.")

    def run(self, job_id: str) -> None:
        """Run a job to its end, in this thread."""
        job = require(self._store, JOBS, job_id)
        if job.body["properties"]["jobType"] == "Pipeline":
            self._run_steps(job)
        else:
            with self._node(job):
                self._run_command(job)

    def _run_steps(self, job: Document) -> None:
        workspace = job.id.rsplit("/jobs/", 1)[0]
        self._move(workspace, job.name, "Running")
        failure = run_pipeline(self._context, job, self.run, self.is_canceled)
        if self.is_canceled(job.id):
            self._end(workspace, job.name, "Canceled", "The job was canceled.")
        else:
            self._end(workspace, job.name, "Failed" if failure else "Completed", failure)

    def _node(self, job: Document) -> threading.Semaphore:
        """The nodes of the job's cluster; a job waits (Queued) until one is free."""
        compute_id = job.body["properties"].get("computeId") or "local"
        with self._lock:
            if compute_id not in self._nodes:
                found = self._store.get(COMPUTES, compute_id)
                scale = (found.body["properties"]["properties"].get("scaleSettings") or {}) if found else {}
                self._nodes[compute_id] = threading.Semaphore(max(1, int(scale.get("maxNodeCount", 1))))
        self._move(job.id.rsplit("/jobs/", 1)[0], job.name, "Queued")
        return self._nodes[compute_id]

    def _run_command(self, job: Document) -> None:
        workspace = job.id.rsplit("/jobs/", 1)[0]
        self._move(workspace, job.name, "Preparing")
        folder = run_folder(self._context, workspace, job.name)
        build_log = folder.path / BUILD_LOG
        build_log.parent.mkdir(parents=True, exist_ok=True)
        prepared = self._machine.runtimes.prepare(job.body["properties"]["environmentId"], build_log)
        with build_log.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in prepared.report)
        update_run(self._store, workspace, job.name, logs=[BUILD_LOG, LOG], warnings=list(prepared.warnings))
        variables = {**prepared.variables, **self._machine.variables(workspace, job)}
        spec = training_spec(self._context, workspace, job, prepared.runtime, variables)
        self._run_process(
            workspace, job, TrainingRun(spec, self._machine.processes, self._machine.work / self._context.ids.short())
        )

    def _run_process(self, workspace: str, job: Document, run: TrainingRun) -> None:
        with self._lock:
            self._runs[job.id] = run
            canceled = job.id in self._canceled
        try:
            if canceled:
                run.cancel()
            run.start()
            self._move(workspace, job.name, "Running")
            result = run.wait()
        except ProcessesClosedError:
            return  # the server is stopping; the next start says so in the job's status
        finally:
            with self._lock:
                del self._runs[job.id]
        if self._closing.is_set() and result.status == "Failed":
            return
        self._move(workspace, job.name, "Finalizing")
        if result.status == "Completed":
            register_outputs(self._context, workspace, job)
        self._linger(workspace, job.name)
        self._end(workspace, job.name, result.status, result.message)

    def _linger(self, workspace: str, name: str) -> None:
        """A client that streams reads the log only while the job is under way, and no real job ends within seconds."""
        created = datetime.fromisoformat(require_run(self._store, workspace, name).body["created"])
        spent = (self._context.clock.now() - created).total_seconds()
        self._closing.wait(max(0.0, SHORTEST_SECONDS - spent))

    def _move(self, workspace: str, name: str, status: str) -> None:
        if not self.is_canceled(f"{workspace}/jobs/{name}"):
            set_status(self._store, workspace, name, status, self._context.clock.timestamp())

    def _end(self, workspace: str, name: str, status: str, message: str | None) -> None:
        if self._store.get(RUNS, f"{workspace}/runs/{name}") is None:
            return  # its workspace was deleted under it
        set_status(self._store, workspace, name, status, self._context.clock.timestamp(), message or None)
        body = require_run(self._store, workspace, name).body
        event("job ended", job=name, status=body["status"])
