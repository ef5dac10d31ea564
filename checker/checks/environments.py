"""Modules 7 and 8: the environments, what was deployed to them, and the approval before production."""

from checker.checks.judgement import missing, quote
from checker.checks.organization import at_project
from checker.checks.pipeline import definition_of
from checker.checks.registry import devops_check
from checker.checks.repository import find_repository, yaml_path
from checker.checks.runs import judged_run, pipeline_runs, unfinished
from checker.clients.devops import GOOD, Deployment, Environment
from checker.context import CheckContext
from checker.model import Evidence, failed, waiting


@devops_check("ENV001", "M7", ("PRJ001",))
def staging_environment_exists(context: CheckContext) -> Evidence:
    """The environment for staging exists.

    An environment is where deployments are recorded, and where checks before them are kept.
    """
    return _exists(context, context.settings.devops.staging_environment)


@devops_check("DEP001", "M7", ("ENV001", "RUN001"))
def staging_was_deployed_by_a_run(context: CheckContext) -> Evidence:
    """A run has deployed to staging.

    The record says which run, and with it which commit: nobody has to remember what is out there.
    """
    return _deployed(context, context.settings.devops.staging_environment)


@devops_check("ENV002", "M8", ("PRJ001",))
def production_environment_exists(context: CheckContext) -> Evidence:
    """The environment for production exists.

    Without one there is nothing to hang an approval on.
    """
    return _exists(context, context.settings.devops.production_environment)


@devops_check("ENV003", "M8", ("ENV002",))
def production_needs_an_approval(context: CheckContext) -> Evidence:
    """Production waits for an approval.

    The approval belongs to the environment, not to the YAML: who may push cannot take it away.
    """
    environment = require_environment(context, context.settings.devops.production_environment)
    found = context.approvals(environment.id)
    if not found:
        raise failed(
            f"{environment.name} has no approval check",
            "an approval, by somebody who looks at staging first",
            *_task_hints(context),
            "An environment that the first run made has no checks: it was made without anybody asking.",
            "Pipelines, Environments, the environment, the three dots, Approvals and checks, Approvals.",
        )
    first = found[0]
    who = ", ".join(quote(name) for name in first.approvers) or "somebody"
    alone = "; warning: who starts the run may approve it" if first.requester_may else ""
    return Evidence(f"by {who}{alone}", {"approvers": who, "minutes": str(first.minutes or "")})


@devops_check("DEP002", "M8", ("ENV002", "RUN003"))
def production_was_deployed_by_a_run(context: CheckContext) -> Evidence:
    """A run has deployed to production.

    What runs in production came through the pipeline, and its record names the run.
    """
    return _deployed(context, context.settings.devops.production_environment)


def _task_hints(context: CheckContext) -> tuple[str, ...]:
    """For who has put the question into the file. Reads it: nothing else that ENV003 needs does."""
    repository = find_repository(context)
    found = context.file(repository.id, yaml_path(context), repository.branch) if repository else None
    if not found or "manualvalidation@" not in found.lower():
        return ()
    return (
        "ManualValidation is a step of the file: whoever may push can take it away. An approval belongs to the "
        "environment, and the file cannot remove it.",
    )


def require_environment(context: CheckContext, name: str) -> Environment:
    """The environment of that name, for checks that require that it exists."""
    found = _find(context, name)
    if found is None:
        raise LookupError(f"a check that reads the environment {name} does not require that it exists")
    return found


def newest_deployment(context: CheckContext, name: str) -> Deployment | None:
    """The newest deployment of the attendee's pipeline that succeeded; without one, the newest."""
    pipeline = definition_of(context).id
    records = context.deployment_records(require_environment(context, name).id)
    mine = [record for record in records if record.definition == pipeline]
    return next((record for record in mine if record.result in GOOD), next(iter(mine), None))


def _find(context: CheckContext, name: str) -> Environment | None:
    return next((one for one in context.devops_environments() if one.name.lower() == name.lower()), None)


def _exists(context: CheckContext, name: str) -> Evidence:
    found = _find(context, name)
    if found is None:
        raise missing(
            "environment",
            name,
            (one.name for one in context.devops_environments()),
            "Pipelines, Environments, New environment, without a resource.",
            "A run that was not started in the portal does not make the environments that its file names.",
        )
    return Evidence(found.name, {"environment": found.id})


def _deployed(context: CheckContext, name: str) -> Evidence:
    found = newest_deployment(context, name)
    if found is None:
        run = judged_run(context)
        if run is not None and run.status != "completed":
            raise unfinished(context, run, context.timeline(run.id))
        raise failed(
            f"no run has deployed to {name}",
            "a deployment by a run of your pipeline",
            "Has a run come as far as this stage?",
            "Only a deployment job makes a record: `deployment:` with `environment:`, not `job:`.",
            commands=(f"az pipelines runs list {at_project(context)} --output table",),
        )
    if not found.result:
        raise waiting(f"run {quote(found.run_number)} deploys to {name}", "the deployment ends well")
    if found.result not in GOOD:
        run = next((one for one in pipeline_runs(context) if one.id == found.run), None)
        if run is not None and not run.succeeded:
            raise unfinished(context, run, context.timeline(run.id))
        raise failed(
            f"the deployment of run {quote(found.run_number)} to {name} is {quote(found.result)}",
            "a deployment that succeeded",
            "The log of the stage says which step broke, and why.",
        )
    where = f"run {quote(found.run_number)}, stage {quote(found.stage)}"
    return Evidence(where, {"run": found.run, "stage": found.stage, "environment": name})
