"""The runtime environment, a trained model and a served model for the tests of `solution/`."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[3]
SOLUTION = ROOT / "solution"
DATA = ROOT / "labs" / "data"
START_SECONDS = 90
FOLDERS = ("", "data", "training", "image", "deployment", "monitoring", "responsible")
# The steps are scripts and find each other beside themselves; a test that imports one does what Python does then.
sys.path += [str(SOLUTION / folder) for folder in FOLDERS]
# The stock server binds every address and has no option for it; a test must not, so the constant is set before it runs.
LAUNCHER = (
    "import sys\n"
    "from azureml_inference_server_http import amlserver\n"
    "amlserver.DEFAULT_HOST = '127.0.0.1'\n"
    "sys.argv = ['azmlinfsrv', '--entry_script', 'score.py', '--model_dir', 'model', '--port', sys.argv[1]]\n"
    "amlserver.run()\n"
)


@pytest.fixture(scope="session")
def runtime() -> Path:
    """The Python that has scikit-learn, MLflow and the inference server: what jobs and images run in."""
    named = os.environ.get("WORKSHOP_RUNTIME_PYTHON")
    places = [Path(named)] if named else [ROOT / ".venv-runtime/bin/python", ROOT / ".venv-runtime/Scripts/python.exe"]
    for python in places:
        if python.is_file():
            return python
    pytest.fail(f"no runtime environment at {places[0]}: run `make test`, which makes it", pytrace=False)


@pytest.fixture(scope="session")
def run_script(
    runtime: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a script of the solution in the runtime environment; MLflow logs to a scratch folder."""
    tracking = (tmp_path_factory.mktemp("mlflow") / "runs").as_uri()  # MLflow fills a folder that is not there yet

    def run(script: Path, *options: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [str(runtime), str(script), *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def train(run_script: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., Path]:
    """Trains a model as the job does; returns the output folder."""

    def run(output: Path, data: Path = DATA / "diabetes.csv", test_size: str = "0.2", seed: str = "20") -> Path:
        options = ["--data", str(data), "--holdout", str(DATA / "diabetes_holdout.csv"), "--output", str(output)]
        done = run_script(SOLUTION / "training/train.py", *options, "--test-size", test_size, "--seed", seed)
        assert done.returncode == 0, done.stderr
        return output

    return run


@pytest.fixture(scope="session")
def trained(train: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of one training."""
    return train(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def serve(runtime: Path, trained: Path, tmp_path: Path) -> Callable[..., AbstractContextManager[tuple[str, str]]]:
    """Serves the trained model by the solution's score.py plus some source; yields the address and the key."""

    @contextmanager
    def start(appended: str = "") -> Iterator[tuple[str, str]]:
        folder, key = tmp_path / "app", "a-key-of-this-test"
        shutil.copytree(trained / "model", folder / "model" / "diabetes" / "1")
        (folder / "score.py").write_text((SOLUTION / "image/score.py").read_text(encoding="utf-8") + appended)
        environment = {**os.environ, "SCORING_KEY": key, "MODEL": "diabetes:1", "HOME": str(tmp_path)}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(runtime), "-c", LAUNCHER, str(port)],
                cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            wait_healthy(process, port, folder / "log")
            yield f"http://127.0.0.1:{port}/score", key
        finally:
            stop(process)

    return start


def wait_healthy(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Waits until the server answers its liveness probe. Fails with the log when it ends first."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"http://127.0.0.1:{port}/", timeout=5).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.1)
    pytest.fail(f"the model server did not start:\n{log.read_text()[-3000:]}", pytrace=False)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ends the server and its workers: they are one session, whose id is the server's process id."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=10)
    except ProcessLookupError:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)
