"""Module 11: two gates that can say no, and that something hears them."""

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from checker.checks.judgement import quote
from checker.checks.pipeline_file import pipeline_of
from checker.checks.registry import check, machine_check
from checker.checks.runs import first_broken, pipeline_runs, show_run
from checker.checks.workbench import SCIENCE, run_driver, runtime, scratch, source
from checker.clients.devops import Record, Run
from checker.clients.machinelearning import AssetVersion
from checker.clone.folder import SETTINGS
from checker.clone.guards import DATA_TESTS, GATE, REGISTER, TRAINING, Spot, comes_after, spots, unheard
from checker.context import CheckContext
from checker.model import Evidence, Fail, failed

EVALUATION = "labs/training/evaluate.py"
DATA, HOLDOUT = "labs/data/diabetes.csv", "labs/data/diabetes_holdout.csv"
LARGEST_TOLERANCE = 0.2
RUNS_READ = 4  # newest failed runs whose timeline is looked at
ACCEPTED, EVALUATED_BY = "accepted", "evaluation"  # tags of a version


@machine_check("GAT001", "M11", ("YML002",))
def gates_stand_before_what_they_guard(context: CheckContext) -> Evidence:
    """The data tests come before training, the evaluation before registration.

    A gate behind the door it guards writes down what happened. It stops nothing.
    """
    pipeline = pipeline_of(context)
    data, training = _step(context, "data tests", DATA_TESTS), _step(context, "training", TRAINING)
    gate, register = _step(context, "evaluation", GATE), _step(context, "registration", REGISTER)
    if not comes_after(pipeline, register, gate):
        raise failed(
            f"{register} does not come after {gate}",
            "the registration in a later step than the evaluation",
            "A version was registered, then rejected: the gate stands behind the registration.",
            "Steps run in the order of the file, jobs side by side unless one depends on the other.",
            "Swap the two steps.",
            commands=("checker diff M11",),
        )
    if not comes_after(pipeline, training, data):
        raise failed(
            f"{training} does not come after {data}",
            "the data tests in an earlier step than the training",
            "The model was trained, then its data was looked at.",
            "Move the data tests in front of the first step that costs something.",
            commands=("checker diff M11",),
        )
    return Evidence(f"{data.step.shown} → {training.step.shown} → {gate.step.shown} → {register.step.shown}")


@machine_check("GAT002", "M11", ("GAT001",))
def nothing_swallows_a_no(context: CheckContext) -> Evidence:
    """When a gate says no, the pipeline stops.

    A step that may fail, or that runs whatever has failed before it, turns a no into a remark.
    """
    if found := list(unheard(pipeline_of(context))):
        spot, what = found[0]
        raise failed(
            f"{spot}: {quote(what)}" + f" (and {len(found) - 1} more)" * (len(found) > 1),
            "a gate that fails its job, and steps after it that run only when all is well",
            "The gate said no; nobody listened.",
            f"Look at {quote(what)}: what happens there when the evaluation ends with code 1?",
            "Take it away. Only publishing the test results may run after a failure: succeededOrFailed().",
            commands=("checker diff M11",),
        )
    return Evidence("no continueOnError, no condition, no excuse around the gates")


@machine_check("GAT003", "M11")
def tolerance_can_be_defended(context: CheckContext) -> Evidence:
    """The gate's tolerance is more than nothing, and no more than a fifth.

    At 0 a retrain of the same code is refused every second time; at a fifth and more a broken model gets through.
    """
    value = _tolerance(context)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise failed(f"{SETTINGS}, [gate]: tolerance is {quote(repr(value))}", "a number, as 0.05", "5 % is 0.05.")
    if not 0 < value <= LARGEST_TOLERANCE:
        raise failed(
            f"{SETTINGS}, [gate]: tolerance = {value}",
            f"more than 0, at most {LARGEST_TOLERANCE}",
            "Your gate just refused a retrain of the same code; it does so about every second time."
            if value <= 0
            else f"With {value:.0%} a model passes whose BMI has the wrong sign: its error is 37 % larger.",
            "A retrain on nine tenths of the rows moves the error by about 1 % either way.",
            "0.05 accepts every such retrain, and refuses every model that is broken.",
            commands=(f"open {SETTINGS}",),
        )
    return Evidence(f"a candidate may be {value:.0%} worse on the same rows", {"tolerance": str(value)})


