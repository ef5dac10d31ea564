"""Module 13: what production is asked is collected, compared with the training data, and an alert is decided on."""

import re
from collections.abc import Iterator, Sequence

from checker.checks.judgement import quote
from checker.checks.production import live_deployment
from checker.checks.registry import check, machine_check
from checker.checks.workbench import source
from checker.clients.machinelearning import Job, Run
from checker.clients.monitors import DRIFT, Data, Monitor, Signal
from checker.context import CheckContext
from checker.model import Evidence, Fail, failed

INPUTS, OUTPUTS = "model_inputs", "model_outputs"
ENOUGH = 100  # rows: with fewer, the index alerts without drift
LOOKED_AT = 6  # drift jobs, from the newest
SO_FEW = "At n = 20 this statistic alarms 9 times in 10 without drift."
AT_ONCE = frozenset({"", "P0D", "PT0S", "PT0H", "PT0M"})
SEND = "python solution/monitoring/send.py"
SUBMIT = "python solution/monitoring/submit_drift.py"
MONITOR = "python solution/monitoring/monitor.py"
DECISION = "labs/monitoring/decision.md"
DECISIONS = ("retrain", "ignore", "roll back")
FEWEST_WORDS = 20
WORD = re.compile(r"\w+")
DECIDED = re.compile(r"^\W*decision\W*:\W*(.*?)\W*$", re.IGNORECASE | re.MULTILINE)


@check("MON001", "M13", ("PRD002",))
def inputs_and_outputs_are_collected(context: CheckContext) -> Evidence:
    """The live deployment collects what it is asked and what it answers.

    What was never kept cannot be compared: the day of the alert is too late to begin.
    """
    live = live_deployment(context)
    lacking = [name for name in (INPUTS, OUTPUTS) if name not in live.collections]
    if lacking:
        raise failed(
            f"{live.name} collects {', '.join(live.collections) or 'nothing'}",
            f"the collections {INPUTS} and {OUTPUTS} enabled",
            f"{lacking[0]} is the half that is missing: a request without its answer explains no complaint."
            if live.collections
            else "Collection is a property of the deployment: the data_collector.",
            "An enabled collection alone keeps nothing: score.py hands each request over.",
            "collector() in deployment/production.py returns it; deploy again after the change.",
            commands=("python solution/deployment/production.py",),
        )
    return Evidence(f"{live.name} collects {', '.join(live.collections)}")


@check("MON002", "M13", ("MON001",))
def enough_records_are_collected(context: CheckContext) -> Evidence:
    """At least 100 rows of inputs are collected.

    With 20 rows the index alerts nine times in ten when nothing has drifted, with 100 twice in a hundred.
    """
    live = live_deployment(context)
    rows = context.collected(live.name, ENOUGH)
    if not rows:
        raise failed(
            f"the collector of {live.name} is on, and there is no record beneath "
            f"modelDataCollector/{context.names.production}/{live.name}/{INPUTS}/",
            f"{ENOUGH} rows of inputs",
            "Has anybody asked the model since the collector is on? Records come minutes after the answers.",
            "A score.py that never calls a Collector keeps nothing, whatever the deployment says.",
            "Ask it, with the step send.",
            commands=(f"{SEND} --requests 200",),
        )
    if rows < ENOUGH:
        raise failed(
            f"{rows} rows",
            f"{ENOUGH} rows of inputs",
            SO_FEW,
            "The measurement is a script: false_alarms.py.",
            commands=(f"{SEND} --requests 200", "python solution/monitoring/false_alarms.py"),
        )
    return Evidence(f"{rows} rows or more")


