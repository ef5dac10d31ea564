"""The sandbox from outside: start, idle memory, one JSON call, a large model, sixteen clients at once."""

import json
import os
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import run, seconds_of

LOCATION = "westeurope"
CALLS = 400
CLIENTS = 16
MODEL_PROGRAM = """
import json, os, sys, time
from pathlib import Path
from azure.ai.ml import MLClient
from azure.ai.ml.entities import Model, Workspace
from azure.identity import DefaultAzureCredential
folder, subscription = Path(sys.argv[1]), os.environ["AZURE_SUBSCRIPTION_ID"]
client = MLClient(DefaultAzureCredential(), subscription, "rg")
client.workspaces.begin_create(Workspace(name="ws", location="westeurope")).result()
client = MLClient(DefaultAzureCredential(), subscription, "rg", "ws")
times = []
for number in range(3):
    path = folder / f"model-{number}.bin"
    path.write_bytes(os.urandom(70 * 1024 * 1024))
    started = time.perf_counter()
    client.models.create_or_update(Model(name=f"m{number}", path=str(path), type="custom_model"))
    client.models.download(f"m{number}", "1", download_path=str(folder / f"down-{number}"))
    times.append(time.perf_counter() - started)
print(json.dumps(times))
"""


@contextmanager
def sandbox(state: Path) -> Iterator[dict[str, str]]:
    """The variables of a running sandbox."""
    command = [sys.executable, "-m", "sandbox"]
    run([*command, "up", "--detach", "--state", str(state), "--port", str(_free_port())])
    try:
        yield json.loads(run([*command, "env", "--format", "json", "--state", str(state)]))
    finally:
        run([*command, "down", "--state", str(state)])


def measure_start(state: Path, runs: int) -> dict[str, float]:
    """From typing the command to an answering server, over `runs` starts after the first; and memory when idle."""
    command = [sys.executable, "-m", "sandbox"]
    times = []
    for _ in range(runs + 1):
        up = [*command, "up", "--detach", "--state", str(state), "--port", str(_free_port())]
        times.append(seconds_of(lambda up=up: run(up)))
        status = json.loads(run([*command, "status", "--json", "--state", str(state)]))
        run([*command, "down", "--state", str(state)])
    return {
        "sandbox_first_start_seconds": times[0],
        "sandbox_start_seconds": statistics.median(times[1:]),
        "sandbox_idle_megabytes": status["memory_megabytes"],
    }


def measure_calls(state: Path) -> dict[str, float]:
    """The median of sequential GETs of a workspace on one connection."""
    with sandbox(state) as environment, _session(environment) as session:
        url = make_workspace(session, environment)
        times = [seconds_of(lambda: session.get(url)) for _ in range(CALLS)]
    return {"json_call_milliseconds": statistics.median(times) * 1000}


def measure_model(folder: Path) -> dict[str, float]:
    """A model of 70 MiB, registered and downloaded by azure-ai-ml; the SDK's import is not counted."""
    folder.mkdir()
    with sandbox(folder / "state") as environment:
        with _session(environment) as session:
            make_group(session, environment)
        printed = run([sys.executable, "-W", "ignore", "-c", MODEL_PROGRAM, str(folder)], {**os.environ, **environment})
    return {"model_70_mib_up_and_down_seconds": statistics.median(json.loads(printed[printed.rindex("[") :]))}


def soak(state: Path, seconds: float) -> dict[str, Any]:
    """Sixteen clients write for a while; what was written and is not found is lost."""
    statuses: list[int] = []
    with sandbox(state) as environment, _session(environment) as session:
        url = make_workspace(session, environment).split("?")[0]
        token = str(session.headers["authorization"])
        deadline = time.monotonic() + seconds
        lock = threading.Lock()

        def client(number: int) -> int:
            own, written = _session(environment, token), 0
            body = {"properties": {"dataUri": "https://example.test/x", "dataType": "uri_file"}}
            while time.monotonic() < deadline:
                written += 1
                version = number * 1_000_000 + written
                answer = own.put(f"{url}/data/shared/versions/{version}?api-version=2023-04-01-preview", json=body)
                with lock:
                    statuses.append(answer.status_code)
            return written

        with ThreadPoolExecutor(CLIENTS) as pool:
            written = sum(pool.map(client, range(CLIENTS)))
        found = _count(session, f"{url}/data/shared/versions?api-version=2023-04-01-preview")
    return {
        "soak_writes": written,
        "soak_writes_per_second": round(written / seconds),
        "soak_server_errors": sum(status >= 500 for status in statuses),
        "soak_lost_writes": written - found,
    }


def make_group(session: Any, environment: Mapping[str, str]) -> str:
    base, subscription = environment["AZURE_AUTHORITY_HOST"], environment["AZURE_SUBSCRIPTION_ID"]
    url = f"{base}/subscriptions/{subscription}/resourceGroups/rg"
    session.put(f"{url}?api-version=2024-11-01", json={"location": LOCATION}).raise_for_status()
    return url


def make_workspace(session: Any, environment: Mapping[str, str]) -> str:
    group = make_group(session, environment)
    url = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/ws?api-version=2024-10-01"
    session.put(url, json={"location": LOCATION}).raise_for_status()
    return url


def _count(session: Any, url: str) -> int:
    found = 0
    while url:
        answer = session.get(url).json()
        found += len(answer["value"])
        url = answer.get("nextLink", "")
    return found


def _session(environment: Mapping[str, str], token: str | None = None) -> Any:
    """A requests session that is signed in."""
    import requests

    session = requests.Session()
    session.trust_env = False
    session.verify = environment["REQUESTS_CA_BUNDLE"]
    base = environment["AZURE_AUTHORITY_HOST"]
    if token is None:
        form = {
            "grant_type": "client_credentials",
            "client_id": environment["AZURE_CLIENT_ID"],
            "client_secret": environment["AZURE_CLIENT_SECRET"],
            "scope": f"{base}/.default",
        }
        token = f"Bearer {session.post(f'{base}/adfs/oauth2/v2.0/token', data=form).json()['access_token']}"
    session.headers["authorization"] = token
    return session


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
