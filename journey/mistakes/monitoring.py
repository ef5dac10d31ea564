"""Mistakes of module 13: what is collected, what it is compared with, and what an alert is answered with.

They are made in a world that has its model card as well, so that one clone is enough for both modules.
"""

from collections.abc import Iterable
from typing import Any

from journey.mistakes.clone import edited
from journey.mistakes.registry import Undo, mistake
from journey.worlds import World
from journey.worlds.monitoring import (
    COLLECTED,
    CONTROL,
    INPUTS,
    SHIFTED,
    drift_numbers,
    drift_signal,
    make_drift_job,
    make_monitor,
    production_window,
    put_records,
    put_schedule,
    read_patients,
    records_blob,
)
from journey.worlds.serving import make_deployment

NEEDS = "M14"
DECISION = "labs/monitoring/decision.md"
FEW = 20


# What is collected ---------------------------------------------------------------------------------------------------


def collecting(world: World, *collections: str) -> Undo:
    """The live deployment again, with these collections; undone by both."""
    newest = world.models[-1]
    make_deployment(world.resources, world.image, newest, collections=collections)
    return lambda: make_deployment(world.resources, world.image, newest, collections=COLLECTED)


@mistake("collector-off", "M13", "MON001", "Collection is a property of the deployment", NEEDS, clone=True)
def collector_off(world: World) -> Undo:
    """The deployment has no collector."""
    return collecting(world)


@mistake("answers-not-collected", "M13", "MON001", "the half that is missing", NEEDS, clone=True)
def answers_not_collected(world: World) -> Undo:
    """What is asked is collected, and what is answered is not."""
    return collecting(world, INPUTS)


def asked_about(world: World, patients: int) -> Undo:
    """Records of so few requests; undone by those of both windows."""
    for collection in COLLECTED:
        world.resources.put_blob(records_blob(world.resources, collection), b"")
    if patients:
        put_records(world.resources, read_patients(world.ground.kit, patients))
    return lambda: put_records(world.resources, read_patients(world.ground.kit) * 2)


@mistake("collector-never-called", "M13", "MON002", "never calls a Collector", NEEDS, clone=True)
def collector_never_called(world: World) -> Undo:
    """The collector is on, and score.py hands nothing over."""
    return asked_about(world, 0)


@mistake("twenty-requests", "M13", "MON002", "At n = 20 this statistic alarms 9 times in 10", NEEDS, clone=True)
def twenty_requests(world: World) -> Undo:
    """Production was asked about twenty patients."""
    return asked_about(world, FEW)


# What looks ----------------------------------------------------------------------------------------------------------


def monitored(world: World, **parts: Any) -> Undo:
    """The monitor with another signal; undone by the right one."""
    make_monitor(world.resources, drift_signal(world.resources, **parts))
    return lambda: make_monitor(world.resources)


@mistake("drift-monitor-of-the-sdk-v1", "M13", "MON003", "is retired since 2025-09-01", NEEDS, clone=True)
def drift_monitor_of_the_sdk_v1(world: World) -> Undo:
    """Drift was watched with the SDK v1: what is left of that is a schedule that starts jobs, and monitors nothing."""
    put_schedule(world.resources, {"actionType": "CreateJob", "jobDefinition": {"jobType": "Pipeline", "jobs": {}}})
    return lambda: make_monitor(world.resources)


@mistake("monitor-of-the-data-quality", "M13", "MON003", "data quality finds empty cells", NEEDS, clone=True)
def monitor_of_the_data_quality(world: World) -> Undo:
    """The monitor looks for bad values, and not for drift."""
    limit = {"dataType": "Numerical", "metric": "nullValueRate", "threshold": {"value": 0.01}}
    return monitored(world, signalType="DataQuality", metricThresholds=[limit])


@mistake("monitor-of-another-deployment", "M13", "MON003", "the traffic is elsewhere", NEEDS, clone=True)
def monitor_of_another_deployment(world: World) -> Undo:
    """The monitor still watches the deployment that lost the traffic."""
    make_monitor(world.resources, deployment="green")
    return lambda: make_monitor(world.resources)


@mistake("monitor-disabled", "M13", "MON003", "A schedule that is off runs never", NEEDS, clone=True)
def monitor_disabled(world: World) -> Undo:
    """The schedule is switched off."""
    make_monitor(world.resources, enabled=False)
    return lambda: make_monitor(world.resources)


