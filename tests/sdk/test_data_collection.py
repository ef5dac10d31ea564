"""Data collection through azure-ai-ml and the unmodified azureml-ai-monitoring, and a monitor on what was collected."""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

Write = Callable[[str, str], Path]

SCORE = """
import json
import pandas
from azureml.ai.monitoring import Collector

def init():
    global inputs, outputs
    inputs, outputs = Collector(name="model_inputs"), Collector(name="model_outputs")

def run(raw):
    rows = json.loads(raw)["data"]
    context = inputs.collect(pandas.DataFrame(rows, columns=["BMI", "BP"]))
    outputs.collect(pandas.DataFrame({"y": [sum(row) for row in rows]}), context)
    return {"predictions": [sum(row) for row in rows]}
"""


@pytest.fixture
def endpoint(workspace: Any, request: pytest.FixtureRequest) -> Any:
    """A managed endpoint that goes away with the test."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    made = ManagedOnlineEndpoint(name=f"e-{uuid.uuid4().hex[:8]}", auth_mode="key")
    workspace.online_endpoints.begin_create_or_update(made).result()
    request.addfinalizer(lambda: workspace.online_endpoints.begin_delete(made.name).wait())
    return workspace.online_endpoints.get(made.name)


def deploy(workspace: Any, endpoint: Any, code: Path, environment: str, *collections: str, **more: Any) -> Any:
    from azure.ai.ml.entities import (
        CodeConfiguration,
        DataCollector,
        DeploymentCollection,
        ManagedOnlineDeployment,
    )

    deployment = ManagedOnlineDeployment(
        name="blue",
        endpoint_name=endpoint.name,
        environment=f"azureml:{environment}",
        code_configuration=CodeConfiguration(code=str(code), scoring_script="score.py"),
        instance_type="Standard_DS3_v2",
        instance_count=1,
        data_collector=DataCollector({name: DeploymentCollection(enabled="true") for name in collections}, **more),
    )
    return workspace.online_deployments.begin_create_or_update(deployment).result()


def collected(workspace: Any, folder: str, lines: int) -> list[dict[str, Any]]:
    """The records beneath a folder of the blob store, once there are so many: the package sends them by itself."""
    from azure.storage.blob import ContainerClient

    store = workspace.datastores.get("workspaceblobstore", include_secrets=True)
    address = f"https://{store.account_name}.blob.core.windows.net/{store.container_name}?{store.credentials.sas_token}"
    deadline = time.monotonic() + 30
    found: list[dict[str, Any]] = []
    with ContainerClient.from_container_url(address) as client:
        while len(found) < lines and time.monotonic() < deadline:
            names = [one.name for one in client.list_blobs(name_starts_with=folder)]
            text = b"".join(client.download_blob(name).readall() for name in names).decode()
            found = [{**json.loads(line), "blob": names[0]} for line in text.splitlines()]
            time.sleep(0.1)
    return found


@pytest.mark.slow
def test_what_a_model_is_asked_and_answers_is_collected_and_monitored(
    workspace: Any, endpoint: Any, environment_name: str, write: Write
) -> None:
    code = write("serve/score.py", SCORE).parent
    made = deploy(workspace, endpoint, code, environment_name, "model_inputs", "model_outputs", rolling_rate="hour")
    kept = made.data_collector.collections["model_inputs"]
    assert kept.enabled == "true"
    asset = workspace.data.get(f"{endpoint.name}-blue-model_inputs", version="1")
    assert kept.data.lower() == asset.id.lower()
    folder = f"modelDataCollector/{endpoint.name}/blue/model_inputs/"
    assert asset.path.endswith(folder)

    key = workspace.online_endpoints.get_keys(endpoint.name).primary_key
    headers = {"authorization": f"Bearer {key}", "azureml-model-deployment": "blue"}
    rows = [[0.01, 0.02], [0.03, 0.04]]
    for row in rows:
        answer = requests.post(endpoint.scoring_uri, json={"data": [row]}, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
    inputs = collected(workspace, folder, 2)
    assert [one["data"] for one in inputs] == [[{"BMI": a, "BP": b}] for a, b in rows]
    assert inputs[0]["type"] == "azureml.inference.model_inputs"
    assert inputs[0]["source"].endswith(f"/onlineEndpoints/{endpoint.name}/deployments/blue")
    assert inputs[0]["blob"].removeprefix(folder).count("/") == 4, "yyyy/MM/dd/HH/instance.jsonl"
    outputs = collected(workspace, f"modelDataCollector/{endpoint.name}/blue/model_outputs/", 2)
    assert [one["correlationid"] for one in outputs] == [one["correlationid"] for one in inputs]

    monitor(workspace, endpoint.name, str(write("reference.csv", "BMI,BP\n0.1,0.2\n")))


def monitor(workspace: Any, endpoint: str, reference: str) -> None:
    """A monitor for data drift is kept, and found again with its reference and its threshold."""
    from azure.ai.ml import Input
    from azure.ai.ml.entities import (
        DataDriftMetricThreshold,
        DataDriftSignal,
        MonitorDefinition,
        MonitoringTarget,
        MonitorSchedule,
        NumericalDriftMetrics,
        RecurrenceTrigger,
        ReferenceData,
        ServerlessSparkCompute,
    )

    signal = DataDriftSignal(
        reference_data=ReferenceData(input_data=Input(type="uri_file", path=reference), data_context="training"),
        metric_thresholds=DataDriftMetricThreshold(numerical=NumericalDriftMetrics(population_stability_index=0.2)),
    )
    definition = MonitorDefinition(
        compute=ServerlessSparkCompute(instance_type="standard_e4s_v3", runtime_version="3.4"),
        monitoring_target=MonitoringTarget(ml_task="Regression", endpoint_deployment_id=f"azureml:{endpoint}:blue"),
        monitoring_signals={"drift": signal},
    )
    trigger = RecurrenceTrigger(frequency="day", interval=1)
    workspace.schedules.begin_create_or_update(
        MonitorSchedule(name="drift", trigger=trigger, create_monitor=definition)
    ).result()
    kept = workspace.schedules.get("drift").create_monitor.monitoring_signals["drift"]
    assert kept.metric_thresholds.numerical.population_stability_index == 0.2
    assert f"{endpoint}-blue-model_inputs" in kept.production_data.input_data.path
    assert kept.reference_data.data_context == "training"


def test_collections_that_are_not_emulated_are_refused(
    workspace: Any, endpoint: Any, environment_name: str, write: Write
) -> None:
    from azure.core.exceptions import HttpResponseError

    code = write("serve/score.py", SCORE).parent
    with pytest.raises(HttpResponseError, match="PayloadCollectionNotImplemented") as refusal:
        deploy(workspace, endpoint, code, environment_name, "request")
    assert refusal.value.status_code == 501
