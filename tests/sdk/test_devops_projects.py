"""Projects, processes, teams and the operations that clients poll."""

import re
import uuid

import pytest

from tests.sdk.devops import AGILE, Organization
from tests.sdk.openapi import conforms

BASIC = "b8a3a935-7e91-48b8-a94c-606d37c3e9f2"


def fresh() -> str:
    return f"AIDevCollege-{uuid.uuid4().hex[:8]}"


def test_basic_is_the_default_process(devops: Organization) -> None:
    rows = devops.get("_apis/process/processes")["value"]
    assert {one["name"]: one["isDefault"] for one in rows} == {
        "Agile": False,
        "Basic": True,
        "Scrum": False,
        "CMMI": False,
    }
    for row in rows:
        conforms(row, "core", "Process")
    one = devops.client("core").get_process_by_id(AGILE)
    assert one.name == "Agile"


def test_create_is_accepted_and_polled(devops: Organization) -> None:
    name = fresh()
    body = {
        "name": name,
        "capabilities": {
            "versioncontrol": {"sourceControlType": "Git"},
            "processTemplate": {"templateTypeId": AGILE},
        },
    }
    answer = devops.call("POST", "_apis/projects", body)
    assert answer.status_code == 202
    assert answer.json()["status"] in ("notSet", "queued")
    conforms(answer.json(), "core", "OperationReference")
    assert devops.finish(answer.json())["status"] == "succeeded"
    project = devops.get(f"_apis/projects/{name}?includeCapabilities=true")
    conforms(project, "core", "TeamProject")
    assert project["state"] == "wellFormed"
    assert project["visibility"] == "private"
    assert project["capabilities"] == {
        "processTemplate": {"templateName": "Agile", "templateTypeId": AGILE},
        "versioncontrol": {"sourceControlType": "Git", "gitEnabled": "True", "tfvcEnabled": "False"},
    }
    assert project["defaultTeam"]["name"] == f"{name} Team"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", project["lastUpdateTime"])


def test_capabilities_only_where_asked_for(devops: Organization, project: str) -> None:
    assert "capabilities" not in devops.get(f"_apis/projects/{project}")


def test_python_client_creates_reads_and_deletes(devops: Organization) -> None:
    name, client = fresh(), devops.client("core")
    operation = client.queue_create_project({"name": name, "visibility": "private"})
    devops.finish({"id": operation.id})
    found = client.get_project(name, include_capabilities=True)
    assert found.capabilities["processTemplate"]["templateTypeId"] == BASIC
    assert name in [one.name for one in client.get_projects(top=1000)]
    deleted = client.queue_delete_project(found.id)
    assert devops.client("operations", "7.1").get_operation(deleted.id).status in ("inProgress", "succeeded")
    devops.finish({"id": deleted.id})
    assert devops.call("GET", f"_apis/projects/{name}").status_code == 404
    assert devops.call("GET", f"{name}/_apis/git/repositories").status_code == 404


def test_duplicate_name_differing_in_case(devops: Organization, project: str) -> None:
    answer = devops.call("POST", "_apis/projects", {"name": project.upper()})
    assert answer.status_code == 400
    assert answer.json()["typeKey"] == "ProjectAlreadyExistsException"


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", "_a", ".a", "a.", "x" * 65])
def test_names_that_are_refused(devops: Organization, name: str) -> None:
    answer = devops.call("POST", "_apis/projects", {"name": name})
    assert (answer.status_code, answer.json()["typeKey"]) == (400, "InvalidProjectNameException")


def test_what_the_sandbox_does_not_keep_is_refused(devops: Organization) -> None:
    body = {"name": fresh(), "capabilities": {"versioncontrol": {"sourceControlType": "Tfvc"}}}
    assert devops.call("POST", "_apis/projects", body).status_code == 400
    body = {"name": fresh(), "capabilities": {"processTemplate": {"templateTypeId": str(uuid.uuid4())}}}
    assert devops.call("POST", "_apis/projects", body).status_code == 400


def test_update(devops: Organization, project: str) -> None:
    guid = devops.get(f"_apis/projects/{project}")["id"]
    devops.finish(devops.patch(f"_apis/projects/{guid}", {"description": "Changed"}))
    assert devops.get(f"_apis/projects/{project}")["description"] == "Changed"


def test_delete_wants_the_id(devops: Organization, project: str) -> None:
    assert devops.call("DELETE", f"_apis/projects/{project}").status_code == 400
    assert devops.call("GET", f"_apis/projects/{project}").status_code == 200


def test_list_is_paged_by_token(devops: Organization, project: str) -> None:
    devops.create_project(fresh())
    everything = devops.get("_apis/projects?$top=1000")
    path = f"_apis/projects?$top={(everything['count'] + 1) // 2}"
    first = devops.call("GET", path)
    token = first.headers["x-ms-continuationtoken"]
    names = [one["name"] for one in first.json()["value"]]
    while token:
        following = devops.call("GET", f"{path}&continuationToken={token}")
        names += [one["name"] for one in following.json()["value"]]
        token = following.headers.get("x-ms-continuationtoken", "")
    assert sorted(names) == sorted(one["name"] for one in everything["value"])
    assert len(names) == len(set(names)) == everything["count"]
    for one in everything["value"]:
        conforms(one, "core", "TeamProjectReference")


def test_teams_and_properties(devops: Organization, project: str) -> None:
    teams = devops.client("core").get_teams(devops.get(f"_apis/projects/{project}")["id"])
    assert [one.name for one in teams] == [f"{project} Team"]
    conforms(devops.get(f"_apis/projects/{project}/teams")["value"][0], "core", "WebApiTeam")
    team = devops.get(f"_apis/projects/{project}/teams/{teams[0].id}")
    assert team["projectName"] == project
    assert devops.call("GET", f"_apis/projects/{project}/teams/nobody").status_code == 404
    rows = devops.get(f"_apis/projects/{project}/properties", version="7.1-preview.1")["value"]
    values = {one["name"]: one["value"] for one in rows}
    assert values["System.CurrentProcessTemplateId"] == AGILE


def test_operation_of_another_organisation_is_not_shown(devops: Organization) -> None:
    assert devops.call("GET", f"_apis/operations/{uuid.uuid4()}").status_code == 404


def test_spaces_in_a_project_name(devops: Organization) -> None:
    name = f"My Project {uuid.uuid4().hex[:6]}"
    devops.create_project(name)
    repository = devops.get(f"{name}/_apis/git/repositories/{name}")
    assert "%20" in repository["remoteUrl"]
    assert repository["project"]["name"] == name
