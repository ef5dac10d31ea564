"""What a stage waits for: permission, approvals, branch control, locks, a person, capacity; deployments that follow."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sdk.devops import Organization, wait_for
from tests.sdk.openapi import conforms
from tests.sdk.runs import APPROVAL, Pipelines

DEPLOY = """
trigger: none
stages:
- stage: Build
  jobs:
  - job: Make
    steps:
    - bash: echo made
- stage: Production
  jobs:
  - deployment: Ship
    environment: production
    strategy:
      runOnce:
        deploy:
          steps:
          - bash: echo shipped
            displayName: Ship it
"""
TASK_CHECK = "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7"
LOCK = "2EF31AD6-BAA0-403A-8B45-2CBC9B4E5563"
PREVIEW = "7.1-preview.1"


def _approval(pipelines: Pipelines, **settings: Any) -> dict[str, Any]:
    return {"approvers": [pipelines.me], "executionOrder": "anyOrder", "minRequiredApprovers": 1, **settings}


def _answer(pipelines: Pipelines, approval: str, status: str, comment: str = "ok") -> Any:
    body = [{"approvalId": approval, "status": status, "comment": comment}]
    return pipelines.organization.call("PATCH", pipelines.path("pipelines/approvals"), body)


def _pending(pipelines: Pipelines) -> list[dict[str, Any]]:
    listed = pipelines.organization.get(pipelines.path("pipelines/approvals?state=pending&$expand=steps"))
    return list(listed["value"])


def _await_approval(pipelines: Pipelines, count: int = 1) -> list[dict[str, Any]]:
    return list(wait_for(lambda: _pending(pipelines), lambda found: len(found) == count))


# Permission


def test_first_run_waits_until_it_is_permitted(pipelines: Pipelines) -> None:
    environment = pipelines.create_environment("production", open_to_all=False)
    number = pipelines.create(DEPLOY)
    run = pipelines.run(number)
    waiting = pipelines.await_record(run, "Checkpoint.Authorization")
    checkpoint = next(one for one in pipelines.records(run) if one["id"] == waiting["parentId"])
    stage = pipelines.record(run, "Stage", "Production")
    assert (checkpoint["type"], checkpoint["parentId"]) == ("Checkpoint", stage["id"])
    assert (stage["state"], pipelines.build(run)["status"]) == ("pending", "inProgress")
    said = wait_for(lambda: pipelines.record(run, "Stage", "Production")["currentOperation"], bool)
    assert "needs permission to access 1 resource" in said
    assert "environment production" in said
    client = pipelines.organization.client("pipeline_permissions", "7.1")
    permission = {"pipelines": [{"id": number, "authorized": True}]}
    client.update_pipeline_permisions_for_resource(permission, pipelines.project, "environment", str(environment))
    assert pipelines.finish(run)["result"] == "succeeded"
    assert pipelines.record(run, "Checkpoint.Authorization", "Checkpoint.Authorization")["result"] == "succeeded"
    again = pipelines.run(number)
    assert pipelines.finish(again)["result"] == "succeeded"


def test_service_connection_waits_too_and_definition_resources_permit(pipelines: Pipelines) -> None:
    connection = pipelines.create_connection("azure")
    yaml = """
variables:
  connection: azure
steps:
- task: AzureCLI@2
  displayName: Who
  inputs:
    azureSubscription: $(connection)
    scriptType: bash
    scriptLocation: inlineScript
    inlineScript: |
      echo "client ${AZURE_CLIENT_ID:-none} subscription ${AZURE_SUBSCRIPTION_ID:-none} key $AZURE_CLIENT_SECRET"
- bash: echo "outside ${AZURE_CLIENT_ID:-nobody} ${AZURE_CLIENT_SECRET:-nothing}"
  displayName: Outside
