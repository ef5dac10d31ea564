"""Model servers: a scoring script, an MLflow model or an image behind a loopback port."""

from __future__ import annotations

import http.client
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.compute.errors import ServerError
from sandbox.compute.folders import copy_tree, log_tail, make_read_only, remove_folder, removed_on_error
from sandbox.compute.ports import LOOPBACK_HOST, PortReservation, outward_addresses, ports_variable
from sandbox.compute.processes import Process, Processes
from sandbox.compute.runtime import Runtime

INFERENCE_SERVER = "azmlinfsrv"  # the console script of azureml-inference-server-http
SCORING_PORT = 5001  # its default, and the one Azure's images publish
MLFLOW_SCORE_SCRIPT = Path(__file__).with_name("mlflow_score.py")

POLL_SECONDS = 0.05
REQUEST_TIMEOUT_SECONDS = 5.0
STOP_GRACE_SECONDS = 5.0
FAILURE_LINES = 30


@dataclass(frozen=True)
class ServerSpec:
    """What to run and where it answers.

    `environment` is what the program sees beside the runtime's base. `ports` are the ports it listens on; the first one
    is probed at `readiness_path`. With `host`, a loopback address of the server's own (127.18.0.7), container port and
    host port are the same; without it, each port gets a free one on 127.0.0.1. `private_folder` is the server's alone
    and is removed when it stops.
    """

    owner: str
    command: Sequence[str]
    cwd: Path
    runtime: Runtime
    log: Path
    private_folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = (SCORING_PORT,)
    readiness_path: str = "/"
    host: str | None = None


