"""What survives: a stop, a restart, a kill -9 in the middle of a job, and sixteen clients at once."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.conftest import LOCATION, Sandbox, run_sandbox, start_sandbox, stop_sandbox

SCRIPT = """
import json, sys, time
from pathlib import Path
from azure.ai.ml import MLClient, command
from azure.ai.ml.entities import (AmlCompute, CodeConfiguration, Environment, ManagedOnlineDeployment,
    ManagedOnlineEndpoint, Model, Workspace)
from azure.identity import DefaultAzureCredential
import os
folder, group, name = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
client = MLClient(DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"], group)
client.workspaces.begin_create(Workspace(name=name, location="westeurope")).result()
client = MLClient(DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"], group, name)
(folder / "conda.yml").write_text("dependencies: [python, pip]\\n")
client.environments.create_or_update(Environment(name="env", image="python:3.12", conda_file=folder / "conda.yml"))
client.compute.begin_create_or_update(AmlCompute(name="cpu", size="S", min_instances=0, max_instances=1)).result()
"""
DEPLOY = """
(folder / "model.txt").write_text("7")
client.models.create_or_update(Model(name="seven", path=str(folder / "model.txt"), type="custom_model"))
(folder / "serve").mkdir()
(folder / "serve" / "score.py").write_text("def init():\\n    pass\\ndef run(raw):\\n    return {'seven': 7}\\n")
endpoint = ManagedOnlineEndpoint(name=name, auth_mode="key")
client.online_endpoints.begin_create_or_update(endpoint).result()
client.online_deployments.begin_create_or_update(ManagedOnlineDeployment(
    name="blue", endpoint_name=name, model="azureml:seven:1", environment="azureml:env:1", instance_type="S",
    instance_count=1, code_configuration=CodeConfiguration(code=str(folder / "serve"), scoring_script="score.py"),
)).result()
endpoint.traffic = {"blue": 100}
client.online_endpoints.begin_create_or_update(endpoint).result()
print(json.dumps({"url": client.online_endpoints.get(name).scoring_uri,
                  "key": client.online_endpoints.get_keys(name).primary_key}))
"""
SUBMIT = """
(folder / "job").mkdir()
(folder / "job" / "slow.py").write_text("import time\\nprint('under way', flush=True)\\ntime.sleep(600)\\n")
job = client.jobs.create_or_update(command(code=str(folder / "job"), command="python slow.py",
                                           environment="env:1", compute="cpu"))
while client.jobs.get(job.name).status != "Running":
    time.sleep(0.1)
print(json.dumps({"job": job.name}))
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of the test's own, which it may stop and kill."""
    state = tmp_path / "state"
    yield start_sandbox(state)
    stop_sandbox(state)


def drive(own: Sandbox, program: str, folder: Path, group: str, name: str) -> dict[str, Any]:
    """Run an SDK program in a process of its own with this sandbox's variables; its last line is JSON."""
    folder.mkdir()
    environment = {**os.environ, **own.environment}
    command = [sys.executable, "-W", "ignore", "-c", program, str(folder), group, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    # The SDK prints dots while it polls, without a line's end.
    return dict(json.loads(done.stdout[done.stdout.rindex("{") :]))


def call(own: Sandbox, method: str, path: str, **options: Any) -> requests.Response:
    """One ARM call with a fresh token of this sandbox."""
    form = {
        "grant_type": "client_credentials",
        "client_id": own.environment["AZURE_CLIENT_ID"],
        "client_secret": own.environment["AZURE_CLIENT_SECRET"],
        "scope": f"{own.base}/.default",
    }
    trust = own.environment["REQUESTS_CA_BUNDLE"]
    token = requests.post(f"{own.base}/adfs/oauth2/v2.0/token", data=form, verify=trust, timeout=30).json()
    headers = {"authorization": f"Bearer {token['access_token']}"}
    return requests.request(method, f"{own.base}{path}", headers=headers, verify=trust, timeout=60, **options)


def make_group(own: Sandbox) -> str:
    name = f"rg-{uuid.uuid4().hex[:8]}"
    path = f"/subscriptions/{own.subscription}/resourceGroups/{name}?api-version=2024-11-01"
    assert call(own, "PUT", path, json={"location": LOCATION}).status_code == 201
    return name


def workspace_path(own: Sandbox, group: str, name: str) -> str:
    scope = f"/subscriptions/{own.subscription}/resourceGroups/{group}"
    return f"{scope}/providers/Microsoft.MachineLearningServices/workspaces/{name}"


def children_of(own: Sandbox) -> list[psutil.Process]:
    pid = json.loads((own.state / "server.json").read_text())["pid"]
    return psutil.Process(pid).children(recursive=True)


@pytest.mark.slow
def test_after_a_stop_everything_is_there_and_serves_again(own: Sandbox, tmp_path: Path) -> None:
    group, name = make_group(own), f"ws-{uuid.uuid4().hex[:8]}"
    served = drive(own, SCRIPT + DEPLOY, tmp_path / "work", group, name)
    port = own.base.rsplit(":", 1)[-1]
    stop_sandbox(own.state)
    start_sandbox(own.state, port=int(port))
    answer = requests.post(
        served["url"],
        json={},
        headers={"authorization": f"Bearer {served['key']}"},
        verify=own.environment["REQUESTS_CA_BUNDLE"],
        timeout=120,
    )
    assert (answer.status_code, answer.json()) == (200, {"seven": 7})
    models = call(
        own, "GET", f"{workspace_path(own, group, name)}/models/seven/versions?api-version=2023-08-01-preview"
    )
    assert [one["name"] for one in models.json()["value"]] == ["1"]


@pytest.mark.slow
def test_a_killed_server_fails_its_job_and_loses_nothing_else(own: Sandbox, tmp_path: Path) -> None:
    group, name = make_group(own), f"ws-{uuid.uuid4().hex[:8]}"
    job = drive(own, SCRIPT + SUBMIT, tmp_path / "work", group, name)["job"]
    orphans = children_of(own)
    assert orphans
    record = json.loads((own.state / "server.json").read_text())
    psutil.Process(record["pid"]).send_signal(signal.SIGKILL)
    psutil.Process(record["pid"]).wait(20) if psutil.pid_exists(record["pid"]) else None
    start_sandbox(own.state, port=record["port"])
    path = workspace_path(own, group, name)
    details = call(own, "GET", f"/history/v1.0{path}/runs/{job}/details").json()
    assert details["status"] == "Failed"
    assert "stopped while this job was under way" in details["error"]["error"]["message"]
    log = requests.get(
        details["logFiles"]["user_logs/std_log.txt"], verify=own.environment["REQUESTS_CA_BUNDLE"], timeout=30
    )
    assert "under way" in log.text
    _, alive = psutil.wait_procs(orphans, timeout=20)
    assert not alive
    computes = call(own, "GET", f"{path}/computes?api-version=2023-08-01-preview").json()["value"]
    assert [one["name"] for one in computes] == ["cpu"]


@pytest.mark.slow
def test_sixteen_clients_at_once_lose_no_write(own: Sandbox) -> None:
    """Each client writes versions of its own and of a shared asset; every write is found again, none was a 5xx."""
    seconds = float(os.environ.get("SOAK_SECONDS", "10"))
    group = make_group(own)
    path = workspace_path(own, group, "soak")
    assert call(own, "PUT", f"{path}?api-version=2024-10-01", json={"location": LOCATION}).status_code == 201
    deadline = time.monotonic() + seconds
    statuses: set[int] = set()
    lock = threading.Lock()

    def client(number: int) -> int:
        session = requests.Session()
        session.trust_env = False  # else REQUESTS_CA_BUNDLE of the session's sandbox wins over `verify`
        session.verify = own.environment["REQUESTS_CA_BUNDLE"]
        first = call(own, "GET", f"{path}?api-version=2024-10-01")
        session.headers["authorization"] = str(first.request.headers["authorization"])
        written = 0
        while time.monotonic() < deadline:
            written += 1
            body = {"properties": {"dataUri": "https://example.test/x", "dataType": "uri_file"}}
            for target in (f"own-{number}/versions/{written}", f"shared/versions/{number * 100000 + written}"):
                answer = session.put(
                    f"{own.base}{path}/data/{target}?api-version=2023-04-01-preview", json=body, timeout=60
                )
                with lock:
                    statuses.add(answer.status_code)
        return written

    with ThreadPoolExecutor(16) as pool:
        counts = list(pool.map(client, range(16)))
    assert statuses == {201}
    own_names = [f"own-{number}" for number in range(16)]
    for asset, expected in [*zip(own_names, counts, strict=True), ("shared", sum(counts))]:
        found, url = 0, f"{path}/data/{asset}/versions?api-version=2023-04-01-preview"
        while url:
            answer = call(own, "GET", url).json()
            found += len(answer["value"])
            url = answer.get("nextLink", "").removeprefix(own.base)
        assert found == expected, asset


def test_a_second_server_on_the_same_state_is_refused(own: Sandbox) -> None:
    done = run_sandbox("up", state=own.state, check=False)
    assert done.returncode == 2
    assert "already runs" in done.stderr
    assert "next" in done.stderr