@check("MON003", "M13", ("MON001",))
def monitor_compares_with_a_reference(context: CheckContext) -> Evidence:
    """A monitor compares production with a reference of its own, against a threshold.

    A reference says what the model knows. Without a threshold nobody is told; with itself as reference nothing drifts.
    """
    live = f"{context.names.production}/{live_deployment(context).name}"
    monitors = [one for one in context.monitors() if any(signal.kind == DRIFT for signal in one.signals)]
    if not monitors:
        raise _no_monitor(context.monitors())
    watching = [one for one in monitors if one.deployment.lower() == live.lower()]
    if not watching:
        raise failed(
            f"{monitors[0].name} watches {quote(monitors[0].deployment) or 'no deployment'}",
            f"a monitor of {live}, which is live",
            "After an exchange the traffic is elsewhere: the monitor looks at a deployment that nobody asks.",
            commands=(MONITOR,),
        )
    return _judge_monitor(watching[0])


def _no_monitor(others: Sequence[Monitor]) -> Fail:
    """What to say where nothing monitors drift: there is another monitor, or none."""
    expected = f"a monitor schedule with a signal {DRIFT}"
    if others:
        kinds = ", ".join(signal.kind for signal in others[0].signals) or "no signal"
        return failed(
            f"{others[0].name} has {quote(kinds)}, and no schedule monitors data drift",
            expected,
            "Each signal answers one question: data quality finds empty cells, and a shift has none.",
            commands=(MONITOR,),
        )
    return failed(
        "no schedule monitors anything",
        expected,
        "The monitor of the SDK v1, a DataDriftDetector, is retired since 2025-09-01: nothing of it counts.",
        "A MonitorSchedule has a trigger, a target and signals.",
        commands=(MONITOR,),
    )


def _judge_monitor(monitor: Monitor) -> Evidence:
    signal = next(one for one in monitor.signals if one.kind == DRIFT)
    if not monitor.enabled:
        raise failed(
            f"{monitor.name} is disabled",
            "an enabled schedule",
            "A schedule that is off runs never.",
            commands=(MONITOR,),
        )
    if _is_same(signal):
        raise failed(
            f"{monitor.name} compares {quote(signal.production.uri)} with itself",
            "reference data that are not the production window: the training data",
            "You compare a thing with itself: whatever production becomes, the reference becomes too.",
            "The data asset that the model was trained on is the reference, with data_context training.",
            commands=(MONITOR,),
        )
    if not signal.thresholds:
        raise failed(
            f"{monitor.name} has no threshold",
            "a threshold for a metric, such as 0.2 for the population stability index",
            "Without a threshold the monitor draws a curve, and nobody is told anything.",
            commands=(MONITOR,),
        )
    shown = f"{monitor.name}: against {quote(signal.reference.uri.rpartition('/data/')[2])}, {signal.thresholds[0]}"
    return Evidence(shown, {"monitor": monitor.name, "reference": signal.reference.uri})


def _is_same(signal: Signal) -> bool:
    """Whether both sides read the same rows: one source, and no window that lies before the other."""
    if _source(signal.production) != _source(signal.reference):
        return False
    return signal.reference.window_offset.upper() in AT_ONCE


def _source(data: Data) -> str:
    return data.uri.lower().rstrip("/").removeprefix("azureml:")


@check("MON004", "M13", ("MON002",))
def drift_is_told_from_no_drift(context: CheckContext) -> Evidence:
    """The shifted window alerts, and the control window does not.

    A monitor that never alerts and one that always does are worth the same. Two windows tell which one you have.
    """
    experiment = f"{context.names.experiment}-drift"
    jobs = [job for job in context.jobs() if job.experiment == experiment]
    if not jobs:
        raise failed(
            f"no job in the experiment {experiment}",
            "a drift job of the window `control` and one of the window `shifted`",
            "Send both windows first: the same patients, once as they are and once with BMI moved by half a "
            "standard deviation.",
            commands=(f"{SEND}", f"{SEND} --shift-bmi 0.5", f"{SUBMIT} --window control", f"{SUBMIT} --window shifted"),
        )
    windows = _windows(context, jobs)
    for name, expected in (("control", 0.0), ("shifted", 1.0)):
        _judge_window(name, windows.get(name), expected)
    shown = ", ".join(f"{name}: BMI {quote(run.metrics.get('psi_BMI', ''))[:6]}" for name, run in windows.items())
    return Evidence(shown)


