"""Online endpoints through azure-ai-ml: scoring scripts, images, traffic, keys, logs, failures."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.conftest import Sandbox

Write = Callable[[str, str], Path]

SCORE = """
import json, os, pathlib
def init():
    global factor
    folder = pathlib.Path(os.environ["AZUREML_MODEL_DIR"])
    factor = float(next(folder.rglob("factor.txt")).read_text())
    print("model loaded", factor)
def run(raw):
    value = json.loads(raw)["x"]
    return {"y": value * factor}
"""


@pytest.fixture
def endpoint(workspace: Any, request: pytest.FixtureRequest) -> Any:
    """A managed endpoint that goes away with the test, its servers with it."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    made = ManagedOnlineEndpoint(name=f"e-{uuid.uuid4().hex[:8]}", auth_mode="key")
    workspace.online_endpoints.begin_create_or_update(made).result()
    request.addfinalizer(lambda: workspace.online_endpoints.begin_delete(made.name).wait())
    return workspace.online_endpoints.get(made.name)


def register(workspace: Any, write: Write, factor: float) -> str:
    from azure.ai.ml.entities import Model

    made = Model(name="factor", path=str(write("factor.txt", str(factor))), type="custom_model")
    return f"factor:{workspace.models.create_or_update(made).version}"


def deploy(workspace: Any, endpoint: Any, name: str, code: Path, model: str | None, environment: str) -> Any:
    from azure.ai.ml.entities import CodeConfiguration, ManagedOnlineDeployment

    deployment = ManagedOnlineDeployment(
        name=name,
        endpoint_name=endpoint.name,
        model=f"azureml:{model}" if model else None,
        environment=f"azureml:{environment}",
        code_configuration=CodeConfiguration(code=str(code), scoring_script="score.py"),
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )
    return workspace.online_deployments.begin_create_or_update(deployment).result()


def send(endpoint: Any, key: str, body: Any, **headers: str) -> requests.Response:
    """The scoring call as any client makes it (the SDK's invoke keeps a header between calls: contract Q5)."""
    sent = {"authorization": f"Bearer {key}", **headers}
    return requests.post(endpoint.scoring_uri, json=body, headers=sent, timeout=60)


def test_a_deployment_serves_its_model_behind_a_key(
    workspace: Any, endpoint: Any, environment_name: str, write: Write, tmp_path: Path
) -> None:
    code = write("serve/score.py", SCORE).parent
    deployed = deploy(workspace, endpoint, "blue", code, register(workspace, write, 3), environment_name)
    assert deployed.provisioning_state == "Succeeded"
    endpoint.traffic = {"blue": 100}
    workspace.online_endpoints.begin_create_or_update(endpoint).result()
    request_file = write("request.json", json.dumps({"x": 2}))
    answer = workspace.online_endpoints.invoke(endpoint.name, request_file=str(request_file))
    assert json.loads(answer) == {"y": 6.0}
    key = workspace.online_endpoints.get_keys(endpoint.name).primary_key
    assert send(endpoint, key, {"x": 1}).headers["azureml-model-deployment"] == "blue"
    assert send(endpoint, "wrong", {"x": 1}).status_code == 401
    assert requests.post(endpoint.scoring_uri, json={"x": 1}, timeout=9).status_code == 401
    assert "model loaded 3.0" in workspace.online_deployments.get_logs("blue", endpoint.name, lines=200)
    missing = send(endpoint, key, {"x": 1}, **{"azureml-model-deployment": "absent"})
    assert (missing.status_code, "absent" in missing.text) == (404, True)
    failed = send(endpoint, key, {"wrong": 1})
    assert (failed.status_code, failed.headers["ms-azureml-model-error-statuscode"]) == (424, "500")


def test_traffic_is_split_and_moved(workspace: Any, endpoint: Any, environment_name: str, write: Write) -> None:
    from azure.core.exceptions import HttpResponseError

    code = write("serve/score.py", SCORE).parent
    for name, factor in (("blue", 1), ("green", 2)):
        deploy(workspace, endpoint, name, code, register(workspace, write, factor), environment_name)
    endpoint.traffic = {"blue": 50, "green": 50}
    workspace.online_endpoints.begin_create_or_update(endpoint).result()
    key = workspace.online_endpoints.get_keys(endpoint.name).primary_key
    seen = {send(endpoint, key, {"x": 1}).headers["azureml-model-deployment"] for _ in range(40)}
    assert seen == {"blue", "green"}
    with pytest.raises(HttpResponseError, match="carries 50 %"):
        workspace.online_deployments.begin_delete("green", endpoint.name).wait()
    endpoint.traffic = {"blue": 60, "green": 60}
    with pytest.raises(HttpResponseError, match="adds up to"):
        workspace.online_endpoints.begin_create_or_update(endpoint).result()
    endpoint.traffic = {"blue": 0, "green": 100}
    workspace.online_endpoints.begin_create_or_update(endpoint).result()
    assert {send(endpoint, key, {"x": 1}).json()["y"] for _ in range(5)} == {2.0}


