"""A container that runs: a process tree, what is seen of it, and its restarts.

Restarts follow the group's policy with a back-off that doubles from one second to a minute, as a kubelet's does; while
one waits, the state is Waiting with CrashLoopBackOff.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.compute.containers import serve_image
from sandbox.compute.errors import ComputeError
from sandbox.compute.images import Image
from sandbox.compute.ports import outward_addresses
from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Runtime
from sandbox.compute.serving import ModelServer, ServingOptions
from sandbox.ids import Ids

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0  # seconds
SETTLED_SECONDS = 60.0  # a process that lived so long starts again without delay
POLL_SECONDS = 0.1
LISTEN_SECONDS = 60.0  # how long a new process is looked at for an address that it must not listen on
LOOK_SECONDS = 0.5
EVENTS_KEPT = 20


@dataclass(frozen=True)
class ContainerSpec:
    """What to run. `environment` holds plain and secure values alike; an empty `command` keeps the image's own."""

    name: str
    image: Image
    reference: str
    command: tuple[str, ...]
    ports: tuple[int, ...]
    environment: Mapping[str, str]
    policy: str


@dataclass(frozen=True)
class Place:
    """Where it runs: the group's address, a folder for private copies, the log, the runtime."""

    owner: str
    host: str
    folder: Path
    log: Path
    runtime: Runtime


@dataclass(frozen=True)
class State:
    """A container's state in the service's words: Waiting, Running or Terminated. Times are ISO 8601."""

    state: str
    start_time: str = ""
    exit_code: int | None = None
    finish_time: str = ""
    detail_status: str = ""

    def view(self) -> dict[str, Any]:
        fields = {
            "state": self.state,
            "startTime": self.start_time or None,
            "exitCode": self.exit_code,
            "finishTime": self.finish_time or None,
            "detailStatus": self.detail_status,
        }
        return {name: value for name, value in fields.items() if value is not None}


class Container:
    """One container from its first start until it is stopped for good. Its thread is `run`."""

    def __init__(self, spec: ContainerSpec, place: Place, processes: Processes, clock: Clock, ids: Ids) -> None:
        self.spec = spec
        self.place = place
        self.started = threading.Event()  # set once the first process runs, or could not be started
        self.finished = threading.Event()  # set once `run` has returned
        self.failure = ""  # why no process of it can run
        self._processes = processes
        self._clock = clock
        self._ids = ids
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._state = State("Waiting", detail_status="ContainerCreating")
        self._previous: State | None = None
        self._restarts = 0
        self._events: list[dict[str, Any]] = []

    def run(self) -> None:
        """Start, watch and start again, until the policy or `stop` ends it."""
        try:
            self._run()
        finally:
            self.started.set()
            self.finished.set()

    def _run(self) -> None:
        delay = FIRST_DELAY
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._run_once()
            self.started.set()
            if self._stopping.is_set() or not self._wants_restart(code):
                return
            delay = FIRST_DELAY if time.monotonic() - began > SETTLED_SECONDS else delay
            self._back_off(delay)
            if self._stopping.wait(delay):
                self._terminated_while_waiting()
                return
            delay = min(delay * 2, LONGEST_DELAY)

    def stop(self) -> None:
        """Ask it to end; `run` returns soon after, when nothing of it is left."""
        self._stopping.set()

    def view(self) -> dict[str, Any]:
        """The instanceView of the container."""
        with self._lock:
            view: dict[str, Any] = {"restartCount": self._restarts, "currentState": self._state.view()}
            if self._previous:
                view["previousState"] = self._previous.view()
            return {**view, "events": list(self._events)}

    @property
    def state(self) -> State:
        with self._lock:
            return self._state

    def _wants_restart(self, code: int | None) -> bool:
        return self.spec.policy == "Always" or (self.spec.policy == "OnFailure" and code != 0)

    def _run_once(self) -> int | None:
        """One process, to its end; its exit code, or None where it could not be started."""
        try:
            server = self._start()
        except ComputeError as error:
            self.failure = str(error)
            self._event("Failed", f"Error: {error}", "Warning")
            self._end(State("Terminated", exit_code=None, finish_time=self._now(), detail_status=f"Error: {error}"))
            return None
        self.failure = ""
        self.started.set()
        try:
            self._watch(server)
        finally:
            server.stop()
        code = _exit_code(server.returncode)
        detail = self.failure or ("Completed" if code == 0 else "Error")
        self._end(State("Terminated", self.state.start_time, code, self._now(), detail))
        return code

    def _start(self) -> ModelServer:
        image, spec, place = self.spec.image, self.spec, self.place
        if spec.command:  # the command of a container instance replaces ENTRYPOINT, not only CMD
            image = replace(image, config=replace(image.config, entrypoint=()))
        options = ServingOptions(
            owner=f"container {place.owner}/{spec.name}",
            runtime=place.runtime,
            folder=place.folder / self._ids.guid(),
            log=place.log,
            environment=spec.environment,
            host=place.host,
        )
        self._event("Pulled", f'Successfully pulled image "{spec.reference}"')
        server = serve_image(image, options, self._processes, ports=spec.ports, command=spec.command)
        server.start()
        with self._lock:
            self._state = State("Running", start_time=self._now())
        self._event("Started", "Started container")
        return server

    def _watch(self, server: ModelServer) -> None:
        """Until it ends, is stopped, or is seen to listen where other machines can reach it."""
        deadline, look = time.monotonic() + LISTEN_SECONDS, 0.0
        while server.alive and not self._stopping.wait(POLL_SECONDS):
            if look < time.monotonic() < deadline:
                look = time.monotonic() + LOOK_SECONDS
                if self._reaches_outward(server):
                    return
        if self._stopping.is_set():
            self._event("Killing", "Killing container")

    def _reaches_outward(self, server: ModelServer) -> bool:
        outward = outward_addresses(server.pid) if server.pid else []
        if outward:
            self.failure = (
                f"It listened on {', '.join(outward)}, which other machines can reach; only loopback is allowed."
            )
            self._event("Killing", self.failure, "Warning")
            self._stopping.set()
        return bool(outward)

    def _end(self, state: State) -> None:
        with self._lock:
            self._state = state

    def _back_off(self, delay: float) -> None:
        with self._lock:
            self._previous = self._state
            self._restarts += 1
            detail = f"CrashLoopBackOff: Back-off {delay:g}s restarting failed container"
            self._state = State("Waiting", detail_status=detail)

    def _terminated_while_waiting(self) -> None:
        with self._lock:
            self._state = self._previous or self._state

    def _event(self, name: str, message: str, kind: str = "Normal") -> None:
        now = self._now()
        with self._lock:
            for index, known in enumerate(self._events):
                if (known["name"], known["message"]) == (name, message):
                    self._events[index] = {**known, "count": known["count"] + 1, "lastTimestamp": now}
                    return
            row = {"count": 1, "firstTimestamp": now, "lastTimestamp": now, "name": name}
            self._events = [*self._events, {**row, "message": message, "type": kind}][-EVENTS_KEPT:]

    def _now(self) -> str:
        return self._clock.timestamp()


def _exit_code(code: int | None) -> int | None:
    """As a container reports it: 128 and the signal's number where a signal ended it."""
    return code if code is None or code >= 0 else 128 - code
