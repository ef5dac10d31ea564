"""Makes the schedule that compares, every day, what production was asked with what the model learned from.

    python labs/monitoring/monitor.py [--email you@example.org]

The schedule runs by the clock of Azure ML: its first run may be tomorrow. Who wants to know today runs submit_drift.py.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import workshop
from drift import THRESHOLD, WATCHED
from send import live_deployment
from submit_drift import newest_data
from workshop import Workshop

if TYPE_CHECKING:
    from azure.ai.ml.entities import DataDriftSignal, MonitorSchedule

SPARK = {"instance_type": "standard_e4s_v3", "runtime_version": "3.4"}
HOUR = 3


# --8<-- [start:m13-signal]
# TODO (module 13): what is compared here with what? Give the signal a reference that knows what the model knows, and a
#   threshold for the population stability index.
def drift_signal(settings: Workshop, deployment: str, reference: str) -> "DataDriftSignal":
    """Returns what is compared: the requests of the last day."""
    from azure.ai.ml import Input
    from azure.ai.ml.entities import (
        BaselineDataRange,
        DataDriftMetricThreshold,
        DataDriftSignal,
        NumericalDriftMetrics,
        ProductionData,
        ReferenceData,
    )

    collected = f"azureml:{settings.names.production}-{deployment}-model_inputs:1"
    day = BaselineDataRange(lookback_window_size="P1D", lookback_window_offset="P0D")
    asked = Input(type="uri_folder", path=collected)
    return DataDriftSignal(
        production_data=ProductionData(input_data=asked, data_context="model_inputs", data_window=day),
        reference_data=ReferenceData(input_data=asked, data_context="model_inputs", data_window=day),
        features=list(WATCHED),
        metric_thresholds=DataDriftMetricThreshold(
            numerical=NumericalDriftMetrics(population_stability_index=THRESHOLD)
        ),
    )


# --8<-- [end:m13-signal]


def monitor_schedule(
    settings: Workshop, deployment: str, signal: "DataDriftSignal", email: str | None
) -> "MonitorSchedule":
    """Returns the schedule, for the deployment that is live."""
    from azure.ai.ml.entities import (
        AlertNotification,
        MonitorDefinition,
        MonitoringTarget,
        MonitorSchedule,
        RecurrencePattern,
        RecurrenceTrigger,
        ServerlessSparkCompute,
    )

    name = settings.names.production
    definition = MonitorDefinition(
        compute=ServerlessSparkCompute(**SPARK),
        monitoring_target=MonitoringTarget(ml_task="Regression", endpoint_deployment_id=f"azureml:{name}:{deployment}"),
        monitoring_signals={"drift": signal},
        alert_notification=AlertNotification(emails=[email]) if email else None,
    )
    daily = RecurrenceTrigger(frequency="day", interval=1, schedule=RecurrencePattern(hours=HOUR, minutes=0))
    return MonitorSchedule(name=f"{name}-drift", trigger=daily, create_monitor=definition, tags=settings.tags)


def main() -> int:
    """Makes or updates the schedule."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--email", help="who gets the alerts")
    parser.add_argument("--deployment", help="watches this one, not the one with the most traffic")
    options, settings = parser.parse_args(), workshop.load()
    ml = workshop.ml_client(settings)
    deployment, reference = live_deployment(settings, options.deployment)[2], newest_data(ml, settings)
    schedule = monitor_schedule(settings, deployment, drift_signal(settings, deployment, reference), options.email)
    made = ml.schedules.begin_create_or_update(schedule).result()
    print(f"{made.name}: every day at {HOUR}:00, {', '.join(WATCHED)} of {deployment} against {reference}")
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
