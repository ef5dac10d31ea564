"""ARM through azure-mgmt-resource and plain requests."""

import uuid
from typing import Any

import pytest
import requests

from tests.conftest import LOCATION, Sandbox, bearer


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    from azure.mgmt.resource.resources import ResourceManagementClient

    return ResourceManagementClient(sandbox.credential, sandbox.subscription, **sandbox.management_arguments())


def test_a_resource_group_lives_and_dies(client: Any) -> None:
    name = f"rg-{uuid.uuid4().hex[:8]}"
    assert not client.resource_groups.check_existence(name)
    made = client.resource_groups.create_or_update(name, {"location": LOCATION, "tags": {"owner": "me"}})
    assert (made.location, made.tags, made.properties.provisioning_state) == (LOCATION, {"owner": "me"}, "Succeeded")
    assert client.resource_groups.check_existence(name.upper())
    assert name in [one.name for one in client.resource_groups.list()]
    client.resource_groups.begin_delete(name).result()
    assert not client.resource_groups.check_existence(name)


def test_a_group_keeps_its_location(client: Any, resource_group: str) -> None:
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError, match="InvalidResourceGroupLocation"):
        client.resource_groups.create_or_update(resource_group, {"location": "eastus"})


def test_resources_are_listed_by_group_type_and_tag(client: Any, sandbox: Sandbox, resource_group: str) -> None:
    account = f"st{uuid.uuid4().hex[:12]}"
    scope = f"/subscriptions/{sandbox.subscription}/resourceGroups/{resource_group}"
    identity = f"{scope}/providers/Microsoft.Storage/storageAccounts/{account}"
    body = {"location": LOCATION, "tags": {"kit": "yes"}, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
    client.resources.begin_create_or_update_by_id(identity, body, api_version="2023-01-01").result()
    assert [one.name for one in client.resources.list_by_resource_group(resource_group)] == [account]
    by_type = client.resources.list(
        filter=f"resourceType eq 'Microsoft.Storage/storageAccounts' and name eq '{account}'"
    )
    assert [one.id for one in by_type] == [identity]
    by_tag = client.resources.list(filter=f"tagName eq 'kit' and resourceGroup eq '{resource_group}'")
    assert [one.name for one in by_tag] == [account]
    client.resources.begin_delete_by_id(identity, api_version="2023-01-01").result()
    assert list(client.resources.list_by_resource_group(resource_group)) == []


def test_unknown_types_and_paths_say_that_they_are_not_implemented(sandbox: Sandbox, resource_group: str) -> None:
    scope = f"{sandbox.base}/subscriptions/{sandbox.subscription}/resourceGroups/{resource_group}"
    answers = [
        requests.put(
            f"{scope}/providers/Microsoft.Web/sites/x?api-version=1", json={}, headers=bearer(sandbox), timeout=9
        ),
        requests.get(
            f"{scope}/providers/Microsoft.MachineLearningServices/nonsense", headers=bearer(sandbox), timeout=9
        ),
    ]
    assert [one.status_code for one in answers] == [501, 501]
    assert "Microsoft.Web/sites" in answers[0].json()["error"]["message"]
    assert (
        "nearest operation" in answers[1].json()["error"]["message"]
        or "Microsoft.MachineLearningServices" in answers[1].text
    )


def test_a_missing_group_and_subscription_are_named(client: Any, sandbox: Sandbox) -> None:
    from azure.core.exceptions import ResourceNotFoundError

    with pytest.raises(ResourceNotFoundError, match="Resource group 'absent' could not be found"):
        client.resource_groups.get("absent")
    other = f"{sandbox.base}/subscriptions/{uuid.uuid4()}?api-version=2022-12-01"
    answer = requests.get(other, headers=bearer(sandbox), timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SubscriptionNotFound")


def test_providers_are_registered(client: Any) -> None:
    found = client.providers.get("Microsoft.MachineLearningServices")
    assert found.registration_state == "Registered"
    assert "Microsoft.ContainerInstance" in [one.namespace for one in client.providers.list()]
