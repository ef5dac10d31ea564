"""Every figure of the house, beside its target; a figure is never a test.

A target that is missed is printed like any other: `met` says so. `--soak SECONDS` sets how long sixteen clients write.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import devops, pipelines, site
from bench.measure import median_seconds, run
from bench.rehearsal import rehearse
from bench.server import measure_calls, measure_model, measure_start, soak

RUNS = 7
TARGETS: Mapping[str, float] = {
    "sandbox_start_seconds": 1.0,
    "sandbox_idle_megabytes": 120.0,
    "checker_help_seconds": 0.25,
    "json_call_milliseconds": 3.0,
    "model_70_mib_up_and_down_seconds": 3.0,
    "check_one_attendee_seconds": 2.0,
    "check_one_attendee_calls": 25.0,
    "rehearse_to_steps_ratio": 1.3,
    "soak_server_errors": 0.0,
    "soak_lost_writes": 0.0,
    "pipeline_50_steps_seconds": 0.5,
    "pipeline_30_jobs_seconds": 1.2,
    "expand_2000_lines_seconds": 0.5,
    "push_to_first_log_line_seconds": 1.0,
    "site_build_seconds": 10.0,
    "site_median_page_kilobytes": 60.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soak", type=float, default=60.0, help="seconds that sixteen clients write (%(default)s)")
    parser.add_argument(
        "--without-rehearsal", action="store_true", help="leave out what needs the whole solution to run"
    )
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "python_start_seconds": median_seconds(lambda: run([sys.executable, "-c", "pass"]), RUNS)
    }
    figures["checker_help_seconds"] = median_seconds(lambda: run([sys.executable, "-m", "checker", "--help"]), RUNS)
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folder = Path(scratch)
        figures |= measure_start(folder / "start", RUNS)
        figures |= measure_calls(folder / "calls")
        figures |= measure_model(folder / "model")
        figures |= pipelines.measure()
        figures |= devops.measure(folder / "devops")
        figures |= site.measure(folder / "site")
        figures |= soak(folder / "soak", options.soak)
        if not options.without_rehearsal:
            figures |= rehearse(folder / "rehearsal")
    print(json.dumps(report(figures), indent=2))


def report(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The figures with their targets, and each time as a ratio to starting Python in the same run."""
    start = figures["python_start_seconds"]
    rows = {}
    for name, value in figures.items():
        row: dict[str, Any] = {"value": round(value, 4) if isinstance(value, float) else value}
        if name in TARGETS:
            row |= {"target": TARGETS[name], "met": value <= TARGETS[name]}
        if name.endswith("_seconds") and isinstance(value, float):
            row["times_python_start"] = round(value / start, 1)
        rows[name] = row
    return {"cores": os.cpu_count(), "python": sys.version.split()[0], "figures": rows}


main()
