"""The process: lock the state folder, bind the port, serve, say when ready, end cleanly.

`server.json` in the state folder is there exactly while a server answers; it holds the pid, the address and the
secret of the control operations, and is readable by its owner only.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import psutil
import uvicorn

from sandbox.app import Application, build
from sandbox.certificates import ensure_certificates
from sandbox.errors import StartupError
from sandbox.log import event, open_log
from sandbox.running import STAY, Running, get_running, try_lock
from sandbox.settings import HOST, Settings

GRACE_SECONDS = 1  # an idle connection of a client that lives on would be waited for all this time


def serve(settings: Settings, announce: Callable[[Running], None], until_orphaned: bool = False) -> None:
    """Serve until a signal or `sandbox down`. Raises StartupError.

    With `until_orphaned`, whoever started this process must write STAY to its standard input once it has seen the
    server ready; a starter that was interrupted leaves no server behind.
    """
    with _locked(settings.state):
        open_log(settings.log)
        listener = _bind(settings)
        ensure_certificates(settings)
        signal.signal(signal.SIGTERM, _leave)
        application = build(settings)
        try:
            # Before the first call: what the last server left under way must not be mixed up with what is new.
            application.recover()
            _run(settings, application, listener, announce, until_orphaned)
        finally:
            (settings.state / "server.json").unlink(missing_ok=True)
            application.close()
            event("stopped")


def _run(
    settings: Settings,
    application: Application,
    listener: socket.socket,
    announce: Callable[[Running], None],
    until_orphaned: bool,
) -> None:
    config = uvicorn.Config(
        application.gateway,
        ssl_certfile=settings.tls / "server.pem",
        ssl_keyfile=settings.tls / "server.key",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )

    def ready() -> None:
        running = _record(settings, application)
        event("ready", port=settings.port)
        announce(running)

    server = _Server(config, ready)
    application.control.stop = server.stop
    if until_orphaned:
        threading.Thread(target=_stop_unless_told, args=(server,), name="starter", daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, telling when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await asyncio.get_running_loop().run_in_executor(None, self._ready)

    def stop(self) -> None:
        self.should_exit = True


def _stop_unless_told(server: _Server) -> None:
    if sys.stdin.buffer.read() != STAY:
        event("starter gone")
        server.stop()


def _record(settings: Settings, application: Application) -> Running:
    created = psutil.Process().create_time()
    signs_in = (application.secret, application.organization, application.devops_token)
    running = Running(os.getpid(), created, settings.port, *signs_in)
    path = settings.state / "server.json"
    scratch = path.with_suffix(".new")
    scratch.touch(mode=0o600)
    scratch.write_text(json.dumps(asdict(running)))
    scratch.replace(path)
    return running


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _bind(settings: Settings) -> socket.socket:
    # Named as TCP: asyncio switches Nagle's delay (40 ms a call) off only for sockets that say so.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, settings.port))
    except OSError as error:
        listener.close()
        raise StartupError(
            f"{HOST}:{settings.port} cannot be bound: {_holder(settings.port) or error.strerror}.",
            "A free port on the loopback address.",
            f"sandbox up --port {_free_port()}",
        ) from error
    listener.listen(2048)
    return listener


def _holder(port: int) -> str:
    """Who listens on a port, as far as this user may see it."""
    with contextlib.suppress(psutil.AccessDenied):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port
            if listens and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()}) listens there"
    return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _locked(state: Path) -> Iterator[None]:
    """One server a state folder; the system lets go of the lock when the process dies, however it dies."""
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (state / "lock").open("a+")
    except OSError as error:
        raise StartupError(
            f"The state folder {state} cannot be written: {error.strerror}.",
            "A folder that this user owns.",
            "sandbox up --state FOLDER",
        ) from error
    with lock:
        if not try_lock(lock.fileno()):
            running = get_running(state)
            where = f" (process {running.pid}, {running.base})" if running else ""
            raise StartupError(
                f"A sandbox already runs on {state}{where}.",
                "One server for one state folder.",
                "sandbox env    uses it;    sandbox down    stops it",
            )
        yield
