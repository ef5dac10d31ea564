"""A bell that wakes runs which wait for people: approvals, permissions, locks."""

import threading


class Bell:
    """Anybody rings; whoever waits looks again at what it waits for. Rings are not counted and never lost."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings = 0

    def ring(self) -> None:
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    @property
    def rings(self) -> int:
        """Read before looking, and given to `wait` after it: a ring in between is then heard."""
        with self._condition:
            return self._rings

    def wait(self, heard: int, seconds: float) -> None:
        """Until a ring after `heard`, at most that long."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings != heard, seconds)