class ModelServer:
    """One server process tree, from `start` to `stop`."""

    def __init__(self, spec: ServerSpec, processes: Processes) -> None:
        self.spec = spec
        self.host = spec.host or LOOPBACK_HOST
        self._processes = processes
        self._process: Process | None = None
        self._reservation: PortReservation | None = None
        self._refusal = ""

    def start(self) -> None:
        """Start the process; it is not ready yet.

        Raises `ServerError` when no port can be had and `ExecutableNotFoundError` when there is no such program; then
        nothing is left behind.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        if self.spec.host is None:
            self._reservation = PortReservation(self.spec.ports)
        variables = {
            **self.spec.environment,
            "SANDBOX_LOOPBACK_HOST": self.host,
            "SANDBOX_LOOPBACK_PORTS": ports_variable(self._host_ports()),
        }
        environment = self.spec.runtime.environment(self.spec.private_folder / "home", variables)
        self._process = self._processes.start(
            self.spec.owner, self.spec.command, cwd=self.spec.cwd, env=environment, log=self.spec.log
        )

    def wait_ready(self, timeout: float) -> bool:
        """Whether the server answers within `timeout` seconds; False at once when its process ends first.

        A server that listens on an address other machines can reach is stopped, and False is returned.
        """
        deadline = time.monotonic() + timeout
        while self.alive and time.monotonic() < deadline:
            if self.answers(min(REQUEST_TIMEOUT_SECONDS, max(POLL_SECONDS, deadline - time.monotonic()))):
                return self._stays_inside()
            if self._process is not None:
                self._process.wait(POLL_SECONDS)
        return False

    def answers(self, timeout: float = REQUEST_TIMEOUT_SECONDS) -> bool:
        """Whether one GET of the readiness path is answered with a status below 400."""
        connection = http.client.HTTPConnection(self.host, self.host_port(), timeout=timeout)
        try:
            connection.request("GET", self.spec.readiness_path)
            return connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        """End the server, give its ports back and remove its private folder. The log stays."""
        if self._process is not None:
            self._process.stop(grace_seconds)
        if self._reservation is not None:
            self._reservation.release()
        remove_folder(self.spec.private_folder)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process's id once started."""
        return None if self._process is None else self._process.pid

    @property
    def returncode(self) -> int | None:
        """The process's exit code once it ended."""
        return None if self._process is None else self._process.returncode

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:41234`, without a slash at the end."""
        return f"http://{self.host}:{self.host_port()}"

    def host_port(self, container_port: int | None = None) -> int:
        """The host port of one of the server's ports; of the first one by default."""
        port = self.spec.ports[0] if container_port is None else container_port
        return self._host_ports().get(port, port)

    def log_tail(self, lines: int = 100) -> str:
        """The last lines the server wrote."""
        return log_tail(self.spec.log, lines)

    def failure(self) -> str:
        """Why it is not serving, as far as one can see from outside, with the last lines of its log."""
        if self._refusal:
            return self._refusal
        seen = "it still runs but does not answer" if self.alive else f"its process ended with code {self.returncode}"
        return f"The server of {self.spec.owner} is not ready: {seen}. Its log:\n{self.log_tail(FAILURE_LINES)}"

    def _host_ports(self) -> Mapping[int, int]:
        return {} if self._reservation is None else self._reservation.host_ports

    def _stays_inside(self) -> bool:
        # The guard reaches Python programs only; anything else that was started has to prove where it listens.
        outward = outward_addresses(self.pid) if self.pid is not None else []
        if outward:
            self._refusal = (
                f"The server of {self.spec.owner} listens on {', '.join(outward)}, which other machines can reach; "
                f"only loopback addresses are allowed here. It was stopped."
            )
            self.stop()
        return not outward


@dataclass(frozen=True)
class ModelSource:
    """A registered model: its file or folder, and the name and version it is registered under."""

    path: Path
    name: str = "model"
    version: str = "1"


@dataclass(frozen=True)
class ServingOptions:
    """What all servers have in common. `folder` must not exist yet; the server removes it when it stops."""

    owner: str
    runtime: Runtime
    folder: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None


def serve_score_script(
    code: Path, scoring_script: str, model: ModelSource | None, options: ServingOptions, processes: Processes
) -> ModelServer:
    """A server of a scoring script (`init()` and `run()`), by the inference server Azure ML itself uses.

    Code and model are copied: what is served does not change when the asset's folder does. Raises `ServerError` when
    the runtime has no inference server.
    """
    program = inference_server(options.runtime)
    command = [program, "--entry_script", scoring_script, "--port", str(SCORING_PORT), "--worker_count", "1"]
    with removed_on_error(options.folder):
        cwd = copy_tree(code, options.folder / "code")
        if model is not None:
            command += ["--model_dir", str(place_model(model, options.folder))]
    return ModelServer(server_spec(options, command, cwd), processes)


def serve_mlflow_model(model: ModelSource, options: ServingOptions, processes: Processes) -> ModelServer:
    """A server of an MLflow model without any code of the user's: our scoring script around `mlflow.pyfunc`.

    Raises `ServerError` when there is no MLmodel file in the model's folder or one below it.
    """
    if not any(model.path.glob("MLmodel")) and not any(model.path.glob("*/MLmodel")):
        raise ServerError(
            f"Model {model.name}:{model.version} has no MLmodel file, so it cannot be served without code."
        )
    code = options.folder / "generated"
    code.mkdir(parents=True)
    shutil.copy(MLFLOW_SCORE_SCRIPT, code / MLFLOW_SCORE_SCRIPT.name)
    return serve_score_script(code, MLFLOW_SCORE_SCRIPT.name, model, options, processes)


def place_model(model: ModelSource, folder: Path) -> Path:
    """Copy the model below `folder` and return the value of AZUREML_MODEL_DIR: the folder that holds it."""
    # The layout of Azure's containers: AZUREML_MODEL_DIR ends with <name>/<version>, the model's own folder is in it.
    target = folder / "azureml-models" / model.name / model.version / model.path.name
    make_read_only(copy_tree(model.path, target))
    return target.parent


def inference_server(runtime: Runtime) -> str:
    """The inference server's program in the runtime. Raises `ServerError` when it is not installed there."""
    found = shutil.which(INFERENCE_SERVER, path=str(runtime.bin))
    if found is None:
        raise ServerError(
            f"The runtime {runtime.bin.parent} has no {INFERENCE_SERVER}: azureml-inference-server-http is missing."
        )
    return found


def server_spec(options: ServingOptions, command: Sequence[str], cwd: Path) -> ServerSpec:
    """The specification of an inference server that runs `command`."""
    # gunicorn would put a control socket below HOME, whose path can be longer than a socket's name may be.
    quiet = " ".join(filter(None, ("--no-control-socket", options.environment.get("GUNICORN_CMD_ARGS"))))
    environment = {**options.environment, "GUNICORN_CMD_ARGS": quiet}
    return ServerSpec(
        owner=options.owner,
        command=command,
        cwd=cwd,
        runtime=options.runtime,
        log=options.log,
        private_folder=options.folder,
        environment=environment,
        host=options.host,
    )
