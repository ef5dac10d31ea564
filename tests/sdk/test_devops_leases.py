"""Retention leases through Microsoft's client: a kept run keeps its pipeline."""

from typing import Any

import pytest

from tests.sdk.openapi import conforms
from tests.sdk.runs import HELLO, Pipelines

MESSAGE = "retained by a release"


def lease(run: dict[str, Any], **fields: Any) -> dict[str, Any]:
    known = {"ownerId": "User:me", "runId": run["id"], "definitionId": run["definition"]["id"], "daysValid": 3}
    return {**known, "protectPipeline": True, **fields}


def test_a_leased_run_keeps_its_pipeline(pipelines: Pipelines) -> None:
    run = pipelines.run_to_end(HELLO)
    client, project, definition = pipelines.organization.client("build"), pipelines.project, run["definition"]["id"]
    made = client.add_retention_leases([lease(run)], project)[0]
    assert (made.run_id, made.definition_id, made.owner_id) == (run["id"], definition, "User:me")
    assert client.get_retention_lease(project, made.lease_id).valid_until == made.valid_until
    with pytest.raises(Exception, match=MESSAGE):
        client.delete_definition(project, definition)
    listed = client.get_retention_leases_by_owner_id(project, definition_id=definition)
    assert [one.lease_id for one in listed] == [made.lease_id]
    client.delete_retention_leases_by_id(project, [made.lease_id])
    assert client.get_retention_leases_by_owner_id(project, definition_id=definition) == []
    client.delete_definition(project, definition)
    assert run["id"] not in [one["id"] for one in pipelines.builds()]


def test_a_run_that_is_kept_for_ever_keeps_its_pipeline(pipelines: Pipelines) -> None:
    run = pipelines.run_to_end(HELLO)
    path, definition = pipelines.path(f"build/builds/{run['id']}"), f"build/definitions/{run['definition']['id']}"
    pipelines.organization.patch(path, {"keepForever": True})
    refused = pipelines.organization.call("DELETE", pipelines.path(definition))
    assert (refused.status_code, MESSAGE in refused.json()["message"]) == (409, True)
    pipelines.organization.patch(path, {"keepForever": False})
    assert pipelines.organization.call("DELETE", pipelines.path(definition)).status_code == 204


def test_a_lease_has_the_published_shape_and_refuses_what_is_none(pipelines: Pipelines) -> None:
    run, path = pipelines.run_to_end(HELLO), pipelines.path("build/retention/leases")
    made = pipelines.organization.post(path, [lease(run, protectPipeline=False)])["value"][0]
    conforms(made, "build", "RetentionLease")
    assert pipelines.organization.call("POST", path, [lease(run, daysValid=0)]).status_code == 400
    assert pipelines.organization.call("POST", path, [lease({**run, "id": 999_999})]).status_code == 404
    assert pipelines.organization.call("GET", path).status_code == 400
    definition = pipelines.path(f"build/definitions/{run['definition']['id']}")
    assert pipelines.organization.call("DELETE", definition).status_code == 204
