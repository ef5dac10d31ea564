"""Module 15: secrets that lie where they can be read: in the history, in variables, in a log."""

from collections.abc import Iterator

from checker.checks.credentials import Credential, find_credential, is_secret_name
from checker.checks.judgement import quote
from checker.checks.organization import at_project
from checker.checks.registry import devops_check, machine_check
from checker.checks.runs import pipeline_runs
from checker.clients.git import AddedLine, Git
from checker.clients.library import LibraryClient, Variable
from checker.context import CheckContext
from checker.errors import AccessError
from checker.model import Evidence, Fail, failed

COMMITS = 200  # of the history, the newest first
ROTATE = "Rotate it where it was made: whoever has a copy of the history has the old one."


@machine_check("SEC001", "M15")
def history_holds_no_secret(context: CheckContext) -> Evidence:
    """The newest commits of your clone hold no secret, neither now nor in the past.

    A clone carries the whole history: what was deleted from the newest commit can still be read in an older one.
    """
    git = Git(context.settings.file.resolve().parent)
    commit = git.commit()
    if not commit:
        raise AccessError(
            str(context.settings.file.resolve().parent), "no commit to look at", "your clone", ("git status",)
        )
    found = next(_credentials(git), None)
    if found is not None:
        raise _in_history(git, *found)
    return Evidence(f"nothing in the newest {COMMITS} commits, up to {commit[:7]}", {"commit": commit})


@devops_check("SEC002", "M15", ("PRJ001",))
def variables_hold_no_plain_secret(context: CheckContext) -> Evidence:
    """Every secret among the variables is marked as one.

    A plain variable of a pipeline or of the library can be read by whoever may see it, and is printed into logs without
    a mask.
    """
    variables = _library(context).list_variables()
    plain = [one for one in variables if _is_plain_secret(one)]
    if plain:
        first = plain[0]
        more = f", and {len(plain) - 1} more" if len(plain) > 1 else ""
        raise failed(
            f"`{quote(first.name)}` of the {quote(first.place)} looks like a secret and is not marked as one{more}",
            "secrets are marked as secret, or are not there at all",
            "Whoever may see the pipeline may read it.",
            "Mark it with the lock beside its value, and rotate the secret: it has been shown.",
            "The workshop's pipeline needs none: it has federation, and a step asks for a key when it needs one.",
            commands=(f"az pipelines variable-group list {at_project(context)} --output table",),
        )
    return Evidence(f"{len(variables)} variables, no plain secret", {"variables": str(len(variables))})


@devops_check("SEC004", "M15", ("RUN001",))
def newest_log_shows_no_secret(context: CheckContext) -> Evidence:
    """The log of the newest run shows no secret.

    A secret that Azure DevOps was told about is masked; one that a script read by itself is not.
    """
    run = pipeline_runs(context)[0]
    logs = _library(context).get_logs(run.id)
    for name, text in logs.items():
        found = next(filter(None, map(find_credential, text.splitlines())), None)
        if found:
            raise _in_log(context, run.number, name, found)
    return Evidence(f"{len(logs)} logs of run {quote(run.number)}", {"run": run.id, "logs": str(len(logs))})


def _credentials(git: Git) -> Iterator[tuple[AddedLine, Credential]]:
    for line in git.added_lines(COMMITS):
        found = find_credential(line.text)
        if found:
            yield line, found


def _in_history(git: Git, line: AddedLine, found: Credential) -> Fail:
    """What to say depends on whether it is still there, or only in older commits."""
    place = f"{line.file}, commit {line.commit}"
    if found.text in git.file(line.file):
        return failed(
            f"{quote(found.shown)} is in {quote(place)}, and in the newest commit",
            "no secret in a file of the repository",
            "Everybody who may clone the repository has it.",
            "Take it out of the file, and read it from where it is kept (a variable of the environment, a key vault).",
            f"Then treat it as known: {ROTATE}",
            commands=(f"git show {line.commit} -- {line.file}",),
        )
    return failed(
        f"{quote(found.shown)} was in {quote(place)}; the newest commit no longer has it",
        "no secret in any commit",
        "Deleted from the newest commit, and still in the history, and in every clone.",
        f"Deletion is not enough. {ROTATE}",
        "Rewriting the history changes the commits that others have; rotating is needed in any case, and enough.",
        commands=(f"git show {line.commit} -- {line.file}",),
    )


def _in_log(context: CheckContext, run: str, log: str, found: Credential) -> Fail:
    return failed(
        f"{quote(log)} of run {quote(run)} shows {quote(found.shown)}",
        "no secret in a log",
        "A step printed it, and nobody had told Azure DevOps that it is one.",
        'A script that reads a secret masks it first: print("##vso[task.setsecret]" + key).',
        f"{ROTATE} Logs are kept for weeks; delete the run.",
        commands=(f"az pipelines runs list {at_project(context)} --output table",),
    )


def _is_plain_secret(variable: Variable) -> bool:
    value = variable.value.strip()
    if variable.secret or not value or value.startswith("$("):
        return False
    return is_secret_name(variable.name) or find_credential(value) is not None


def _library(context: CheckContext) -> LibraryClient:
    return LibraryClient(context.devops.organization, context.settings.devops.project)