@mistake("reference-is-the-window", "M13", "MON003", "You compare a thing with itself", NEEDS, clone=True)
def reference_is_the_window(world: World) -> Undo:
    """The requests of the day are compared with the requests of the day."""
    return monitored(world, referenceData=production_window(world.resources))


@mistake("monitor-without-a-threshold", "M13", "MON003", "nobody is told anything", NEEDS, clone=True)
def monitor_without_a_threshold(world: World) -> Undo:
    """The monitor has no threshold."""
    return monitored(world, metricThresholds=[])


# What was measured ---------------------------------------------------------------------------------------------------


def without_jobs(world: World, windows: Iterable[str]) -> Undo:
    """The jobs of some windows are gone; undone by others."""
    gone = tuple(windows)
    for window in gone:
        world.resources.call("DELETE", f"{world.resources.workspace}/jobs/{world.drift[window]}")

    def undo() -> None:
        for window in gone:
            world.drift[window] = make_drift_job(world.resources, window)

    return undo


@mistake("drift-never-measured", "M13", "MON004", "Send both windows first", NEEDS, clone=True)
def drift_never_measured(world: World) -> Undo:
    """The windows were sent, and no job has compared them."""
    return without_jobs(world, world.drift)


@mistake("control-missing", "M13", "MON004", "a measure that always alerts says nothing", NEEDS, clone=True)
def control_missing(world: World) -> Undo:
    """Only the shifted window was judged."""
    return without_jobs(world, [CONTROL])


@mistake("shift-never-judged", "M13", "MON004", "whether the measure finds a shift", NEEDS, clone=True)
def shift_never_judged(world: World) -> Undo:
    """Only the control window was judged."""
    return without_jobs(world, [SHIFTED])


def measured(world: World, window: str, **numbers: float) -> Undo:
    """The job of a window has logged other numbers; undone by the right ones."""
    world.resources.log_run(world.drift[window], drift_numbers(window, **numbers))
    return lambda: world.resources.log_run(world.drift[window], drift_numbers(window))


@mistake("alert-for-the-control", "M13", "MON004", "do the two windows overlap", NEEDS, clone=True)
def alert_for_the_control(world: World) -> Undo:
    """The control window alerts: some of its requests were shifted."""
    return measured(world, CONTROL, alert=1.0, psi_BMI=0.31)


@mistake("no-alert-for-the-shift", "M13", "MON004", "is the index compared with the threshold", NEEDS, clone=True)
def no_alert_for_the_shift(world: World) -> Undo:
    """The shifted window does not alert."""
    return measured(world, SHIFTED, alert=0.0, psi_BMI=0.06)


@mistake("alert-from-twenty-rows", "M13", "MON004", "At n = 20 this statistic alarms 9 times", NEEDS, clone=True)
def alert_from_twenty_rows(world: World) -> Undo:
    """Twenty rows were judged, with --even-if-few."""
    return measured(world, SHIFTED, rows=float(FEW))


@mistake("window-without-rows", "M13", "MON004", "is the job older than they are", NEEDS, clone=True)
def window_without_rows(world: World) -> Undo:
    """The job ran before the records had come, and judged nothing."""
    return measured(world, CONTROL, rows=0.0, judged=0.0)


# What was decided ----------------------------------------------------------------------------------------------------


@mistake("decision-missing", "M13", "MON005", "and below it what was seen and why", NEEDS, clone=True)
def decision_missing(world: World) -> Undo:
    """There is no note on the alert."""
    note = world.folder / DECISION
    text = note.read_text(encoding="utf-8")
    note.unlink()

    def undo() -> None:
        note.write_text(text, encoding="utf-8")

    return undo


@mistake("undecided", "M13", "MON005", "one of them has to be chosen", NEEDS, clone=True)
def undecided(world: World) -> Undo:
    """The note leaves the decision open."""
    return edited(world, DECISION, ("Decision: ignore", "Decision: retrain or ignore"))


@mistake("decision-without-reasons", "M13", "MON005", "Whoever is on duty next month", NEEDS, clone=True)
def decision_without_reasons(world: World) -> Undo:
    """The note says what, and not why."""
    text = (world.folder / DECISION).read_text(encoding="utf-8")
    return edited(world, DECISION, (text, "Decision: ignore\n"))
