"""Timing whole processes and calls: medians over several runs, because one run of a shared machine says little."""

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """The median of `runs` timings, after one that does not count."""
    work()
    return statistics.median(seconds_of(work) for _ in range(runs))


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """What the command prints. Raises CalledProcessError."""
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout
