"""Model servers: the stock inference server, on loopback only, ready when it says so and gone when it is stopped."""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest
from compute_waiting import runs

from sandbox.compute.containers import ImagePaths, find_executable, serve_image
from sandbox.compute.errors import ExecutableNotFoundError, ServerError
from sandbox.compute.images import Images
from sandbox.compute.ports import PortReservation, listening_addresses, outward_addresses
from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Runtime
from sandbox.compute.serving import (
    ModelServer,
    ModelSource,
    ServerSpec,
    ServingOptions,
    serve_mlflow_model,
    serve_score_script,
)

READY_SECONDS = 60

SCORE = """
import json, os, pathlib

def init():
    global model
    folder = pathlib.Path(os.environ["AZUREML_MODEL_DIR"])
    model = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    if os.environ.get("FAIL"):
        raise RuntimeError("this init fails on purpose")

def run(raw_data):
    return {"got": json.loads(raw_data), "model": model, "greeting": os.environ.get("GREETING")}
"""


def options(runtime: Runtime, folder: Path, **fields: Any) -> ServingOptions:
    return ServingOptions("deployment/blue", runtime, folder / "server", folder / "server.log", **fields)


def score(server: ModelServer, body: object) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{server.base_url}/score", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text(SCORE)
    return tmp_path / "code"


@pytest.fixture
def model(tmp_path: Path) -> ModelSource:
    (tmp_path / "diabetes").mkdir()
    (tmp_path / "diabetes" / "model.txt").write_text("weights")
    return ModelSource(tmp_path / "diabetes", "ridge", "7")


def test_a_scoring_script_is_served_on_loopback_only(
    served_runtime: Runtime, processes: Processes, tmp_path: Path, code: Path, model: ModelSource
) -> None:
    wanted = options(served_runtime, tmp_path, environment={"GREETING": "hello"})
    server = serve_score_script(code, "score.py", model, wanted, processes)
    server.start()
    assert server.wait_ready(READY_SECONDS), server.failure()
    assert score(server, {"x": 1}) == (
        200,
        {"got": {"x": 1}, "model": {"diabetes/model.txt": "weights"}, "greeting": "hello"},
    )
    assert server.pid is not None
    tree = [server.pid, *(child.pid for child in psutil.Process(server.pid).children(recursive=True))]
    assert len(tree) >= 2 or sys.platform == "win32"  # gunicorn's master and its worker
    assert listening_addresses(server.pid) == {("127.0.0.1", server.host_port())}
    assert "Users's init has completed successfully" in server.log_tail()
    server.stop()
    assert [pid for pid in tree if runs(pid)] == []
    assert not (tmp_path / "server").exists()
    assert (tmp_path / "server.log").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 without setting it up")
def test_a_host_of_its_own_keeps_the_containers_port(
    served_runtime: Runtime, processes: Processes, tmp_path: Path, code: Path, model: ModelSource
) -> None:
    wanted = options(served_runtime, tmp_path, host="127.18.0.7")
    server = serve_score_script(code, "score.py", model, wanted, processes)
    server.start()
    assert server.wait_ready(READY_SECONDS), server.failure()
    assert server.base_url == "http://127.18.0.7:5001"
    assert listening_addresses(server.pid or 0) == {("127.18.0.7", 5001)}


def test_an_init_that_raises_ends_the_wait_with_the_log(
    served_runtime: Runtime, processes: Processes, tmp_path: Path, code: Path, model: ModelSource
) -> None:
    wanted = options(served_runtime, tmp_path, environment={"FAIL": "1"})
    server = serve_score_script(code, "score.py", model, wanted, processes)
    server.start()
    assert not server.wait_ready(READY_SECONDS)
    assert not server.alive
    assert server.returncode == 3
    assert "ended with code 3" in server.failure()
    assert "RuntimeError: this init fails on purpose" in server.log_tail()


def test_the_stored_model_is_not_the_one_that_is_served(
    served_runtime: Runtime, processes: Processes, tmp_path: Path, code: Path, model: ModelSource
) -> None:
    server = serve_score_script(code, "score.py", model, options(served_runtime, tmp_path), processes)
    (model.path / "model.txt").write_text("changed later")
    server.start()
    assert server.wait_ready(READY_SECONDS), server.failure()
    assert score(server, {})[1]["model"] == {"diabetes/model.txt": "weights"}


MAKE_MODEL = """
import sys, mlflow, pandas
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression
table = pandas.DataFrame({"AGE": [1.0, 2.0, 3.0], "BMI": [2.0, 1.0, 0.5]})
model = LinearRegression().fit(table, table.AGE * 2 + table.BMI)
mlflow.sklearn.save_model(model, sys.argv[1], signature=infer_signature(table, model.predict(table)))
"""


@pytest.mark.slow
def test_an_mlflow_model_is_served_without_code(served_runtime: Runtime, processes: Processes, tmp_path: Path) -> None:
    environment = served_runtime.environment(tmp_path / "home")
    command = ["python", "-c", MAKE_MODEL, str(tmp_path / "model")]
    maker = processes.start("maker", command, cwd=tmp_path, env=environment, log=tmp_path / "maker.log")
    assert maker.wait(120) == 0, (tmp_path / "maker.log").read_text()
    server = serve_mlflow_model(ModelSource(tmp_path / "model"), options(served_runtime, tmp_path), processes)
    server.start()
    assert server.wait_ready(READY_SECONDS), server.failure()
    split = {"columns": ["AGE", "BMI"], "index": [0, 1], "data": [[1, 2], [3.5, 1]]}
    for body in (split, [[1, 2], [3.5, 1]], [{"AGE": 1, "BMI": 2}, {"AGE": 3.5, "BMI": 1}]):
        status, predictions = score(server, {"input_data": body})
        assert status == 200
        assert predictions == pytest.approx([4.0, 8.0])
    for wrong in ({"data": [[1, 2]]}, [1], {"input_data": 3}, {"input_data": {"columns": ["AGE"], "data": [[1]]}}):
        status, answer = score(server, wrong)
        assert status == 400
        assert "not understood" in answer["error"]


def test_a_model_without_an_mlmodel_file_needs_code(
    runtime: Runtime, processes: Processes, tmp_path: Path, model: ModelSource
) -> None:
    with pytest.raises(ServerError, match="ridge:7 has no MLmodel file"):
        serve_mlflow_model(model, options(runtime, tmp_path), processes)


def test_a_runtime_without_the_inference_server_is_said(
    processes: Processes, tmp_path: Path, code: Path, model: ModelSource
) -> None:
    (tmp_path / "empty" / "bin").mkdir(parents=True)
    bare = Runtime(tmp_path / "empty" / "bin" / "python")
    with pytest.raises(ServerError, match="has no azmlinfsrv"):
        serve_score_script(code, "score.py", model, options(bare, tmp_path), processes)


def plain_server(
    runtime: Runtime, processes: Processes, folder: Path, program: str, *interpreter_options: str, **fields: Any
) -> ModelServer:
    (folder / "web.py").write_text(program)
    command = ["python", *interpreter_options, str(folder / "web.py")]
    return ModelServer(
        ServerSpec("plain", command, folder, runtime, folder / "log", folder / "private", **fields), processes
    )


WEB = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 503)
        self.end_headers()
http.server.HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


def test_two_containers_may_both_listen_on_one_port(runtime: Runtime, processes: Processes, tmp_path: Path) -> None:
    servers = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        server = plain_server(runtime, processes, tmp_path / name, WEB, ports=(8080,), readiness_path="/ready")
        server.start()
        servers.append(server)
    assert [server.wait_ready(READY_SECONDS) for server in servers] == [True, True]
    assert servers[0].base_url != servers[1].base_url


def test_a_server_that_is_not_ready_in_time_still_runs(runtime: Runtime, processes: Processes, tmp_path: Path) -> None:
    server = plain_server(runtime, processes, tmp_path, WEB, ports=(8080,), readiness_path="/not-this")
    server.start()
    assert not server.wait_ready(1.0)
    assert server.alive
    assert "still runs but does not answer" in server.failure()


@pytest.mark.skipif(sys.platform == "win32", reason="needs the port held by number")
def test_a_server_that_escapes_the_guard_is_stopped(runtime: Runtime, processes: Processes, tmp_path: Path) -> None:
    port = PortReservation([1]).host_ports[1]
    outward = WEB.replace("8080", str(port))
    # `-I` ignores PYTHONPATH, as a program that is no Python does.
    server = plain_server(
        runtime, processes, tmp_path, outward, "-I", ports=(port,), readiness_path="/ready", host="127.0.0.1"
    )
    server.start()
    pid = server.pid
    assert not server.wait_ready(READY_SECONDS)
    assert f"listens on 0.0.0.0:{port}, which other machines can reach" in server.failure()
    assert pid is not None
    assert not runs(pid)


def test_a_program_that_is_not_there_leaves_nothing(runtime: Runtime, processes: Processes, tmp_path: Path) -> None:
    spec = ServerSpec("plain", ["no-such-server"], tmp_path, runtime, tmp_path / "log", tmp_path / "private")
    server = ModelServer(spec, processes)
    with pytest.raises(ExecutableNotFoundError, match="no-such-server"):
        server.start()
    assert not (tmp_path / "private").exists()
    assert processes.live() == []


DOCKERFILE = """
FROM python:3.11-slim
WORKDIR /app
COPY score.py .
COPY model /app/models/ridge
ENV AZUREML_MODEL_DIR=/app/models GREETING=image
EXPOSE 5001
CMD azmlinfsrv --entry_script /app/score.py --port 5001
"""


def test_an_image_is_run_in_a_private_copy(served_runtime: Runtime, processes: Processes, tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "model").mkdir(parents=True)
    (context / "model" / "m.txt").write_text("weights")
    (context / "score.py").write_text(SCORE)
    (context / "Dockerfile").write_text(DOCKERFILE)
    image = Images(tmp_path / "images").build(context, "Dockerfile", {}, [].append, served_runtime)
    server = serve_image(image, options(served_runtime, tmp_path, environment={"GREETING": "deployment"}), processes)
    server.start()
    assert server.wait_ready(READY_SECONDS), server.failure()
    assert score(server, 1) == (200, {"got": 1, "model": {"ridge/m.txt": "weights"}, "greeting": "deployment"})
    assert listening_addresses(server.pid or 0) == {("127.0.0.1", server.host_port())}
    server.stop()
    assert sorted(path.name for path in image.rootfs.rglob("*") if path.is_file()) == ["m.txt", "score.py"]


def test_an_image_whose_program_is_not_in_it(runtime: Runtime, processes: Processes, tmp_path: Path) -> None:
    images = Images(tmp_path / "images")
    (tmp_path / "context").mkdir()
    for command, reason in (
        ('CMD ["node", "server.js"]', r'exec: "node": executable file not found in \$PATH'),
        ('ENTRYPOINT ["/app/start"]', 'exec: "/app/start"'),
        ("ENV A=1", "neither ENTRYPOINT nor CMD"),
    ):
        (tmp_path / "context" / "Dockerfile").write_text(f"FROM a\n{command}")
        image = images.build(tmp_path / "context", "Dockerfile", {}, [].append, runtime)
        with pytest.raises(ServerError, match=reason):
            serve_image(image, options(runtime, tmp_path), processes)
        assert not (tmp_path / "server").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="an image's programs are POSIX programs")
def test_programs_are_looked_up_where_the_image_would_have_them(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "start").write_text("#!/bin/sh\n")
    (tmp_path / "app" / "start").chmod(0o755)
    paths = ImagePaths(tmp_path)
    wanted = options(runtime, tmp_path, environment={"PATH": f"{tmp_path}/app:/usr/bin"})
    assert find_executable("/app/start", paths, wanted) == str(tmp_path / "app" / "start")
    assert find_executable("start", paths, wanted) == str(tmp_path / "app" / "start")
    assert find_executable("python", paths, wanted) == str(runtime.bin / "python")
    assert find_executable("/opt/venv/bin/python", paths, wanted) == str(runtime.bin / "python")
    assert find_executable("/bin/sh", paths, wanted).endswith("/bin/sh")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a reserved port is let go before the start")
def test_a_reserved_port_is_kept_from_others_and_free_after_release() -> None:
    import socket

    reservation = PortReservation([5001, 80])
    port = reservation.host_ports[5001]
    assert len(set(reservation.host_ports.values())) == 2
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", port))
    with socket.socket() as child:
        child.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        child.bind(("127.0.0.1", port))
        child.listen()
        assert ("127.0.0.1", port) in listening_addresses(psutil.Process().pid)
        assert not [address for address in outward_addresses(psutil.Process().pid) if address.endswith(f":{port}")]
    reservation.release()
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", port))
