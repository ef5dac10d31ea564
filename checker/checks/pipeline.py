"""Module 6: the pipeline, and that a push can start it."""

from checker.checks.judgement import missing, quote
from checker.checks.organization import at_project
from checker.checks.registry import devops_check
from checker.checks.repository import find_definition, find_repository
from checker.clients.devops import Definition
from checker.context import CheckContext
from checker.model import Evidence, failed


@devops_check("PIP001", "M6", ("REP002",))
def pipeline_points_at_the_repository(context: CheckContext) -> Evidence:
    """The pipeline is made from the file in your repository.

    A pipeline is only a pointer: repository, branch and path. One that points elsewhere runs somebody else's code.
    """
    found, repository = find_definition(context), find_repository(context)
    wanted = context.settings.devops
    if found is None:
        raise missing(
            "pipeline",
            wanted.pipeline,
            (one.name for one in context.definitions()),
            "Pipelines, New pipeline, Azure Repos Git, your repository, Existing Azure Pipelines YAML file.",
            commands=(
                f'az pipelines create --name "{wanted.pipeline}" --yml-path {wanted.yaml} --repository-type tfsgit '
                f'--repository "{wanted.repository}" --skip-first-run {at_project(context)}',
            ),
        )
    if repository is None or found.repository != repository.id:
        raise failed(
            f"`{quote(found.name)}` points at the repository `{quote(found.repository_name)}`",
            f"the repository `{repository.name if repository else wanted.repository}`",
            "Pipelines, Edit, the three dots, Triggers, YAML, Get sources.",
        )
    branch = f", but runs {found.branch} by default" if found.branch not in ("", repository.branch) else ""
    return Evidence(
        quote(f"{found.name}: {repository.name}, {found.yaml}{branch}"), {"pipeline": found.id, "path": found.yaml}
    )


@devops_check("PIP002", "M6", ("PIP001",))
def pipeline_can_start(context: CheckContext) -> Evidence:
    """The pipeline is enabled, and its trigger is the one in the file.

    A trigger that was set in the portal goes before the file's, and nothing in the file shows it.
    """
    found = definition_of(context)
    if found.state.lower() not in ("enabled", ""):
        raise failed(
            f"`{quote(found.name)}` is {quote(found.state)}",
            "enabled",
            "Pipelines, Edit, the three dots, Settings, Processing of new run requests.",
            commands=(f"az pipelines update --id {found.id} --queue-status enabled {at_project(context)}",),
        )
    if found.overridden:
        raise failed(
            f"the push trigger of `{quote(found.name)}` is set in the portal",
            "the trigger of the YAML",
            "Pipelines, Edit, the three dots, Triggers: take the override away.",
        )
    return Evidence(f"{quote(found.name)} is enabled, its trigger is the file's", {"pipeline": found.id})


def definition_of(context: CheckContext) -> Definition:
    """The pipeline, for checks that require PIP001."""
    found = find_definition(context)
    if found is None:
        raise LookupError("a check that reads the pipeline does not require PIP001")
    return found
