"""The containers that run now, by group."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.clock import Clock
from sandbox.compute.processes import Processes
from sandbox.containers.instances import Container, ContainerSpec, Place
from sandbox.containers.workers import Workers
from sandbox.ids import Ids

STOP_SECONDS = 20.0
START_SECONDS = 60.0

Ended = Callable[[str], None]


class RunningGroups:
    """Starts and stops the containers of groups. `ended` is told of a group whose containers ended by themselves."""

    def __init__(self, processes: Processes, clock: Clock, ids: Ids, workers: Workers, ended: Ended) -> None:
        self._processes = processes
        self._clock = clock
        self._ids = ids
        self._workers = workers
        self._ended = ended
        self._lock = threading.Lock()
        self._groups: dict[str, list[Container]] = {}
        self._turns: dict[str, threading.Lock] = {}

    def start(self, group: str, wanted: Sequence[tuple[ContainerSpec, Place]]) -> str:
        """Start what is wanted in place of what runs; returns why a container could not be started, else an empty text.

        As on the service, this does not wait until a server answers: a process that runs is a container that runs.
        """
        containers = [Container(spec, place, self._processes, self._clock, self._ids) for spec, place in wanted]
        with self._turn(group):
            _stop(self._replace(group, containers))
            for container in containers:
                self._begin(group, container)
            for container in containers:
                container.started.wait(START_SECONDS)
        return next((one.failure for one in containers if one.failure), "")

    def _begin(self, group: str, container: Container) -> None:
        """Its thread, with an empty log. A service that closes starts none."""
        container.place.log.parent.mkdir(parents=True, exist_ok=True)
        container.place.log.write_bytes(b"")
        if not self._workers.start(f"container {container.spec.name}", _supervised(self, group, container)):
            container.started.set()
            container.finished.set()

    def _turn(self, group: str) -> threading.Lock:
        """One start or stop of a group at a time: no process is left behind by two of them."""
        with self._lock:
            return self._turns.setdefault(group.lower(), threading.Lock())

    def _replace(self, group: str, containers: list[Container]) -> list[Container]:
        with self._lock:
            before = self._groups.pop(group.lower(), [])
            if containers:
                self._groups[group.lower()] = containers
        return before

    def stop(self, group: str) -> dict[str, dict[str, Any]]:
        """Returns when nothing of it runs any more, with what its containers were last seen to do (none: empty)."""
        with self._turn(group):
            containers = self._replace(group, [])
            _stop(containers)
        return {one.spec.name: one.view() for one in containers}

    def views(self, group: str) -> dict[str, dict[str, Any]] | None:
        """The instanceView of each container, by name; None for a group that was not started by this server."""
        containers = self._containers(group)
        return {one.spec.name: one.view() for one in containers} if containers else None

    def _containers(self, group: str) -> list[Container]:
        with self._lock:
            return list(self._groups.get(group.lower(), ()))

    def close(self) -> None:
        """Stop all. What they were meant to do is not forgotten: the next server starts them again."""
        with self._lock:
            containers = [one for group in self._groups.values() for one in group]
            self._groups.clear()
        _stop(containers)

    def finished(self, group: str, container: Container) -> None:
        """A container's thread is over: the last one of a group that nobody stopped ends the group."""
        containers = self._containers(group)
        if container in containers and all(one.finished.is_set() for one in containers):
            self._ended(group)


def _supervised(groups: RunningGroups, group: str, container: Container) -> Callable[[], None]:
    def work() -> None:
        container.run()
        groups.finished(group, container)

    return work


def _stop(containers: Sequence[Container]) -> None:
    for container in containers:
        container.stop()
    for container in containers:
        container.finished.wait(STOP_SECONDS)
