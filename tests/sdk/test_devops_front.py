"""What every call of Azure DevOps goes through: discovery, credentials, versions, errors, throttling."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.conftest import Sandbox, bearer
from tests.sdk.devops import ORGANIZATION, Organization, create_token


def test_locations_are_the_routes(devops: Organization) -> None:
    """Every published location has a route for some method, with its trailing values or without them."""
    answer = devops.call("OPTIONS", "_apis", version="")
    rows = answer.json()["value"]
    assert answer.json()["count"] == len(rows) > 25
    assert len({one["id"] for one in rows}) == len(rows)
    for row in rows:
        assert any(status != 501 for status in _statuses(devops, row)), row["routeTemplate"]


def _statuses(devops: Organization, row: dict[str, Any]) -> Iterator[int]:
    """What the addresses of a row answer, made from its template as the clients do."""
    fixed = row["routeTemplate"].replace("{area}", row["area"]).replace("{resource}", row["resourceName"])
    segments = fixed.replace("{*", "{").split("/")
    whole = [re.sub(r"\{\w+\}", "x", one) for one in segments]
    last_name = max(index for index, one in enumerate(segments) if not one.startswith("{"))
    for path in (whole, whole[: last_name + 1]):
        for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            yield devops.call(method, "/".join(path), {}, version="7.2-preview").status_code


def test_locations_of_one_area(devops: Organization) -> None:
    rows = devops.call("OPTIONS", "_apis/GIT", version="").json()["value"]
    assert rows
    assert {one["area"] for one in rows} == {"git"}
    row = next(one for one in rows if one["resourceName"] == "repositories")
    assert row == {
        "id": "225f7195-f9c7-4d14-ab28-a83f7ff77e1f",
        "area": "git",
        "resourceName": "repositories",
        "routeTemplate": "{project}/_apis/{area}/{resource}/{repositoryId}",
        "resourceVersion": 1,
        "minVersion": "1.0",
        "maxVersion": "7.2",
        "releasedVersion": "7.1",
    }


def test_root_of_the_server_knows_no_locations(devops: Organization) -> None:
    answer = requests.options(f"{devops.sandbox.base}/_apis", timeout=10)
    assert answer.json() == {"count": 0, "value": []}


def test_resource_areas_point_to_the_organisation(devops: Organization) -> None:
    areas = devops.get("_apis/ResourceAreas", version="7.1-preview.1")["value"]
    assert {"core", "git", "wit", "Profile"} <= {one["name"] for one in areas}
    assert {one["locationUrl"] for one in areas} == {f"{devops.base}/"}


def test_every_client_of_the_workshop_can_be_built(devops: Organization) -> None:
    names = ["core", "git", "build", "pipelines", "service_endpoint", "task_agent", "test", "work_item_tracking"]
    for version in ("7.0", "7.1"):
        for name in names:
            assert devops.client(name, version).config.base_url.startswith(devops.sandbox.base)
    for name in ("pipeline_permissions", "pipelines_checks", "location", "operations", "profile"):
        assert devops.client(name, "7.1").config.base_url.startswith(devops.sandbox.base)


def test_connection_data_says_who_calls(devops: Organization) -> None:
    found = devops.get("_apis/ConnectionData", version="")
    assert found["authenticatedUser"] == found["authorizedUser"]
    assert found["authenticatedUser"]["properties"]["Account"]["$value"] == "ada@example.org"
    assert found["deploymentType"] == "hosted"
    data = devops.client("location", "7.1").get_connection_data()
    assert data.authenticated_user.id == found["authenticatedUser"]["id"]


def test_organisation_and_path_are_matched_whatever_their_case(devops: Organization) -> None:
    url = f"{devops.sandbox.base}/{ORGANIZATION.upper()}/_APIS/PROJECTS?api-version=7.1"
    assert requests.get(url, auth=("", devops.token), timeout=10).status_code == 200


def test_unknown_organisation(devops: Organization) -> None:
    url = f"{devops.sandbox.base}/nobody/_apis/projects?api-version=7.1"
    answer = requests.get(url, auth=("", devops.token), timeout=10)
    assert answer.status_code == 404
    assert "nobody" in answer.json()["message"]


# Credentials


def test_tokens_have_the_shape_that_clients_look_at(devops: Organization) -> None:
    assert len(devops.token) == 84
    assert devops.token[76:80] == "AZDO"


@pytest.mark.parametrize("auth", [None, ("", "wrong"), ("", "")])
def test_no_or_wrong_credentials_are_401_with_an_empty_body(devops: Organization, auth: Any) -> None:
    answer = devops.call("GET", "_apis/projects", auth=auth)
    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


def test_garbage_in_the_basic_header(devops: Organization) -> None:
    headers = {"authorization": "Basic !!!"}
    assert devops.call("GET", "_apis/projects", auth=_NoAuth(), headers=headers).status_code == 401


class _NoAuth(requests.auth.AuthBase):
    """Leaves the header that a test has set."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def test_any_user_name_goes_with_a_token_and_bearer_goes_too(devops: Organization) -> None:
    assert devops.call("GET", "_apis/projects", auth=("anybody", devops.token)).status_code == 200
    for value in (bearer(devops.sandbox)["authorization"], f"Bearer {devops.token}"):
        answer = devops.call("GET", "_apis/projects", auth=_NoAuth(), headers={"authorization": value})
        assert answer.status_code == 200
    refused = devops.call("GET", "_apis/projects", auth=_NoAuth(), headers={"authorization": "Bearer a.b.c"})
    assert refused.status_code == 401


