"""Modules 3 and 10: which files' changes start the pipeline, and by which way changes come to the default branch."""

from collections.abc import Sequence

from checker.checks.judgement import quote
from checker.checks.organization import at_project
from checker.checks.registry import devops_check
from checker.checks.repository import find_repository, yaml_path
from checker.checks.triggers import Trigger, read_trigger
from checker.clients.devops import Repository
from checker.clients.pullrequests import PullRequest
from checker.context import CheckContext
from checker.model import Evidence, Verdict, failed, waiting

STARTER, FINISHED = "labs", "solution"  # the folders of the attendee's project, and of the finished one
TRAINING = "training/train.py"


@devops_check("REP004", "M3", ("REP003",))
def path_filter_has_the_training_code(context: CheckContext) -> Evidence:
    """The trigger has a path filter, and the training code is in it.

    Without a filter a spelling mistake in a page trains and deploys a model; with one that leaves the training code
    out, a change of the model starts nothing.
    """
    path, repository = yaml_path(context), _repository(context)
    script = f"{FINISHED if path.startswith(f'{FINISHED}/') else STARTER}/{TRAINING}"
    trigger = read_trigger(context.file(repository.id, path, repository.branch) or "")
    if not trigger.paths and not trigger.excluded_paths:
        raise failed(
            f"the trigger of {quote(path)} has no path filter",
            f"paths, with {script} among them",
            "Which pushes cost a training run and two deployments, and which of them need not?",
            "Beneath trigger, beside branches: paths, include, and the folders whose change makes another model.",
        )
    shown = filter_text(trigger)
    if not trigger.takes(script):
        raise failed(
            f"{script} is not in the path filter of {quote(path)}: {quote(shown)}",
            f"a filter that includes {script}",
            "A change of the training code is the one change that must start a run.",
            f"The filter is `{quote(shown)}`: {_why_left_out(trigger, script)}.",
        )
    return Evidence(f"{quote(shown)}: a change of {script} starts a run", {"filter": shown, "path": script})


@devops_check("REP005", "M10", ("AUT001",))
def default_branch_changes_by_pull_request(context: CheckContext) -> Evidence:
    """The default branch changes by pull requests.

    What trains and deploys by itself should not arrive by itself: somebody looks before, if only you, a minute later.
    """
    repository = _repository(context)
    _require_policy(context, repository)
    found = context.pull_requests(repository.id, repository.branch)
    merged = next((one for one in found if one.status == "completed"), None)
    if merged is None:
        raise _nothing_merged(context, repository, found)
    said = f"pull request {merged.number} ({quote(merged.title)}) was merged from {quote(merged.source)}"
    return Evidence(said, {"pull_request": merged.number, "commit": merged.commit})


def filter_text(trigger: Trigger) -> str:
    """A path filter in one line."""
    excluded = f", without {', '.join(trigger.excluded_paths)}" if trigger.excluded_paths else ""
    return f"{', '.join(trigger.paths) or 'everything'}{excluded}"


def _why_left_out(trigger: Trigger, script: str) -> str:
    if trigger.includes(script):
        return "exclude takes out again what include names"
    return "include names folders and files from the root of the repository, without a slash before them"


def _require_policy(context: CheckContext, repository: Repository) -> None:
    """Raises Fail unless some policy of the branch is on and blocks."""
    found = context.branch_policies(repository.id, repository.branch)
    if any(one.enabled and one.blocking for one in found):
        return
    kinds = ", ".join(f"{quote(one.kind)} ({_state(one.enabled)})" for one in found)
    raise failed(
        f"{repository.branch} has {f'only {kinds}' if kinds else 'no branch policy'}: a push goes straight to it",
        f"a branch policy on {repository.branch} that is on and required",
        "Who looks at a change before it trains a model and asks for production?",
        f"Repos, Branches, {repository.branch}, Branch policies: a minimum of one reviewer.",
        "Who works alone allows requestors to approve their own changes.",
        commands=(
            "az repos policy approver-count create --minimum-approver-count 1 --creator-vote-counts true "
            "--allow-downvotes false --reset-on-source-push false --blocking true --enabled true "
            f"--branch {repository.branch} --repository-id {repository.id} {at_project(context)}",
        ),
    )


def _state(enabled: bool) -> str:
    return "optional" if enabled else "switched off"


def _nothing_merged(context: CheckContext, repository: Repository, found: Sequence[PullRequest]) -> Verdict:
    opened = next((one for one in found if one.status == "active"), None)
    if opened is None:
        return failed(
            f"no pull request was merged into {repository.branch}",
            "a pull request that is completed",
            "Push a branch of your own, and make a pull request of it.",
            commands=(f"az repos pr create --source-branch <branch> {at_project(context)}",),
        )
    conflicts = opened.merge_status == "conflicts"
    return waiting(
        f"pull request {opened.number} ({quote(opened.title)}) is open{', with conflicts' if conflicts else ''}",
        "it is completed",
        f"Merge {repository.branch} into {quote(opened.source)} first."
        if conflicts
        else "It waits for an approval, or for somebody who presses Complete.",
        commands=(f"az repos pr show --id {opened.number}",),
    )


def _repository(context: CheckContext) -> Repository:
    found = find_repository(context)
    if found is None:
        raise LookupError("a check that reads the repository does not require REP001")
    return found