@check("GAT004", "M11", ("MOD001",))
def every_version_was_accepted(context: CheckContext) -> Evidence:
    """Every version since the gate names the evaluation that accepted it.

    The tag is the gate's signature. A version without one came in by another door.
    """
    versions = sorted(context.models(), key=lambda version: version.created)
    first = next((index for index, version in enumerate(versions) if version.tags.get(EVALUATED_BY)), None)
    if first is None:
        raise failed(
            f"{versions[-1].reference}, the newest of {len(versions)}, names no evaluation",
            f"the tags {EVALUATED_BY}, a job, and {ACCEPTED}: true",
            "The register step takes the tags from the release passport: does yours write these two?",
            "See tags() in solution/training/register.py; a run after that change makes a version that has them.",
            commands=("checker diff M11",),
        )
    judged = versions[first:]
    if problems := [problem for version in judged if (problem := _not_accepted(context, version))]:
        raise failed(
            "; ".join(problems),
            f"{ACCEPTED}: true, and {EVALUATED_BY} with the name of a Completed job, on every version since the gate",
            "A version came in by another door: was it registered by hand, or before its evaluation?",
            "Archive it, or let the pipeline make it again.",
            commands=("az ml model archive --name <model> --version <version>",),
        )
    return Evidence(f"{len(judged)} of {len(versions)} versions, each accepted", {"versions": str(len(judged))})


@machine_check("GAT005", "M11", ("GAT001", "RUN001", "MOD001"))
def data_tests_have_stopped_a_run(context: CheckContext) -> Evidence:
    """The data tests have stopped a run before the training, and no version came of it.

    A gate that nobody has seen closed is a gate that nobody knows to close.
    """
    names = {spot.step.shown.lower() for spot in spots(pipeline_of(context), DATA_TESTS)}
    broken = [run for run in pipeline_runs(context) if run.status == "completed" and run.result == "failed"][:RUNS_READ]
    stopped_by = {run.id: first_broken(context.timeline(run.id)) for run in broken}
    stopped = [run for run in broken if (record := stopped_by[run.id]) and record.name.lower() in names]
    registered = {version.tags.get("build"): version for version in context.models()}
    if not stopped:
        shown = (f"run {run.number} broke in {_name(stopped_by[run.id])}" for run in broken)
        raise _never_stopped(quote("; ".join(shown)) or "no run has failed", names)
    if not (clean := [run for run in stopped if run.id not in registered]):
        run = stopped[0]
        raise failed(
            f"the data tests failed run {quote(run.number)}, and it registered {registered[run.id].reference}",
            "no version of a run that the data tests have stopped",
            "The gate said no, and the run went on.",
            commands=show_run(context, run),
        )
    return _stopped(clean[0])


@machine_check("GAT006", "M11")
def evaluation_can_say_no(context: CheckContext) -> Evidence:
    """The evaluation accepts what is good enough, and refuses what is not.

    It is shown four models: a good one, the same trained again, one of shuffled targets, one that is 15 % worse.
    """
    source(context, EVALUATION)
    verdicts = _verdicts(context)
    if wrong := [one for one in verdicts if one["said"] is not one["expected"]]:
        raise _misjudged(wrong)
    return Evidence("; ".join(f"{one['name']}: {'yes' if one['said'] else 'no'}" for one in verdicts))


def _step(context: CheckContext, what: str, pattern: Any) -> Spot:
    found = spots(pipeline_of(context), pattern)
    if not found:
        raise failed(
            f"no step of {pipeline_of(context).file} runs the {what}",
            f"a step for the {what}, before the step that it guards",
            f"Which step runs the {what}? The scripts lie in labs/, the templates of steps in labs/pipelines/.",
            "The order: data tests, training, evaluation, registration.",
            commands=("checker diff M11",),
        )
    return found[0]


