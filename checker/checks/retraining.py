"""Module 10: a push starts a run that nobody starts by hand, and the run registers another version."""

import re

from checker.checks.changes import filter_text
from checker.checks.judgement import quote
from checker.checks.organization import at_project
from checker.checks.pipeline import definition_of
from checker.checks.registry import devops_check
from checker.checks.repository import find_repository, yaml_path
from checker.checks.runs import best_of, pipeline_runs, show_run
from checker.checks.triggers import read_trigger
from checker.clients.devops import Run
from checker.context import CheckContext
from checker.model import Evidence, Verdict, failed, waiting

SOLUTION = "solution"  # the branch with the finished project, which the import brings along
AUTOMATIC = frozenset({"individualci", "batchedci"})
SKIPS = re.compile(
    r"\[(skip ci|ci skip|skip azurepipelines|azurepipelines skip|skip azpipelines|skip azp)\]|\*\*\*NO_CI", re.I
)


@devops_check("AUT001", "M10", ("RUN001", "PIP002", "REP004"))
def push_started_a_run(context: CheckContext) -> Evidence:
    """A push has started a run, and it succeeded.

    Continuous training: nobody presses a button, and no commit goes untested.
    """
    run = automatic_run(context)
    if run is None:
        raise _nothing_automatic(context)
    if not run.succeeded:
        raise _not_yet(context, run)
    said = f": {quote(run.message)}" if run.message else ""
    facts = {"run": run.id, "reason": run.reason, "commit": run.commit, "message": run.message}
    return Evidence(f"run {quote(run.number)} ({quote(run.reason)}) of {run.commit[:7]}{said}", facts)


@devops_check("AUT002", "M10", ("AUT001", "MOD001"))
def automatic_run_registered_a_version(context: CheckContext) -> Evidence:
    """The automatic run has registered a second version of the model.

    Both stay: only with the older one at hand can anybody say whether the newer one is better.
    """
    run, versions = automatic_run(context), context.models()
    if run is None:
        raise LookupError("a check that reads the automatic run does not require AUT001")
    mine = [version for version in versions if version.tags.get("build") == run.id]
    shown = ", ".join(f"{one.reference} from build {quote(one.tags.get('build', '')) or '?'}" for one in versions[:3])
    if not mine or mine[0].tags.get("commit") != run.commit or len(versions) < 2:
        raise failed(
            f"run {quote(run.number)} has the id {run.id} and the commit {run.commit[:7]}; versions: {shown}",
            "a second version whose tags build and commit are those of the run",
            *(("Both versions stay: what was deleted cannot be compared with.",) if mine and len(versions) < 2 else ()),
            "Did the gate refuse the new model? Then the run has not registered it, and has failed.",
            "The register step takes the tags from BUILD_BUILDID and BUILD_SOURCEVERSION.",
            commands=show_run(context, run),
        )
    return Evidence(
        f"{mine[0].reference} of {len(versions)}, from run {quote(run.number)}", {"version": mine[0].reference}
    )


def automatic_run(context: CheckContext) -> Run | None:
    """The newest successful run that a push to the default branch started; without one, the newest such run."""
    repository = find_repository(context)
    branch = repository.branch if repository else ""
    return best_of([run for run in pipeline_runs(context) if run.reason.lower() in AUTOMATIC and run.branch == branch])


def _nothing_automatic(context: CheckContext) -> Verdict:
    newest = pipeline_runs(context)[0]
    by_hand = f"Run {quote(newest.number)} was started manually; the exercise is the push."
    return failed(
        f"the newest run, {quote(newest.number)}, was started by {quote(newest.reason)} on {quote(newest.branch)}",
        "a run that a push to the default branch started",
        *_newest_change(context),
        *_never_merged(context),
        by_hand if newest.reason.lower() == "manual" else "The exercise is the push: do not press Run.",
        "A branch that was never merged, or a file outside the trigger's paths, starts nothing.",
        "Is there `[skip ci]` in the newest commit's message?",
        commands=(f"az pipelines runs list --pipeline-ids {definition_of(context).id} {at_project(context)}",),
    )


def _newest_change(context: CheckContext) -> tuple[str, ...]:
    """Why the newest commit of the default branch has started nothing, where that can be seen."""
    repository = find_repository(context)
    found = context.branches(repository.id) if repository else []
    tip = next((one for one in found if repository and one.name == repository.branch), None)
    if repository is None or tip is None:
        return ()
    if SKIPS.search(tip.title):
        return (f"The newest commit, `{quote(tip.title)}`, tells the service to start nothing.",)
    trigger = read_trigger(context.file(repository.id, yaml_path(context), repository.branch) or "")
    files = context.changed_files(repository.id, tip.commit)
    if not files or any(trigger.takes(name) for name in files):
        return ()
    shown = ", ".join(f"`{quote(name)}`" for name in files[:3])
    return (f"The newest commit changes {shown}, which is outside of the trigger's paths: {filter_text(trigger)}.",)


def _never_merged(context: CheckContext) -> tuple[str, ...]:
    """A hint that names branches whose commits the default branch has not. The finished project's branch is none."""
    repository = find_repository(context)
    found = context.branches(repository.id) if repository else []
    mine = [one for one in found if one.ahead and one.name != SOLUTION]
    if repository is None or not mine:
        return ()
    shown = ", ".join(f"`{quote(one.name)}` ({quote(one.title)})" for one in mine[:3])
    return (f"Never merged into {repository.branch}: {shown}. Make a pull request of it, approve it and complete it.",)


def _not_yet(context: CheckContext, run: Run) -> Verdict:
    """Without the timeline: the run that everything else is judged by has had its call already."""
    if run.status != "completed":
        return waiting(
            f"run {quote(run.number)} of {run.commit[:7]} is {quote(run.status)}",
            "the run ends well",
            "It may wait for an approval, as every run before production does: open the run, Review.",
            commands=show_run(context, run),
        )
    return failed(
        f"run {quote(run.number)} of {run.commit[:7]} is {quote(run.result)}",
        "a run that succeeds",
        "Open it: the first error in its log says why.",
        commands=show_run(context, run),
    )
