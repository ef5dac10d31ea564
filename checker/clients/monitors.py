"""Monitor schedules, and the records that a deployment's collector keeps. Data only: what a check needs, parsed.

A schedule whose action is CreateMonitor holds signals; each compares production data with reference data and has
thresholds for its metrics (the bodies that azure-ai-ml sends for a MonitorSchedule). Collected records are JSON lines
at modelDataCollector/{endpoint}/{deployment}/{collection}/{yyyy}/{MM}/{dd}/{HH}/{instance}.jsonl.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checker.clients.documents import last_segment, mapping, sequence, text

SCHEDULES_VERSION = "2024-10-01-preview"
DRIFT = "DataDrift"


@dataclass(frozen=True)
class Data:
    """What one side of a comparison reads. `window_offset` is an ISO 8601 duration, or '' for a fixed piece of data."""

    uri: str
    window_size: str
    window_offset: str


@dataclass(frozen=True)
class Signal:
    """One comparison. `thresholds` are the metrics that have a limit."""

    kind: str
    production: Data
    reference: Data
    thresholds: tuple[str, ...]


@dataclass(frozen=True)
class Monitor:
    """One schedule that monitors. `deployment` is `endpoint/deployment`, or '' where it watches none."""

    name: str
    enabled: bool
    deployment: str
    signals: tuple[Signal, ...]


def monitor(document: Mapping[str, Any]) -> Monitor | None:
    """The monitor of a schedule's document; None for a schedule that starts jobs."""
    properties = mapping(document, "properties")
    if text(properties, "action", "actionType") != "CreateMonitor":
        return None
    definition = mapping(properties, "action", "monitorDefinition")
    target = text(definition, "monitoringTarget", "deploymentId")
    endpoint = last_segment(target.partition("/deployments/")[0])
    return Monitor(
        name=text(document, "name"),
        enabled=properties.get("isEnabled") is not False,
        deployment=f"{endpoint}/{last_segment(target)}" if endpoint else "",
        signals=tuple(_signal(entry) for entry in mapping(definition, "signals").values()),
    )


def _signal(entry: object) -> Signal:
    thresholds = [text(one, "metric") for one in sequence(entry, "metricThresholds") if mapping(one, "threshold")]
    production, reference = (_data(mapping(entry, side)) for side in ("productionData", "referenceData"))
    return Signal(text(entry, "signalType"), production, reference, tuple(thresholds))


def _data(entry: Mapping[str, Any]) -> Data:
    return Data(text(entry, "uri"), text(entry, "windowSize"), text(entry, "windowOffset"))


def collected_rows(content: bytes) -> Iterator[Any]:
    """The rows in a file of records. A last line that is still being written is no record."""
    for line in content.decode(errors="replace").splitlines():
        try:
            yield from sequence(json.loads(line), "data")
        except ValueError:
            continue
