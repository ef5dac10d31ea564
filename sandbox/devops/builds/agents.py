"""The local agents of one server: each runs one job at a time and keeps its tools, as a self-hosted agent does.

What a job's pip installs is therefore there for the next job of that agent, which saves minutes a run. Two jobs at
once have two agents, so that they do not mix.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Agents:
    """Agents by number; a new one is made when all are busy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._busy: set[int] = set()

    @contextmanager
    def lease(self) -> Iterator[Path]:
        """The tools folder of an agent that is free, for as long as the block lasts."""
        with self._lock:
            number = next(one for one in range(1, len(self._busy) + 2) if one not in self._busy)
            self._busy.add(number)
        try:
            tools = self._folder / str(number) / "_tool"
            tools.mkdir(parents=True, exist_ok=True)
            yield tools
        finally:
            with self._lock:
                self._busy.discard(number)