def _windows(context: CheckContext, jobs: list[Job]) -> dict[str, Run]:
    """The newest run of each of the two windows, among the newest jobs."""
    found: dict[str, Run] = {}
    for window, run in _runs(context, jobs):
        found.setdefault(window, run)
        if {"control", "shifted"} <= set(found):
            break
    return {name: found[name] for name in ("control", "shifted") if name in found}


def _runs(context: CheckContext, jobs: list[Job]) -> Iterator[tuple[str, Run]]:
    workspace = context.workspace()
    for job in jobs[:LOOKED_AT]:
        run = context.run(workspace, job.name) if workspace and job.status == "Completed" else None
        if run is not None and "window" in run.parameters:
            yield run.parameters["window"], run


def _judge_window(name: str, run: Run | None, expected: float) -> None:
    """Returns when a window has the verdict that it should have. Raises Fail."""
    step = f"{SUBMIT} --window {name}"
    if run is None:
        raise failed(
            f"no Completed drift job has judged the window `{name}`",
            f"one for `{name}` among the newest {LOOKED_AT}",
            "The control tells what an alert of the other one is worth: a measure that always alerts says nothing."
            if name == "control"
            else "The control alone is quiet either way: whether the measure finds a shift is not known yet.",
            commands=(SEND if name == "control" else f"{SEND} --shift-bmi 0.5", step),
        )
    rows, alert, judged = (_number(run, key) for key in ("rows", "alert", "judged"))
    if judged and rows < ENOUGH:
        raise failed(
            f"the window `{name}` was judged on {rows:.0f} rows: {'an alert' if alert else 'no alert'}",
            f"a judgement on {ENOUGH} rows or more",
            SO_FEW,
            "The option --even-if-few is there to see a false alarm once, not to judge.",
            commands=("python solution/monitoring/false_alarms.py", step),
        )
    if not judged:
        raise failed(
            f"the window `{name}` has {rows:.0f} rows: no judgement",
            f"{ENOUGH} rows or more",
            "The records come minutes after the answers: is the job older than they are?",
            commands=(step,),
        )
    if alert != expected:
        raise failed(
            f"the window `{name}`: {'an alert' if alert else 'no alert'}, BMI {run.metrics.get('psi_BMI', 'unknown')}",
            "an alert for the shifted window, and none for the control",
            "The control is asked about patients as they are: do the two windows overlap, or was it sent with a shift?"
            if alert
            else "A shift of half a standard deviation is found every time from 100 rows on: was it sent with "
            "--shift-bmi 0.5, and is the index compared with the threshold?",
            commands=(SEND if name == "control" else f"{SEND} --shift-bmi 0.5", step),
        )


def _number(run: Run, key: str) -> float:
    """A metric of a run; 0 where it logged none."""
    try:
        return float(run.metrics.get(key, "0"))
    except ValueError:
        return 0.0


@machine_check("MON005", "M13", ("MON004",))
def decision_is_written_down(context: CheckContext) -> Evidence:
    """What the alert is answered with is written down.

    An alert is a question. Retraining is one answer, and a wrong one when it is the source that is broken.
    """
    expected = f"a line `Decision: ...` with one of {', '.join(DECISIONS)}, and below it what was seen and why"
    text = source(context, DECISION, expected)
    found = DECIDED.search(text)
    said = found[1].strip().lower().replace("-", " ").replace("rollback", "roll back") if found else ""
    if said not in DECISIONS:
        raise failed(
            f"{DECISION}: the decision is {f'`{quote(said)}`' if said else 'not made'}",
            expected,
            "Three answers are possible, and one of them has to be chosen: " + ", ".join(DECISIONS) + ".",
            "Ask where the shift comes from: from the patients, or from the program that asks?",
        )
    words = len([word for word in WORD.findall(DECIDED.sub("", text)) if word != "TODO"])
    if words < FEWEST_WORDS:
        raise failed(
            f"{DECISION}: {said}, with {words} words of reasons",
            expected,
            "Whoever is on duty next month reads this: what was seen, why this answer, what would change it?",
        )
    return Evidence(f"{said}, in {words} words")