def _tolerance(context: CheckContext) -> object:
    """What workshop.toml says; the settings were read from it, so it can be parsed."""
    document = tomllib.loads(source(context, SETTINGS))
    gate = document.get("gate")
    return gate.get("tolerance") if isinstance(gate, dict) else None


def _not_accepted(context: CheckContext, version: AssetVersion) -> str:
    said, name = version.tags.get(ACCEPTED, ""), version.tags.get(EVALUATED_BY, "")
    if not name:
        return f"{version.reference} names no evaluation"
    if said.lower() != "true":
        return f"{version.reference} was registered, then rejected: {ACCEPTED} is `{quote(said)}`"
    job = context.job(name)
    if job is None or job.status != "Completed":
        status = job.status if job else "not there"
        return f"{version.reference} names the evaluation `{quote(name)}`, which is {quote(status)}"
    return ""


def _never_stopped(seen: str, names: set[str]) -> Fail:
    return failed(
        f"the data tests have stopped no run: {seen}",
        f"a run that ends in {' or '.join(f'`{quote(name)}`' for name in sorted(names))}",
        "Make it happen: on a branch, put a damaged file in the place of the real one, and run the pipeline there.",
        "A run of main is not needed, and main stays clean.",
        commands=(
            "git switch --create damaged-data && cp labs/data/diabetes_bad_dist.csv labs/data/diabetes.csv",
            'git commit --all --message "Damage the data" && git push --set-upstream origin damaged-data',
        ),
    )


def _name(record: Record | None) -> str:
    return f"`{record.name}`" if record else "no step"


def _stopped(run: Run) -> Evidence:
    facts = {"run": run.id, "branch": run.branch, "commit": run.commit}
    return Evidence(f"run {quote(run.number)} of {quote(run.branch)} was stopped, and registered nothing", facts)


def _verdicts(context: CheckContext) -> Sequence[Mapping[str, Any]]:
    """What the learner's evaluation said about each model. Raises Fail when it does not come to a word."""
    for name in (DATA, HOLDOUT):
        source(context, name)
    interpreter = runtime(context, SCIENCE)
    with scratch(context) as copy:
        written = copy / "models" / "verdicts.json"
        arguments = [str(copy / EVALUATION), str(copy / DATA), str(copy / HOLDOUT), str(copy / "models")]
        ended = run_driver(context, interpreter, "judge_models.py", arguments, copy)
        if ended.code != 0 or not written.is_file():
            raise failed(
                f"{EVALUATION} does not judge: {quote(ended.last_line)}",
                "evaluation.json with `accepted` true or false, and exit code 0",
                "Its arguments and its output are what submit_evaluation.py gives it and reads.",
            )
        verdicts: list[Mapping[str, Any]] = json.loads(written.read_text(encoding="utf-8"))
        return verdicts


def _misjudged(wrong: Sequence[Mapping[str, Any]]) -> Fail:
    """Too kind, too strict, or without an answer."""
    kind = [one["name"] for one in wrong if one["said"]]
    shown = "; ".join(f"{one['name']}: {_word(one['said'])}, not {_word(one['expected'])}" for one in wrong)
    return failed(
        f"{EVALUATION} says of {shown}",
        "yes to the good ones, no to the others",
        f"Your gate accepts {kind[0]}: a rule that always passes is a remark."
        if kind
        else "Your gate refuses what is no worse than before: every change would be stopped.",
        "Rule one compares with predicting the mean (at most a share of its error), rule two with production, on the "
        "same rows (at most the tolerance worse).",
        "See beats_baseline() and holds_against_production() in solution/training/evaluate.py.",
        commands=("checker diff M11",),
    )


def _word(said: bool | None) -> str:
    return "nothing" if said is None else "yes" if said else "no"
