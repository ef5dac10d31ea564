"""The training environment, the training job and what it logged."""

from checker.checks.judgement import missing, quote
from checker.checks.registry import check
from checker.checks.workspace import ready_workspace
from checker.clients.machinelearning import Job, Run
from checker.context import CheckContext
from checker.model import Evidence, Verdict, failed, waiting

SUBMIT = "python solution/training/submit_training.py"
ACTIVE = frozenset(
    {"NotStarted", "Queued", "Preparing", "Provisioning", "Starting", "Running", "Finalizing", "CancelRequested"}
)
LOGGED = ("alpha", "mse")
JOBS_READ = 3  # newest completed jobs whose log is looked at: an evaluation may share the experiment


@check("TRN001", "M6", ("WSP002",))
def environment_has_a_version(context: CheckContext) -> Evidence:
    """The training environment is registered.

    A job is only repeatable when the packages it ran with are named and versioned.
    """
    name = context.names.environment
    used = next((job.environment for job in context.jobs() if job.environment.rpartition(":")[0] == name), "")
    if used:  # a job can only name what is registered: this saves a request
        return Evidence(f"{used}, which a job ran in", {"environment": used})
    versions = context.environments()
    if not versions:
        raise missing(
            "environment",
            name,
            context.machine_learning.list_names("environments"),
            "The provisioning step registers the environment from its conda file.",
            "An environment that is written into the job itself has no name and does not count.",
            commands=("python solution/provision.py",),
        )
    newest = versions[0]
    return Evidence(newest.reference, {"image": newest.image})


@check("TRN002", "M6", ("WSP002",))
def training_job_completed(context: CheckContext) -> Evidence:
    """A training job of the experiment is Completed.

    The model must come from a job in the workspace, not from a laptop: the job records code, data and packages.
    """
    found = completed_jobs(context)
    if not found:
        raise _no_completed_job(context)
    return Evidence(f"{found[0].name}, the newest of {len(found)}", {"job": found[0].name})


@check("TRN003", "M6", ("TRN002",))
def alpha_and_mse_are_logged(context: CheckContext) -> Evidence:
    """The training job logged alpha and mse.

    Without the parameter and the metric nobody can say why one version is better than another.
    """
    looked_at: list[str] = []
    for job in completed_jobs(context)[:JOBS_READ]:
        run = context.run(ready_workspace(context), job.name)
        lacking = [key for key in LOGGED if run is None or not _logged(run, key)]
        if run and not lacking:
            values = {key: _logged(run, key) for key in LOGGED}
            shown = ", ".join(f"{key} {quote(value)[:8]}" for key, value in values.items())
            return Evidence(f"{job.name}: {shown}", {"job": job.name, **values})
        looked_at.append(f"{job.name} lacks {' and '.join(lacking)}")
    raise failed(
        "; ".join(looked_at),
        "a completed job with alpha and mse in its log",
        "The training script logs with MLflow, inside the job.",
        "alpha is a parameter (log_param), mse a metric (log_metric); the names are compared exactly.",
        "See solution/training/train.py.",
        commands=(SUBMIT,),
    )


def completed_jobs(context: CheckContext) -> list[Job]:
    """Completed jobs of the experiment, newest first; those that made a model before the others."""
    completed = [job for job in _jobs(context) if job.status == "Completed"]
    return sorted(completed, key=lambda job: "model" not in job.outputs)


def _jobs(context: CheckContext) -> list[Job]:
    return [job for job in context.jobs() if job.experiment == context.names.experiment]


def _logged(run: Run, key: str) -> str:
    return run.metrics.get(key) or run.parameters.get(key) or ""


def _no_completed_job(context: CheckContext) -> Verdict:
    experiment = context.names.experiment
    found = _jobs(context)
    if not found:
        return missing(
            "experiment",
            experiment,
            {job.experiment for job in context.jobs()},
            "A job is submitted by the training step, under the experiment's name.",
            commands=(SUBMIT,),
        )
    newest = found[0]
    if newest.status in ACTIVE:
        return waiting(
            f"job {newest.name} is {newest.status}",
            "the job is Completed",
            "A first job waits for a node, and then for its environment: some minutes on Azure.",
            commands=(f"az ml job stream --name {newest.name} {scope_of(context)}",),
        )
    return failed(
        f"the newest of {len(found)} jobs, {newest.name}, is {quote(newest.status)}",
        "a Completed job",
        "The job's log says why; read the first error line, not the last.",
        "A package that the environment does not declare is the usual reason.",
        commands=(f"az ml job stream --name {newest.name} {scope_of(context)}", SUBMIT),
    )


def scope_of(context: CheckContext) -> str:
    """What tells the Azure CLI in which workspace to look."""
    return f"--workspace-name {context.names.workspace} --resource-group {context.names.resource_group}"
