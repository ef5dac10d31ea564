"""One sandbox for a test session, real and over TLS; a fresh resource group and workspace for a test that asks.

Isolation is by name: nothing is reset between tests, so they run in any order and side by side.
"""

import json
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
LOCATION = "westeurope"
SDK_VARIABLES = ("AZURE_", "AZUREML_", "ARM_", "MSI_", "IDENTITY_", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "MLFLOW_")


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: its address, state folder and the variables that a shell gets from `sandbox env`."""

    base: str
    state: Path
    environment: Mapping[str, str]

    @property
    def subscription(self) -> str:
        return self.environment["AZURE_SUBSCRIPTION_ID"]

    @property
    def secret(self) -> str:
        return str(json.loads((self.state / "server.json").read_text())["secret"])

    @property
    def credential(self) -> Any:
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential()

    def management_arguments(self) -> dict[str, Any]:
        """What an azure-mgmt client needs to talk to a cloud that is not the public one."""
        return {"base_url": self.base, "credential_scopes": [f"{self.base}/.default"]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_sandbox(*arguments: str, state: Path, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """The `sandbox` command, as a user types it."""
    command = [sys.executable, "-m", "sandbox", *arguments, "--state", str(state)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_STATE")}
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=120, env=environment, **options)


def start_sandbox(state: Path, *arguments: str, port: int | None = None) -> Sandbox:
    """Start one in the background; the environment of this process is left alone."""
    run_sandbox("up", "--detach", "--port", str(port or free_port()), *arguments, state=state)
    environment = json.loads(run_sandbox("env", "--format", "json", state=state).stdout)
    return Sandbox(environment["AZURE_AUTHORITY_HOST"], state, environment)


def stop_sandbox(state: Path) -> None:
    run_sandbox("down", state=state)


@pytest.fixture(scope="session", autouse=True)
def checker_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the checker keeps for a person goes to a folder of the tests, whoever starts it."""
    home = tmp_path_factory.mktemp("checker-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_CHECKER_HOME", str(home))
        yield home


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The session's sandbox, with this process's environment set as `sandbox env` says."""
    state = tmp_path_factory.mktemp("sandbox") / "state"
    started = start_sandbox(state)
    before = dict(os.environ)
    for name in [one for one in os.environ if one.startswith(SDK_VARIABLES)]:
        del os.environ[name]
    os.environ.update(started.environment)
    try:
        yield started
    finally:
        os.environ.clear()
        os.environ.update(before)
        stop_sandbox(state)


@pytest.fixture
def resource_group(sandbox: Sandbox) -> str:
    """A fresh resource group's name."""
    import requests

    name = f"rg-{uuid.uuid4().hex[:10]}"
    url = f"{sandbox.base}/subscriptions/{sandbox.subscription}/resourceGroups/{name}?api-version=2024-11-01"
    answer = requests.put(url, json={"location": LOCATION}, headers=bearer(sandbox), timeout=30)
    answer.raise_for_status()
    return name


def bearer(sandbox: Sandbox) -> dict[str, str]:
    """An Authorization header for plain requests."""
    token = sandbox.credential.get_token(f"{sandbox.base}/.default").token
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def workspace(sandbox: Sandbox, resource_group: str) -> Any:
    """An MLClient of a fresh workspace."""
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Workspace

    name = f"mlw-{uuid.uuid4().hex[:8]}"
    client = MLClient(sandbox.credential, sandbox.subscription, resource_group)
    client.workspaces.begin_create(Workspace(name=name, location=LOCATION)).result()
    return MLClient(sandbox.credential, sandbox.subscription, resource_group, name)


@pytest.fixture
def cluster(workspace: Any) -> str:
    """A compute cluster in the fresh workspace."""
    from azure.ai.ml.entities import AmlCompute

    target = AmlCompute(name="cpu", size="STANDARD_DS3_V2", min_instances=0, max_instances=2)
    workspace.compute.begin_create_or_update(target).result()
    return "cpu"


@pytest.fixture
def environment_name(workspace: Any, tmp_path: Path) -> str:
    """An environment whose definition the runtime meets."""
    from azure.ai.ml.entities import Environment

    conda = tmp_path / "conda.yml"
    conda.write_text("dependencies:\n  - python>=3.11\n  - pip\n  - pip:\n      - numpy\n")
    made = Environment(name="env", image="mcr.microsoft.com/azureml/minimal-py312-inference", conda_file=conda)
    workspace.environments.create_or_update(made)
    return "env:1"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file beneath the test's folder and return its path."""

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write_file


@pytest.fixture(scope="session")
def runtime_python() -> Path:
    """The interpreter of the runtime environment; `make runtime` makes it."""
    from sandbox.settings import default_runtime

    found = default_runtime()
    if found is None:
        pytest.fail("There is no runtime environment. Make it with: make runtime")
    return found
