"""Threads of a service: daemons that are told to end, and waited for."""

import threading
import time
from collections.abc import Callable

from sandbox.log import event


class Workers:
    """`stopping` is set when the service closes; whoever waits for something waits on it as well."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, work: Callable[[], None]) -> bool:
        """Run `work` in a thread. False once the service closes: then nothing is started any more."""
        with self._lock:
            if self.stopping.is_set():
                event("not started: stopping", work=name)
                return False
            thread = threading.Thread(target=work, name=name, daemon=True)
            self._threads = [*(one for one in self._threads if one.is_alive()), thread]
            thread.start()
        return True

    def close(self, seconds: float = 5.0) -> None:
        """Tell all to end, and wait for them together at most so long."""
        with self._lock:
            self.stopping.set()
            threads = list(self._threads)
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