def test_a_model_whose_init_raises_fails_with_its_log(
    workspace: Any, endpoint: Any, environment_name: str, write: Write
) -> None:
    from azure.core.exceptions import HttpResponseError

    code = write(
        "serve/score.py", "def init():\n    raise RuntimeError('weights are gone')\ndef run(raw):\n    return 1\n"
    ).parent
    with pytest.raises(HttpResponseError, match="weights are gone"):
        deploy(workspace, endpoint, "blue", code, None, environment_name)
    assert workspace.online_deployments.get("blue", endpoint.name).provisioning_state == "Failed"
    assert "weights are gone" in workspace.online_deployments.get_logs("blue", endpoint.name, lines=200)


def test_model_servers_listen_on_loopback_only(
    sandbox: Sandbox, workspace: Any, endpoint: Any, environment_name: str, write: Write
) -> None:
    code = write("serve/score.py", SCORE).parent
    deploy(workspace, endpoint, "blue", code, register(workspace, write, 1), environment_name)
    server = psutil.Process(json.loads((sandbox.state / "server.json").read_text())["pid"])
    listening = [
        connection.laddr.ip
        for process in (server, *server.children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > 1
    assert all(address.startswith("127.") or address == "::1" for address in listening)


def test_an_endpoint_name_is_unique_in_a_region(workspace: Any, endpoint: Any, sandbox: Sandbox) -> None:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import ManagedOnlineEndpoint, Workspace
    from azure.core.exceptions import HttpResponseError

    other_name = f"mlw-{uuid.uuid4().hex[:8]}"
    client = MLClient(sandbox.credential, sandbox.subscription, workspace.resource_group_name, other_name)
    client.workspaces.begin_create(Workspace(name=other_name, location="westeurope")).result()
    with pytest.raises(HttpResponseError, match="exists already in region"):
        client.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=endpoint.name)).result()


def test_keys_are_regenerated(workspace: Any, endpoint: Any) -> None:
    before = workspace.online_endpoints.get_keys(endpoint.name)
    workspace.online_endpoints.begin_regenerate_keys(endpoint.name, key_type="primary").wait()
    after = workspace.online_endpoints.get_keys(endpoint.name)
    assert before.primary_key != after.primary_key
    assert before.secondary_key == after.secondary_key


@pytest.mark.slow
def test_an_mlflow_model_is_served_without_code(
    workspace: Any, endpoint: Any, tmp_path: Path, runtime_python: Path
) -> None:
    import subprocess

    from azure.ai.ml.entities import ManagedOnlineDeployment, Model

    folder = tmp_path / "model"
    program = (
        "import sys, mlflow.sklearn, numpy as np; from sklearn.linear_model import LinearRegression;"
        "fitted = LinearRegression().fit(np.array([[0.0], [1.0]]), [1.0, 3.0]);"
        "mlflow.sklearn.save_model(fitted, sys.argv[1], pip_requirements=['scikit-learn'])"
    )
    environment = {"PATH": "/usr/bin:/bin", "MLFLOW_TRACKING_URI": (tmp_path / "runs").as_uri()}
    subprocess.run([runtime_python, "-c", program, str(folder)], check=True, timeout=120, env=environment)
    workspace.models.create_or_update(Model(name="line", path=str(folder), type="mlflow_model"))
    deployment = ManagedOnlineDeployment(
        name="blue",
        endpoint_name=endpoint.name,
        model="azureml:line:1",
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )
    workspace.online_deployments.begin_create_or_update(deployment).result()
    key = workspace.online_endpoints.get_keys(endpoint.name).primary_key
    answer = send(endpoint, key, {"input_data": [[2.0]]}, **{"azureml-model-deployment": "blue"})
    assert answer.json() == pytest.approx([5.0]), answer.text
