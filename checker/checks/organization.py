"""Module 2: the organisation on Azure DevOps, and the attendee's project in it."""

from checker.checks.judgement import missing, quote
from checker.checks.registry import devops_check
from checker.clients.devops import Project
from checker.context import CheckContext
from checker.model import Evidence, failed, waiting

PROCESS = "Agile"
MAKING = frozenset({"new", "createPending"})
_BOARDS = {
    "basic": "The pipeline works, and the form proposes Basic; Boards shows issues in place of user stories.",
    "scrum": "The pipeline works; with Scrum, Boards shows product backlog items in place of user stories.",
    "cmmi": "The pipeline works; with CMMI, Boards shows requirements in place of user stories.",
}


@devops_check("ORG001", "M2")
def organization_answers(context: CheckContext) -> Evidence:
    """The organisation answers, and takes the token.

    Repositories, pipelines and runs live in an organisation; whoever looks needs a token of it.
    """
    address = context.devops.organization.address
    found = context.workplace()
    if not found.exists:
        raise failed(
            f"there is no organisation at {address}",
            "an organisation",
            "Compare the name with the address that the browser shows.",
            "An organisation of another directory is not shown to you: it looks like one that does not exist.",
            commands=(f"az devops project list --organization {address} --output table",),
        )
    return Evidence(f"{address}, as {quote(found.user) or 'somebody'}", {"organization": address, "user": found.user})


@devops_check("PRJ001", "M2", ("ORG001",))
def project_exists(context: CheckContext) -> Evidence:
    """The project exists.

    A project is the workplace of one attendee: its repository, pipeline, connection and environments.
    """
    name, found = context.settings.devops.project, context.workplace().project
    if found is None:
        raise missing(
            "project",
            name,
            context.devops.list_projects(),
            "A project that you may not see looks like one that does not exist.",
            "Compare the name with project in the section [devops] of workshop.toml.",
            commands=(f'az devops project create --name "{name}" --process {PROCESS} {at_organization(context)}',),
        )
    if found.state in MAKING:
        raise waiting(f"project {name} is {found.state}", "the project is wellFormed; it takes some seconds")
    if found.state != "wellFormed":
        raise failed(f"project {name} is {quote(found.state)}", "the project is wellFormed")
    return Evidence(found.name, {"project": found.name, "state": found.state})


@devops_check("PRJ002", "M2", ("PRJ001",))
def process_is_agile(context: CheckContext) -> Evidence:
    """The project's process is Agile.

    The process decides what Boards shows: user stories, as the workshop's tour does. Basic is what the form proposes.
    """
    process = _project(context).process
    if process.lower() != PROCESS.lower():
        raise failed(
            f"the process is {quote(process) or 'not told'}",
            PROCESS,
            _BOARDS.get(process.lower(), "The pipeline works with any process; the pages on Boards look different."),
            "Nothing is in the project yet? Make it again, with Agile, beneath Advanced.",
            "A project from Basic can be changed: Organization settings, Process.",
        )
    return Evidence(quote(process), {"process": process})


@devops_check("PRJ003", "M2", ("PRJ001",))
def project_is_private_with_git(context: CheckContext) -> Evidence:
    """The project is private and holds its code in Git.

    Logs and variables of a public project can be read by anybody; and everything that follows is pushed with git.
    """
    found = _project(context)
    if found.source_control.lower() != "git":
        raise failed(
            f"version control is {quote(found.source_control) or 'not told'}",
            "Git",
            "Beneath Advanced, the form for a project asks for it; it cannot be changed later, only added to.",
        )
    if found.visibility.lower() == "public":
        raise failed(
            "the project is public: anybody may read its runs",
            "private",
            "Project settings, Overview, Visibility.",
            commands=(
                f'az devops project update --project "{found.name}" --visibility private {at_organization(context)}',
            ),
        )
    return Evidence(
        f"Git, {quote(found.visibility)}", {"visibility": found.visibility, "source_control": found.source_control}
    )


def at_organization(context: CheckContext) -> str:
    """What tells the Azure CLI where to look."""
    return f"--organization {context.devops.organization.address}"


def at_project(context: CheckContext) -> str:
    """What tells the Azure CLI where to look."""
    return f'--project "{context.settings.devops.project}" {at_organization(context)}'


def _project(context: CheckContext) -> Project:
    found = context.workplace().project
    if found is None:
        raise LookupError("a check that reads the project does not require PRJ001")
    return found