def test_expired_token_says_so(devops: Organization) -> None:
    from azure.devops.exceptions import AzureDevOpsAuthenticationError

    expired = Organization(devops.sandbox, create_token(devops.sandbox, valid_to="2020-01-01T00:00:00Z"))
    answer = expired.call("GET", "_apis/projects")
    assert answer.status_code == 401
    assert answer.text == "Access Denied: The Personal Access Token used has expired."
    assert answer.headers["content-type"].startswith("text/plain")
    with pytest.raises(AzureDevOpsAuthenticationError, match="has expired"):
        expired.client("core").get_projects()


def test_scopes_are_kept(devops: Organization, project: str) -> None:
    reader = Organization(devops.sandbox, create_token(devops.sandbox, "vso.code"))
    assert reader.call("GET", f"{project}/_apis/git/repositories").status_code == 200
    assert reader.call("POST", f"{project}/_apis/git/repositories", {"name": "x"}).status_code == 401
    assert reader.call("GET", f"_apis/projects/{project}").status_code == 401
    assert reader.call("GET", "_apis/connectionData", version="7.1-preview").status_code == 200
    writer = Organization(devops.sandbox, create_token(devops.sandbox, "vso.code_write"))
    assert writer.call("POST", f"{project}/_apis/git/repositories", {"name": "x"}).status_code == 201


def test_tokens_are_listed_without_their_secret_and_revoked(devops: Organization) -> None:
    token = create_token(devops.sandbox)
    url = f"{devops.base}/_apis/tokens/pats?api-version=7.1-preview.1"
    rows = requests.get(url, headers=bearer(devops.sandbox), timeout=10).json()["patTokens"]
    assert token not in str(rows)
    newest = max(rows, key=lambda one: one["validFrom"])
    revoked = requests.delete(
        f"{url}&authorizationId={newest['authorizationId']}", headers=bearer(devops.sandbox), timeout=10
    )
    assert revoked.status_code == 204
    assert Organization(devops.sandbox, token).call("GET", "_apis/projects").status_code == 401
    by_token = requests.get(url, auth=("", devops.token), timeout=10)
    assert by_token.status_code == 400
    assert "Entra" in by_token.json()["message"]


def test_sign_in_page_by_switch(switches: Organization) -> None:
    """203 is a success to requests; the Python client cannot read it, and reports that."""
    from msrest.exceptions import DeserializationError

    switches.switch(refusal="203")
    wrong = Organization(switches.sandbox, "wrong")
    answer = wrong.call("GET", "_apis/projects")
    assert answer.status_code == 203
    assert answer.headers["content-type"].startswith("text/html")
    with pytest.raises(DeserializationError):
        wrong.client("core").get_projects()
    assert switches.call("GET", "_apis/projects").status_code == 200


def test_redirect_to_the_sign_in_page_by_switch(switches: Organization) -> None:
    switches.switch(refusal="302")
    answer = Organization(switches.sandbox, "wrong").call("GET", "_apis/projects")
    assert (answer.status_code, answer.headers["location"]) == (302, "/_signin")
    followed = requests.get(f"{switches.base}/_apis/projects", timeout=10)
    assert followed.status_code == 203
    assert "Sign In" in followed.text


def test_all_tokens_expired_by_switch(switches: Organization) -> None:
    switches.switch(tokens_expired=True)
    assert "has expired" in switches.call("GET", "_apis/projects").text


def test_switches_need_the_servers_secret_and_are_checked(switches: Organization) -> None:
    url = f"{switches.sandbox.base}/_sandbox/devops/switches"
    assert requests.patch(url, json={"throttle": 1}, timeout=10).status_code == 401
    headers = {"x-sandbox-secret": switches.sandbox.secret}
    for body in ({"throtle": 1}, {"throttle": True}, {"throttle": "1"}, {"refusal": "500"}):
        assert requests.patch(url, json=body, headers=headers, timeout=10).status_code == 400, body


# Versions


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_no_version_on_a_write(devops: Organization, method: str) -> None:
    path = "_apis/projects" if method == "POST" else "_apis/projects/x"
    answer = devops.call(method, path, {}, version="")
    assert answer.status_code == 400
    assert answer.json()["typeKey"] == "VssVersionNotSpecifiedException"
    assert f'"{method}"' in answer.json()["message"]


