"""The real Azure CLI against the sandbox: `make test-az`. The recipe is the one that `sandbox env --az` prints."""

import json
import os
import shlex
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import LOCATION, Sandbox, run_sandbox

pytestmark = [pytest.mark.az, pytest.mark.timeout(900)]

DOCKERFILE = """FROM python:3.12-slim
WORKDIR /app
COPY index.html /app/site/index.html
EXPOSE 8000
CMD ["python", "-u", "-m", "http.server", "8000", "--directory", "/app/site"]
"""
Az = Callable[..., Any]


@pytest.fixture(scope="module")
def az(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    """Runs `az ARGUMENTS` signed in to the sandbox and returns its JSON."""
    program = os.environ.get("AZ")
    if not program:
        pytest.skip("the Azure CLI is a target of its own: make test-az")
    recipe = json.loads(run_sandbox("env", "--az", "--format", "json", state=sandbox.state).stdout)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, **recipe["environment"]}

    def call(*arguments: str, check: bool = True) -> Any:
        done = subprocess.run(
            [Path(program).absolute(), *arguments], env=environment, capture_output=True, text=True, timeout=300
        )
        if check:
            assert done.returncode == 0, f"az {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
            return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[", '"')) else done.stdout
        return done

    for line in recipe["commands"]:
        call(*shlex.split(line)[1:])
    yield call


@pytest.fixture
def group(az: Az) -> str:
    name = f"rg-{uuid.uuid4().hex[:8]}"
    made = az("group", "create", "--name", name, "--location", LOCATION, "--output", "json")
    assert made["properties"]["provisioningState"] == "Succeeded"
    return name


def test_login_shows_the_subscription_of_the_tenant(az: Az, sandbox: Sandbox) -> None:
    account = az("account", "show", "--output", "json")
    assert account["id"] == sandbox.subscription
    assert len(account["tenantId"]) == 36
    assert account["environmentName"] == "AzureSandbox"
    token = az("account", "get-access-token", "--output", "json")
    assert token["accessToken"].count(".") == 2


def test_groups_are_listed_and_deleted(az: Az, group: str) -> None:
    assert group in [one["name"] for one in az("group", "list", "--output", "json")]
    az("group", "delete", "--name", group, "--yes")
    assert az("group", "exists", "--name", group).strip() == "false"


def test_a_resource_list_honours_its_filter(az: Az, group: str) -> None:
    registry = f"cr{uuid.uuid4().hex[:12]}"
    az("acr", "create", "--name", registry, "--resource-group", group, "--sku", "Basic", "--output", "json")
    listed = az("resource", "list", "--resource-group", group, "--output", "json")
    assert [one["name"] for one in listed] == [registry]
    kind = "Microsoft.ContainerRegistry/registries"
    assert az("resource", "list", "--resource-group", group, "--resource-type", kind, "--output", "json") != []
    empty = az(
        "resource",
        "list",
        "--resource-group",
        group,
        "--resource-type",
        "Microsoft.Storage/storageAccounts",
        "--output",
        "json",
    )
    assert empty == []


def test_an_image_is_built_run_and_read(az: Az, group: str, tmp_path: Path) -> None:
    registry = f"cr{uuid.uuid4().hex[:12]}"
    az("acr", "create", "--name", registry, "--resource-group", group, "--sku", "Basic", "--admin-enabled", "true")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "index.html").write_text("served by a container group")
    built = az(
        "acr",
        "build",
        "--registry",
        registry,
        "--resource-group",
        group,
        "--image",
        "site:1",
        str(tmp_path),
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "COPY index.html" in built.stdout + built.stderr
    keys = az("acr", "credential", "show", "--name", registry, "--resource-group", group, "--output", "json")
    az(
        *(
            "container",
            "create",
            "--resource-group",
            group,
            "--name",
            "site",
            "--image",
            f"{registry}.azurecr.io/site:1",
        ),
        *("--registry-username", keys["username"], "--registry-password", keys["passwords"][0]["value"]),
        *("--ip-address", "Public", "--ports", "8000", "--cpu", "1", "--memory", "1", "--os-type", "Linux"),
    )
    shown = az("container", "show", "--resource-group", group, "--name", "site", "--output", "json")
    assert shown["provisioningState"] == "Succeeded"
    assert shown["containers"][0]["instanceView"]["currentState"]["state"] == "Running"
    answer = requests.get(f"http://{shown['ipAddress']['ip']}:8000/", timeout=30)
    assert answer.text == "served by a container group"
    log = az("container", "logs", "--resource-group", group, "--name", "site")
    assert "GET /" in log
    az("container", "delete", "--resource-group", group, "--name", "site", "--yes")
    assert az("container", "list", "--resource-group", group, "--output", "json") == []


def test_a_kubernetes_cluster_is_created_and_shown(az: Az, group: str) -> None:
    made = az(
        *("aks", "create", "--resource-group", group, "--name", "cluster", "--node-count", "1"),
        *("--no-ssh-key", "--output", "json"),
    )
    assert made["provisioningState"] == "Succeeded"
    shown = az("aks", "show", "--resource-group", group, "--name", "cluster", "--output", "json")
    assert shown["agentPoolProfiles"][0]["count"] == 1


def test_rest_reaches_what_the_cli_has_no_command_for(az: Az, sandbox: Sandbox, group: str) -> None:
    scope = f"{sandbox.base}/subscriptions/{sandbox.subscription}/resourceGroups/{group}"
    url = f"{scope}/providers/Microsoft.MachineLearningServices/workspaces/w?api-version=2024-10-01"
    made = az("rest", "--method", "put", "--url", url, "--body", json.dumps({"location": LOCATION}), "--output", "json")
    assert made["properties"]["provisioningState"] == "Succeeded"
