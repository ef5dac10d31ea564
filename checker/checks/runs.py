"""Modules 6 and 8: runs of the pipeline. One that has succeeded is proven by what it left; another is explained by
its timeline: what it waits for, or what broke first.
"""

from collections.abc import Sequence

from checker.checks.judgement import missing, quote
from checker.checks.organization import at_project
from checker.checks.pipeline import definition_of
from checker.checks.registry import devops_check
from checker.clients.devops import GOOD, Record, Run, run_page
from checker.context import CheckContext
from checker.model import Evidence, Verdict, failed, waiting

ARTIFACT = "drop"
AUTHORIZATION, APPROVAL = "Checkpoint.Authorization", "Checkpoint.Approval"
WORKING = ("Task", "Job", "Phase", "Stage")  # from the one that says most to the one that says least
NO_AGENT = "no hosted parallelism"  # what the service says on the wire (5.6)
NO_AGENT_HINTS = (
    "Your organisation has no Microsoft-hosted agent yet: every run ends like this.",
    "Ask for the free grant (it takes days), set one paid job, or start an agent of your own in the pool Default.",
)


@devops_check("RUN001", "M6", ("PIP001",))
def first_stage_succeeded(context: CheckContext) -> Evidence:
    """A run has passed the first stage: train, evaluate, register.

    What you did by hand, a machine has done from a commit, with every step written down.
    """
    run = judged_run(context)
    if run is None:
        raise _never_ran(context)
    if run.succeeded:
        return _evidence(context, run, "succeeded")
    records = context.timeline(run.id)
    first = next(iter(stages(records)), None)
    if first is None or first.result not in GOOD:
        raise unfinished(context, run, records)
    return _evidence(context, run, f"`{quote(first.name)}` succeeded")


@devops_check("RUN002", "M6", ("RUN001",))
def artifact_is_published(context: CheckContext) -> Evidence:
    """The run published the artifact drop.

    What later stages deploy is what this run built, not what is newest by then: it travels as an artifact.
    """
    run = _judged(context)
    names = context.artifacts(run.id)
    if ARTIFACT not in (name.lower() for name in names):
        raise missing(
            "artifact",
            ARTIFACT,
            names,
            "The last step of the first stage publishes it.",
            "A step with a condition may have been skipped: look at the log of the run.",
            commands=(f"az pipelines runs artifact list --run-id {run.id} {at_project(context)} --output table",),
        )
    return Evidence(
        f"{quote(', '.join(names))} of run {quote(run.number)}", {"run": run.id, "artifacts": " ".join(names)}
    )


@devops_check("RUN003", "M8", ("RUN001", "DEP001"))
def whole_run_succeeded(context: CheckContext) -> Evidence:
    """A run has gone through all its stages.

    From a commit to production, with tests and an approval on the way, and nothing done by hand.
    """
    run = _judged(context)
    if not run.succeeded:
        raise unfinished(context, run, context.timeline(run.id))
    return _evidence(context, run, run.result)


def pipeline_runs(context: CheckContext) -> list[Run]:
    """Runs of the attendee's pipeline, newest first."""
    pipeline = definition_of(context).id
    return [run for run in context.pipeline_runs() if run.definition == pipeline]


def judged_run(context: CheckContext) -> Run | None:
    """The newest run that succeeded; without one, the newest."""
    return best_of(pipeline_runs(context))


def best_of(runs: Sequence[Run]) -> Run | None:
    """The first that succeeded, else the first."""
    return next((run for run in runs if run.succeeded), next(iter(runs), None))


def stages(records: Sequence[Record]) -> list[Record]:
    """The stages in the order of the file."""
    return [record for record in records if record.kind == "Stage"]


def unfinished(context: CheckContext, run: Run, records: Sequence[Record]) -> Verdict:
    """Why a run has not succeeded: it waits for somebody, it works, or something in it broke first."""
    if run.status != "completed":
        return _under_way(context, run, records)
    broken = first_broken(records)
    said = [*(broken.errors if broken else ()), *run.problems]
    where = f"{broken.kind.lower()} `{quote(broken.name)}`" if broken else "it"
    reason = quote(said[0]) if said else "without a message"
    no_agent = any(NO_AGENT in sentence.lower() for sentence in said)
    return failed(
        f"run {quote(run.number)} is {quote(run.result)}: {where} says {reason}",
        "a run that succeeds",
        *(NO_AGENT_HINTS if no_agent else _broken_hints(broken, said)),
        "The log of the step says more; the run can be started again, or its failed stage alone.",
        commands=show_run(context, run),
    )


def _broken_hints(broken: Record | None, said: Sequence[str]) -> tuple[str, ...]:
    if broken is None:
        return ("The service could not read the file, and no step has run: the message names the line.",)
    if broken.kind == "Stage" and said and said[0].lower().startswith("rejected"):
        return ("Somebody has said no, and the stage ends with it: ask why, mend it, and run again.",)
    return ("This is the first error, not the last: later ones follow from it.",)


def first_broken(records: Sequence[Record]) -> Record | None:
    """The record that failed first: a task before the job, phase and stage that failed because of it."""
    failed_ones = [record for record in records if record.kind in WORKING and record.result == "failed"]
    return min(failed_ones, key=lambda record: (WORKING.index(record.kind), record.finished), default=None)


def show_run(context: CheckContext, run: Run) -> tuple[str, ...]:
    """How a person gets to the run."""
    address = run_page(context.devops.organization.address, context.settings.devops.project, run.id)
    return (f"az pipelines runs show --id {run.id} --open {at_project(context)}    ({address})",)


def _under_way(context: CheckContext, run: Run, records: Sequence[Record]) -> Verdict:
    name, show = f"run {quote(run.number)}", show_run(context, run)
    open_ones = {record.kind for record in records if record.state == "inProgress"}
    if AUTHORIZATION in open_ones:
        return waiting(
            f"{name} waits for you: it may not use a connection or an environment yet",
            "somebody permits it",
            "Open the run, press View, then Permit; once for each resource.",
            commands=show,
        )
    if APPROVAL in open_ones:
        return waiting(f"{name} waits for an approval", "somebody approves it", "Open the run, Review.", commands=show)
    if run.status == "notStarted":
        return waiting(
            f"{name} is queued", "an agent takes it", "More than five minutes? Is there an agent?", commands=show
        )
    at_work = next((record for record in stages(records) if record.state == "inProgress"), None)
    where = f", in `{quote(at_work.name)}`" if at_work else ""
    return waiting(f"{name} is {quote(run.status)}{where}", "the run ends well", commands=show)


def _judged(context: CheckContext) -> Run:
    run = judged_run(context)
    if run is None:
        raise LookupError("a check that reads the run does not require RUN001")
    return run


def _evidence(context: CheckContext, run: Run, what: str) -> Evidence:
    address = run_page(context.devops.organization.address, context.settings.devops.project, run.id)
    facts = {"run": run.id, "number": run.number, "commit": run.commit, "reason": run.reason, "address": address}
    return Evidence(f"run {quote(run.number)} ({quote(run.reason)}, {run.commit[:7]}): {what}", facts)


def _never_ran(context: CheckContext) -> Verdict:
    found = definition_of(context)
    return failed(
        f"`{quote(found.name)}` has never run",
        "a run",
        "Change the variables first: the run makes what they name.",
        "The first run is started by hand: Pipelines, your pipeline, Run pipeline.",
        commands=(f"az pipelines run --id {found.id} {at_project(context)}",),
    )