def test_no_version_on_a_read_is_served(devops: Organization) -> None:
    answer = devops.call("GET", "_apis/projects", version="")
    assert answer.headers["content-type"] == "application/json; charset=utf-8; api-version=7.1"


@pytest.mark.parametrize(
    ("path", "version", "key"),
    [
        ("_apis/projects", "7.2", "VssInvalidPreviewVersionException"),
        ("_apis/connectionData", "7.1", "VssInvalidPreviewVersionException"),
        ("_apis/projects", "9.0", "VssVersionOutOfRangeException"),
        ("_apis/projects", "0.9", "VssVersionOutOfRangeException"),
        ("_apis/distributedtask/resourceusage", "4.0-preview", "VssVersionOutOfRangeException"),
        ("_apis/projects", "seven", "VssVersionOutOfRangeException"),
    ],
)
def test_versions_that_are_refused(devops: Organization, path: str, version: str, key: str) -> None:
    answer = devops.call("GET", path, version=version)
    assert (answer.status_code, answer.json()["typeKey"]) == (400, key)


def test_version_in_the_accept_header(devops: Organization) -> None:
    headers = {"accept": "application/json;api-version=7.2-preview.4"}
    answer = devops.call("GET", "_apis/projects", version="", headers=headers)
    assert answer.headers["content-type"].endswith("api-version=7.2-preview.4")
    headers = {"accept": "application/json;api-version=7.2"}
    assert devops.call("GET", "_apis/projects", version="", headers=headers).status_code == 400


# Errors, throttling, headers


def test_errors_have_the_vendors_shape(devops: Organization) -> None:
    from azure.devops.exceptions import AzureDevOpsServiceError

    answer = devops.call("GET", "_apis/projects/Nope")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body = answer.json()
    assert body["$id"] == "1"
    assert body["typeKey"] == "ProjectDoesNotExistWithNameException"
    namespace = "Microsoft.TeamFoundation.Core.WebApi"
    assert body["typeName"] == f"{namespace}.ProjectDoesNotExistWithNameException, {namespace}"
    assert body["message"].startswith("TF200016: The following project does not exist: Nope.")
    with pytest.raises(AzureDevOpsServiceError, match="TF200016"):
        devops.client("core").get_project("Nope")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
def test_bodies_that_are_no_objects(devops: Organization, body: bytes) -> None:
    answer = requests.post(
        f"{devops.base}/_apis/projects?api-version=7.1", data=body, auth=("", devops.token), timeout=10
    )
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_paging_numbers_are_checked(devops: Organization) -> None:
    assert devops.call("GET", "_apis/projects?$top=many").status_code == 400


def test_too_many_calls_recover_in_the_python_client(switches: Organization) -> None:
    client = switches.client("core")
    switches.switch(throttle=1)
    answer = switches.call("GET", "_apis/projects")
    assert answer.status_code == 429
    assert "TF400733" in answer.json()["message"]
    assert answer.headers["retry-after"] == "1"
    assert {"x-ratelimit-resource", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= {
        name.lower() for name in answer.headers
    }
    switches.switch(throttle=1)
    assert client.get_processes()


def test_delayed_calls_carry_the_rate_limit_headers(switches: Organization) -> None:
    switches.switch(rate_delay=2.5)
    answer = switches.call("GET", "_apis/projects")
    assert answer.status_code == 200
    assert answer.headers["x-ratelimit-delay"] == "2.500"
    assert answer.headers["retry-after"] == "2"


def test_a_fault_on_one_operation_speaks_the_dialect(devops: Organization) -> None:
    headers = {"x-sandbox-secret": devops.sandbox.secret}
    fault = {"operation": "core_processes_list", "status": 403, "code": "AccessDenied", "message": "No."}
    url = f"{devops.sandbox.base}/_sandbox/faults"
    requests.post(url, json=fault, headers=headers, timeout=10).raise_for_status()
    answer = devops.call("GET", "_apis/process/processes")
    assert answer.status_code == 403
    assert (answer.json()["typeKey"], answer.json()["message"]) == ("AccessDenied", "No.")


def test_answers_say_who_and_in_which_session(devops: Organization) -> None:
    answer = devops.call("GET", "_apis/projects", headers={"X-TFS-Session": "a-session"})
    assert answer.headers["x-tfs-session"] == "a-session"
    assert answer.headers["x-vss-userdata"].endswith(":ada@example.org")
    assert answer.headers["activityid"]


def test_unmounted_operations_say_so(devops: Organization) -> None:
    answer = devops.call("GET", "x/_apis/wiki/wikis")
    assert answer.status_code == 501
    assert "GET" in answer.text


def test_no_secret_reaches_the_log(sandbox: Sandbox, devops: Organization) -> None:
    basic = base64.b64encode(f":{devops.token}".encode()).decode()
    devops.get("_apis/projects")
    log = (sandbox.state / "logs" / "sandbox.log").read_text()
    assert devops.token not in log
    assert basic not in log
