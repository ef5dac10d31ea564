"""Workspaces, computes and datastores through azure-ai-ml."""

from typing import Any

import pytest

from tests.conftest import LOCATION, Sandbox


def test_a_workspace_is_made_listed_updated_and_deleted(sandbox: Sandbox, workspace: Any) -> None:
    name = workspace.workspace_name
    made = workspace.workspaces.get(name)
    assert (made.name, made.location) == (name, LOCATION)
    assert made.discovery_url.startswith(sandbox.base)
    assert made.storage_account
    assert name in [one.name for one in workspace.workspaces.list()]
    made.description = "changed"
    workspace.workspaces.begin_update(made).result()
    assert workspace.workspaces.get(name).description == "changed"
    workspace.workspaces.begin_delete(name, delete_dependent_resources=True, permanently_delete=True).result()
    assert name not in [one.name for one in workspace.workspaces.list()]


def test_creating_a_workspace_again_changes_nothing(workspace: Any) -> None:
    from azure.ai.ml.entities import Workspace

    before = workspace.workspaces.get(workspace.workspace_name)
    workspace.workspaces.begin_create(Workspace(name=before.name, location=LOCATION)).result()
    after = workspace.workspaces.get(before.name)
    assert after.storage_account == before.storage_account


def test_a_missing_workspace_is_a_clean_404(sandbox: Sandbox, resource_group: str) -> None:
    from azure.ai.ml import MLClient
    from azure.core.exceptions import ResourceNotFoundError

    client = MLClient(sandbox.credential, sandbox.subscription, resource_group, "absent")
    with pytest.raises(ResourceNotFoundError, match="absent"):
        client.workspaces.get("absent")
    with pytest.raises(ResourceNotFoundError):
        list(client.models.list())


def test_a_cluster_scales_to_zero_and_goes_away(workspace: Any, cluster: str) -> None:
    from azure.core.exceptions import ResourceNotFoundError

    found = workspace.compute.get(cluster)
    assert (found.type, found.size, found.min_instances, found.max_instances) == ("amlcompute", "STANDARD_DS3_V2", 0, 2)
    assert [one.name for one in workspace.compute.list()] == [cluster]
    workspace.compute.begin_delete(cluster).wait()
    with pytest.raises(ResourceNotFoundError):
        workspace.compute.get(cluster)


def test_a_compute_instance_stops_and_starts(workspace: Any) -> None:
    from azure.ai.ml.entities import ComputeInstance

    workspace.compute.begin_create_or_update(ComputeInstance(name="desk", size="STANDARD_DS3_V2")).result()
    workspace.compute.begin_stop("desk").wait()
    assert workspace.compute.get("desk").state == "Stopped"
    workspace.compute.begin_start("desk").wait()
    assert workspace.compute.get("desk").state == "Running"


def test_the_default_datastore_is_the_blob_store(workspace: Any) -> None:
    assert workspace.datastores.get_default().name == "workspaceblobstore"
    assert {one.name for one in workspace.datastores.list()} == {"workspaceblobstore", "workspaceartifactstore"}