"""
    number = pipelines.create(yaml)
    run = pipelines.run(number)
    pipelines.await_record(run, "Checkpoint.Authorization")
    body = [{"type": "endpoint", "id": connection, "authorized": True}]
    path = pipelines.path(f"build/definitions/{number}/resources")
    assert pipelines.organization.call("PATCH", path, body, version=PREVIEW).ok
    assert pipelines.finish(run)["result"] == "succeeded"
    said = pipelines.log(run, "Who")
    environment = pipelines.organization.sandbox.environment
    if "'az' is not on this machine" in said:
        assert f"client {environment['AZURE_CLIENT_ID']}" in said
        assert "subscription 11111111-1111-4111-8111-111111111111 key ***" in said
    assert environment["AZURE_CLIENT_SECRET"] not in said
    assert "outside nobody nothing" in pipelines.log(run, "Outside")
    listed = pipelines.organization.get(path, version=PREVIEW)["value"]
    assert {"type": "endpoint", "id": connection, "authorized": True} in listed


def test_variable_group_waits_and_gives_its_members(pipelines: Pipelines) -> None:
    project = pipelines.organization.get(f"_apis/projects/{pipelines.project}")
    reference = {"projectReference": {"id": project["id"], "name": project["name"]}, "name": "shared"}
    body = {
        "name": "shared",
        "type": "Vsts",
        "variables": {"colour": {"value": "green"}, "key": {"value": "hidden-value", "isSecret": True}},
        "variableGroupProjectReferences": [reference],
    }
    group = pipelines.organization.post("_apis/distributedtask/variablegroups", body)["id"]
    run = pipelines.run(pipelines.create("variables:\n- group: shared\nsteps:\n- bash: echo $(colour) $(key)\n"))
    pipelines.await_record(run, "Checkpoint.Authorization")
    pipelines.permit("variablegroup", group)
    assert pipelines.finish(run)["result"] == "succeeded"
    assert "green ***" in pipelines.log(run, "Bash")


def test_run_that_waits_can_be_cancelled(pipelines: Pipelines) -> None:
    pipelines.create_environment("production", open_to_all=False)
    run = pipelines.run(pipelines.create(DEPLOY))
    pipelines.await_record(run, "Checkpoint.Authorization")
    pipelines.organization.patch(pipelines.path(f"build/builds/{run}"), {"status": "cancelling"})
    assert pipelines.finish(run)["result"] == "canceled"
    assert {one["state"] for one in pipelines.records(run)} == {"completed"}
    assert pipelines.record(run, "Checkpoint.Authorization", "Checkpoint.Authorization")["result"] == "canceled"


@pytest.mark.parametrize(
    ("yaml", "sentence"),
    [
        (DEPLOY, "Job Ship: Environment production could not be found."),
        (
            "steps:\n- task: AzureCLI@2\n  inputs:\n    azureSubscription: nowhere\n    scriptType: bash\n"
            "    scriptLocation: inlineScript\n    inlineScript: echo\n",
            "references service connection nowhere which could not be found",
        ),
        ("variables:\n- group: nothing\nsteps:\n- bash: echo\n", "Variable group nothing could not be found."),
    ],
)
def test_unknown_resource_fails_the_run_at_once(pipelines: Pipelines, yaml: str, sentence: str) -> None:
    build = pipelines.run_to_end(yaml)
    assert build["result"] == "failed"
    assert sentence in build["validationResults"][0]["message"]
    assert build["validationResults"][0]["result"] == "error"
    assert pipelines.records(build["id"]) == []


def test_connection_that_is_not_ready_fails_its_step(pipelines: Pipelines) -> None:
    organization = pipelines.organization
    organization.switch(endpoint_not_ready=True)
    try:
        connection = pipelines.create_connection("azure", "Automatic")
        pipelines.permit("endpoint", connection)
        yaml = (
            "steps:\n- task: AzureCLI@2\n  inputs:\n    azureSubscription: azure\n    scriptType: bash\n"
            "    scriptLocation: inlineScript\n    inlineScript: echo\n"
        )
        build = pipelines.run_to_end(yaml)
    finally:
        organization.reset_switches()
    assert build["result"] == "failed"
    assert "is not ready" in pipelines.record(build["id"], "Task", "AzureCLI")["issues"][0]["message"]


# Approvals


def test_approval_lets_the_stage_go_and_the_deployment_is_recorded(pipelines: Pipelines) -> None:
    environment = pipelines.create_environment("production")
    check = pipelines.add_check(environment, APPROVAL, _approval(pipelines, instructions="Look first"))
    number = pipelines.create(DEPLOY)
    run = pipelines.run(number)
    approval = _await_approval(pipelines)[0]
    conforms(approval, "pipelinesapproval", "Approval")
    assert (approval["status"], approval["instructions"], approval["minRequiredApprovers"]) == (
        "pending",
        "Look first",
        1,
    )
    assert approval["steps"][0]["assignedApprover"]["id"] == pipelines.me["id"]
    assert pipelines.await_record(run, "Checkpoint.Approval")["id"] == approval["id"]
    assert pipelines.record(run, "Stage", "Production")["state"] == "pending"
    path = pipelines.path(f"distributedtask/environments/{environment}/environmentdeploymentrecords?top=5")
    assert pipelines.organization.get(path)["value"] == []
    answered = _answer(pipelines, approval["id"], "approved", "looks good").json()["value"][0]
    assert answered["status"] == "approved"
    assert answered["steps"][0]["comment"] == "looks good"
    assert pipelines.finish(run)["result"] == "succeeded"
    assert pipelines.record(run, "Checkpoint.Approval", "Checkpoint.Approval")["result"] == "succeeded"
    assert "shipped" in pipelines.log(run, "Ship it")
    record = pipelines.organization.get(path)["value"][0]
    conforms(record, "taskAgent", "EnvironmentDeploymentExecutionRecord")
    assert (record["owner"]["id"], record["definition"]["id"], record["result"]) == (run, number, "succeeded")
    assert (record["stageName"], record["jobName"], record["environmentId"]) == ("Production", "Ship", environment)
    twice = _answer(pipelines, approval["id"], "approved")
    assert twice.status_code == 400
    client = pipelines.organization.client("pipelines_checks", "7.1")
    found = client.get_check_configurations_on_resource(pipelines.project, "environment", str(environment))
    assert [(one.id, one.type.name) for one in found] == [(check, "Approval")]


def test_rejection_fails_the_stage_and_the_run(pipelines: Pipelines) -> None:
    pipelines.add_check(pipelines.create_environment("production"), APPROVAL, _approval(pipelines))
    yaml = DEPLOY + "- stage: After\n  jobs:\n  - job: Last\n    steps:\n    - bash: echo\n"
    run = pipelines.run(pipelines.create(yaml))
    _answer(pipelines, _await_approval(pipelines)[0]["id"], "rejected", "not today")
    assert pipelines.finish(run)["result"] == "failed"
    stage = pipelines.record(run, "Stage", "Production")
    assert stage["result"] == "failed"
    assert "not today" in stage["issues"][0]["message"]
    assert pipelines.record(run, "Stage", "After")["result"] == "skipped"
    assert pipelines.record(run, "Phase", "Production.Ship")["result"] == "skipped"


def test_timeout_of_a_check_is_in_minutes(pipelines: Pipelines) -> None:
    environment = pipelines.create_environment("production")
    check = pipelines.add_check(environment, APPROVAL, _approval(pipelines), timeout=1)
    path = pipelines.path(f"pipelines/checks/configurations/{check}?$expand=settings")
    assert pipelines.organization.get(path, version=PREVIEW)["timeout"] == 1
    refused = pipelines.organization.call(
        "PATCH", pipelines.path(f"pipelines/checks/configurations/{check}"), {"timeout": 0}, version=PREVIEW
    )
    assert refused.status_code == 400


def test_all_approvers_in_their_order(pipelines: Pipelines) -> None:
    group = {"id": "99999999-9999-4999-8999-999999999999", "displayName": "Release managers"}
    settings = {"approvers": [group, pipelines.me], "executionOrder": "inSequence", "minRequiredApprovers": 2}
    pipelines.add_check(pipelines.create_environment("production"), APPROVAL, settings)
    run = pipelines.run(pipelines.create(DEPLOY))
    approval = _await_approval(pipelines)[0]["id"]
    first = _answer(pipelines, approval, "approved").json()["value"][0]
    assert [one["status"] for one in first["steps"]] == ["approved", "pending"]
    assert first["status"] == "pending"
    assert _answer(pipelines, approval, "approved").json()["value"][0]["status"] == "approved"
    assert pipelines.finish(run)["result"] == "succeeded"


def test_requester_who_must_not_approve(pipelines: Pipelines) -> None:
    settings = _approval(pipelines, requesterCannotBeApprover=True)
    pipelines.add_check(pipelines.create_environment("production"), APPROVAL, settings)
    run = pipelines.run(pipelines.create(DEPLOY))
    answer = _answer(pipelines, _await_approval(pipelines)[0]["id"], "approved")
    assert answer.status_code == 403
    assert "another approver" in answer.json()["message"]
    pipelines.organization.patch(pipelines.path(f"build/builds/{run}"), {"status": "cancelling"})
    pipelines.finish(run)
    assert _pending(pipelines) == []


def test_answers_that_are_none(pipelines: Pipelines) -> None:
    pipelines.add_check(pipelines.create_environment("production"), APPROVAL, _approval(pipelines))
    run = pipelines.run(pipelines.create(DEPLOY))
    approval = _await_approval(pipelines)[0]["id"]
    assert _answer(pipelines, approval, "maybe").status_code == 400
    assert _answer(pipelines, "12345678-1234-4234-8234-123456789012", "approved").status_code == 404
    assert pipelines.record(run, "Stage", "Production")["state"] == "pending"
    _answer(pipelines, approval, "approved")
    assert pipelines.finish(run)["result"] == "succeeded"


# Branch control, locks, manual stages


@pytest.mark.parametrize(("allowed", "result"), [("refs/heads/main", "succeeded"), ("refs/heads/release/*", "failed")])
def test_branch_control(pipelines: Pipelines, allowed: str, result: str) -> None:
    settings = {
        "displayName": "Branch control",
        "definitionRef": {"id": "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b", "name": "evaluatebranchProtection"},
        "inputs": {"allowedBranches": allowed, "ensureProtectionOfBranch": "false"},
    }
    pipelines.add_check(pipelines.create_environment("production"), TASK_CHECK, settings)
    build = pipelines.run_to_end(DEPLOY)
    assert build["result"] == result
    issues = pipelines.record(build["id"], "Stage", "Production").get("issues", [])
    assert [one["message"].partition(" on ")[0] for one in issues] == (["Branch control"] if result == "failed" else [])


def test_exclusive_lock_lets_one_run_deploy_at_a_time(pipelines: Pipelines) -> None:
    pipelines.add_check(pipelines.create_environment("production"), LOCK, {})
    yaml = DEPLOY.replace("trigger: none", "trigger: none\nlockBehavior: sequential").replace(
        "echo shipped", "date +%s%N; sleep 0.7; date +%s%N"
    )
    number = pipelines.create(yaml)
    runs = [pipelines.run(number) for _ in range(3)]
    spans = []
    for run in runs:
        assert pipelines.finish(run)["result"] == "succeeded"
        times = [int(line) for line in pipelines.log(run, "Ship it").splitlines() if line.isdigit()]
        spans.append((times[0], times[1]))
    spans.sort()
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_manual_stage_waits_for_a_person(pipelines: Pipelines) -> None:
    yaml = "stages:\n- stage: Later\n  trigger: manual\n  jobs:\n  - job: J\n    steps:\n    - bash: echo\n"
    run = pipelines.run(pipelines.create(yaml))
    pipelines.await_record(run, "Checkpoint.ManualTrigger")
    path = pipelines.path(f"build/builds/{run}/stages/Later")
    assert pipelines.organization.call("PATCH", path, {"state": "run"}).status_code == 204
    assert pipelines.finish(run)["result"] == "succeeded"


@pytest.mark.parametrize(
    ("kind", "settings", "status"),
    [
        (APPROVAL, {}, 400),
        (TASK_CHECK, {"definitionRef": {"name": "invokeRestApi"}}, 501),
        ("00000000-0000-0000-0000-000000000000", {}, 501),
    ],
)
def test_checks_that_are_refused(pipelines: Pipelines, kind: str, settings: Any, status: int) -> None:
    environment = pipelines.create_environment("production")
    body = {"type": {"id": kind}, "settings": settings, "resource": {"type": "environment", "id": str(environment)}}
    path = pipelines.path("pipelines/checks/configurations")
    answer = pipelines.organization.call("POST", path, body, version=PREVIEW)
    assert answer.status_code == status


def test_checks_by_the_client(pipelines: Pipelines) -> None:
    from azure.devops.v7_1.pipelines_checks.models import CheckConfiguration, CheckType, Resource

    environment = pipelines.create_environment("production")
    client = pipelines.organization.client("pipelines_checks", "7.1")
    resource = Resource(id=str(environment), type="environment")
    kind = CheckType(id=APPROVAL, name="Approval")
    given = CheckConfiguration(type=kind, resource=resource, timeout=60)
    path = pipelines.path("pipelines/checks/configurations")
    body = {**given.as_dict(), "settings": _approval(pipelines)}
    made = pipelines.organization.post(path, body, version=PREVIEW)
    conforms(
        {name: value for name, value in made.items() if name != "settings"}, "pipelinesChecks", "CheckConfiguration"
    )
    assert client.get_check_configuration(pipelines.project, made["id"]).timeout == 60
    query = pipelines.path("pipelines/checks/queryconfigurations")
    asked = [{"type": "environment", "id": str(environment)}, {"type": "environment", "id": "999"}]
    assert [one["id"] for one in pipelines.organization.post(query, asked, version=PREVIEW)["value"]] == [made["id"]]
    client.delete_check_configuration(pipelines.project, made["id"])
    listed = client.get_check_configurations_on_resource(pipelines.project, "environment", str(environment))
    assert listed == []


# Capacity


@pytest.fixture
def no_parallelism(switches: Organization) -> Iterator[Organization]:
    switches.switch(hosted_parallelism=False)
    return switches  # type: ignore[return-value]


def test_without_hosted_parallelism_the_first_job_fails(no_parallelism: Organization, pipelines: Pipelines) -> None:
    build = pipelines.run_to_end("pool:\n  vmImage: ubuntu-latest\nsteps:\n- bash: echo\n")
    assert build["result"] == "failed"
    job = pipelines.record(build["id"], "Job", "Job.__default")
    assert (job["result"], job["workerName"]) == ("failed", None)
    assert "No hosted parallelism has been purchased or granted" in job["issues"][0]["message"]
    assert not [one for one in pipelines.records(build["id"]) if one["type"] == "Task"]
    own = pipelines.run_to_end("pool:\n  name: Default\nsteps:\n- bash: echo\n")
    assert own["result"] == "succeeded"
