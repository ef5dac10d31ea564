"""Azure DevOps' wire as the checker reads it: refusals, pages, and documents in the shapes of the contract."""

import json
from dataclasses import replace
from typing import Any

import pytest
from checker_wire import Answer, Wire, make_devops_settings, make_settings

from checker.checks import CHECKS
from checker.checks.runs import first_broken
from checker.checks.triggers import NotReadHere, read_trigger, read_variable
from checker.clients.cloud import Cloud
from checker.clients.devops import DevOpsClient, Workplace, definition, record
from checker.clients.http import HttpClient
from checker.clients.identity import Tokens
from checker.clients.organization import Organization
from checker.context import CheckContext
from checker.errors import Forbidden, NotSignedIn, ServiceFault, Throttled, TokenRefused, Unreachable
from checker.masking import MASK, Secrets
from checker.model import Waiting

TOKEN = "a-personal-access-token-of-ada"
HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/json; charset=utf-8"}


@pytest.fixture
def client(wire: Wire) -> DevOpsClient:
    http = HttpClient(Secrets(), sleep=[].append)
    return DevOpsClient(Organization(http, f"{wire.base}/ada", TOKEN), "AI Dev")


def document(content: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, json.dumps(content).encode(), {**JSON, **headers})


@pytest.mark.parametrize(
    "answer",
    [
        Answer(203, b"<html>Sign In</html>", HTML),
        Answer(302, b"", {"Location": "https://evil.example/_signin"}),
        Answer(200, b"<html>Sign In</html>", HTML),
        Answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'}),
        Answer(401, b"Access Denied: The Personal Access Token used has expired.", {"Content-Type": "text/plain"}),
    ],
)
def test_every_form_of_a_refused_token(wire: Wire, client: DevOpsClient, answer: Answer) -> None:
    """203 is a success to requests, and 302 would lead it to a page: neither is data, and neither is followed."""
    wire.queue(answer)
    with pytest.raises(TokenRefused) as caught:
        client.list_definitions()
    assert len(wire.asked) == 1
    assert "refused" in caught.value.seen or "expired" in caught.value.seen
    assert "Build (Read)" in caught.value.expected
    assert caught.value.commands


def test_token_goes_by_basic_and_is_masked_in_both_forms(wire: Wire) -> None:
    secrets = Secrets()
    client = DevOpsClient(Organization(HttpClient(secrets), f"{wire.base}/ada", TOKEN), "AI Dev")
    wire.queue(document({"value": []}))
    client.list_repositories()
    method, path, headers = wire.asked[0]
    assert (method, path) == ("GET", "/ada/AI%20Dev/_apis/git/repositories?api-version=7.1")
    assert headers["X-TFS-FedAuthRedirect"] == "Suppress"
    sent = headers["Authorization"]
    assert sent.startswith("Basic ")
    assert secrets.mask(f"{TOKEN} {sent}") == f"{MASK} Basic {MASK}"


def test_403_names_the_scope_and_not_the_attendee(wire: Wire, client: DevOpsClient) -> None:
    wire.queue(document({"message": "TF401027: You need the permission.", "typeKey": "X"}, 403))
    with pytest.raises(Forbidden) as caught:
        client.list_connections()
    assert "TF401027" in caught.value.seen
    assert "Service Connections (Read)" in caught.value.expected


def test_429_is_waited_out_then_unknown(wire: Wire, client: DevOpsClient) -> None:
    wire.queue(Answer(429, b"", {"Retry-After": "2"}), document({"value": [{"name": "drop"}]}))
    assert client.list_artifacts("1") == ["drop"]
    wire.queue(Answer(429, b"", {"Retry-After": "900"}))
    with pytest.raises(Throttled) as caught:
        client.list_artifacts("1")
    assert "900 s" in caught.value.seen


def test_other_answers_are_faults_with_the_services_words(wire: Wire, client: DevOpsClient) -> None:
    wire.queue(document({"message": "VS403430: bad version\nmore"}, 400))
    with pytest.raises(ServiceFault, match="VS403430: bad version") as caught:
        client.list_runs()
    assert "more" not in caught.value.seen
    wire.queue(Answer(200, b"not json", JSON))
    with pytest.raises(ServiceFault, match="not JSON"):
        client.list_runs()


def test_nobody_listens(free_port: int) -> None:
    organization = Organization(HttpClient(Secrets()), f"https://127.0.0.1:{free_port}/ada", TOKEN)
    with pytest.raises(Unreachable, match="nothing listens"):
        DevOpsClient(organization, "P").get_workplace()


def test_without_token_or_organisation_nothing_is_sent(wire: Wire) -> None:
    http = HttpClient(Secrets())
    with pytest.raises(NotSignedIn) as caught:
        DevOpsClient(Organization(http, f"{wire.base}/ada", None), "P").list_runs()
    assert "AZURE_DEVOPS_EXT_PAT" in caught.value.expected
    settings = make_devops_settings()
    with pytest.raises(NotSignedIn, match="no organisation"):
        DevOpsClient(Organization(http, settings.organization, TOKEN), settings.project).list_runs()
    assert wire.asked == []


def test_remedy_names_the_page_for_tokens_on_the_cloud() -> None:
    organization = Organization(HttpClient(Secrets()), "https://dev.azure.com/ada", None)
    with pytest.raises(NotSignedIn) as caught:
        organization.get("_apis/projects", "x")
    assert "https://dev.azure.com/ada/_usersSettings/tokens" in caught.value.commands[0]


def test_pages_are_joined_by_the_header_and_bounded(wire: Wire, client: DevOpsClient) -> None:
    wire.queue(
        document({"value": [{"name": "a"}]}, **{"x-ms-continuationtoken": "7"}), document({"value": [{"name": "b"}]})
    )
    assert [one.name for one in client.list_environments()] == ["a", "b"]
    assert "continuationToken=7" in wire.asked[1][1]
    wire.queue(*[document({"value": [{"name": "a"}]}, **{"x-ms-continuationtoken": "7"})] * 9)
    assert len(client.list_environments()) == 5


def test_project_organisation_and_neither(wire: Wire, client: DevOpsClient) -> None:
    """One call tells all three: a missing project has a type, a missing organisation has none."""
    capabilities = {"processTemplate": {"templateName": "Agile"}, "versioncontrol": {"sourceControlType": "Git"}}
    found = {"name": "AI Dev", "state": "wellFormed", "visibility": "private", "capabilities": capabilities}
    wire.queue(document(found, **{"X-VSS-UserData": "guid:ada@example.org"}))
    there = client.get_workplace()
    assert (there.exists, there.user) == (True, "ada@example.org")
    assert there.project is not None
    assert (there.project.process, there.project.source_control) == ("Agile", "Git")
    wire.queue(document({"message": "TF200016", "typeKey": "ProjectDoesNotExistWithNameException"}, 404))
    assert client.get_workplace() == Workplace(True, "", None)
    wire.queue(Answer(404, b"<html>", HTML))
    assert not client.get_workplace().exists


def test_run_in_the_services_shape(wire: Wire, client: DevOpsClient) -> None:
    """Seven digits of a second, fields left out while they are not known, newest first whatever the order."""
    older = {
        "id": 125,
        "buildNumber": "20250110.1",
        "status": "completed",
        "result": "partiallySucceeded",
        "queueTime": "2025-01-10T12:22:41.5428649Z",
        "definition": {"id": 47},
        "reason": "individualCI",
        "sourceBranch": "refs/heads/main",
        "sourceVersion": "a" * 40,
        "triggerInfo": {"ci.message": "Change alpha"},
    }
    newer = {"id": 126, "status": "notStarted", "queueTime": "2025-01-10T12:22:41.71Z", "definition": {"id": 47}}
    wire.queue(document({"count": 2, "value": [older, newer]}))
    found = client.list_runs()
    assert [run.id for run in found] == ["126", "125"]
    assert [run.succeeded for run in found] == [False, True]
    assert (found[1].branch, found[1].message, found[1].definition) == ("main", "Change alpha", "47")


def test_timeline_that_is_not_there_yet(wire: Wire, client: DevOpsClient) -> None:
    wire.queue(Answer(204, b""), document({"records": None}), document({"message": "x"}, 404))
    assert [client.get_timeline("1") for _ in range(3)] == [[], [], []]


def test_connection_parameters_are_read_whatever_their_case(wire: Wire, client: DevOpsClient) -> None:
    parameters = {"WorkloadIdentityFederationIssuer": "https://vstoken.dev.azure.com/x", "tenantid": None}
    wire.queue(document({"value": [{"name": "c", "authorization": {"scheme": "s", "parameters": parameters}}]}))
    assert client.list_connections()[0].issuer == "https://vstoken.dev.azure.com/x"


@pytest.mark.parametrize(
    ("triggers", "overridden"),
    [
        (None, False),
        ([], False),
        ([{"triggerType": "continuousIntegration", "settingsSourceType": 2}], False),
        ([{"triggerType": "continuousIntegration", "settingsSourceType": 1}], True),
        ([{"triggerType": "schedule", "settingsSourceType": 1}], False),
    ],
)
def test_trigger_set_in_the_portal(triggers: object, overridden: bool) -> None:
    assert definition({"triggers": triggers}).overridden is overridden


def test_first_error_is_the_earliest_of_the_steps() -> None:
    issues = [{"type": "warning", "message": "w"}, {"type": "error", "message": "first"}]
    rows = [
        {"type": "Stage", "name": "S", "result": "failed", "finishTime": "2025-01-10T12:00:00Z"},
        {"type": "Task", "name": "late", "result": "failed", "finishTime": "2025-01-10T12:02:00Z"},
        {
            "type": "Task",
            "name": "early",
            "result": "failed",
            "finishTime": "2025-01-10T12:01:00.1234567Z",
            "issues": issues,
        },
        {"type": "Task", "name": "fine", "result": "succeeded", "finishTime": "2025-01-10T11:00:00Z"},
    ]
    found = first_broken([record(row) for row in rows])
    assert found is not None
    assert (found.name, found.errors) == ("early", ("first",))
    assert first_broken([]) is None


@pytest.mark.parametrize(
    ("source", "starts", "not_on"),
    [
        ("stages: []\n", ["main", "anything/else"], []),
        ("trigger: none\nstages: []\n", [], ["main"]),
        ("trigger: main\n", ["main"], ["dev"]),
        ("trigger: [ main , 'dev' ]  # two\n", ["main", "dev"], ["master"]),
        ("trigger:\n- main\n- releases/*\nsteps:\n- script: x\n", ["main", "releases/1"], ["dev"]),
        ("trigger:\n  branches:\n    include:\n      - main\n  paths:\n    include: [src]\n", ["main"], ["dev"]),
        ("trigger:\n  branches:\n    include:\n    - refs/heads/main\n", ["main"], ["dev"]),
        ("trigger:\n  branches:\n    exclude:\n    - old/*\n", ["main"], ["old/1"]),
        ("trigger:\n  batch: true\n  paths:\n    include:\n      - x\n", ["main"], []),
        ("trigger:\n  branches:\n    include: ['*']\n    exclude: [main]\n", ["dev"], ["main"]),
        ("# trigger: none\ntrigger:\n\n  # a comment\n  branches:\n    include: [main]\n", ["main"], ["dev"]),
        ("steps:\n- script: |\n    trigger: none\n", ["main"], []),
        ("trigger: {branches: {include: [main]}}\n", ["main"], ["dev"]),
        ("trigger: [main,\n  dev]\n", ["main", "dev"], ["master"]),
    ],
)
def test_triggers_of_every_form_that_is_taught(source: str, starts: list[str], not_on: list[str]) -> None:
    found = read_trigger(source)
    assert all(found.starts_on(branch) for branch in starts)
    assert not any(found.starts_on(branch) for branch in not_on)


@pytest.mark.parametrize(
    "source",
    [
        "trigger:\n  ${{ if eq(1, 1) }}:\n    branches: main\n",
        "trigger:\n- name: main\n",
        "trigger: [main\n",
    ],
)
def test_trigger_of_another_form_is_not_guessed(source: str) -> None:
    with pytest.raises(NotReadHere):
        read_trigger(source)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("variables:\n  workshop.suffix: abc\n", "abc"),
        ("variables:\n  workshop.suffix: 'abc'   # yours\n", "abc"),
        ("variables:\n- name: workshop.suffix\n  value: abc\n- name: other\n  value: x\n", "abc"),
        ("variables:\n- name: 'workshop.suffix'\r\n  value: \"abc\"\r\n", "abc"),
        ("variables:\n  workshop.suffixes: abc\n", None),
        ("variables:\n  # workshop.suffix: abc\n  other: $(workshop.suffix)\n", None),
    ],
)
def test_variable_in_both_forms(source: str, value: str | None) -> None:
    assert read_variable(source, "workshop.suffix") == value


@pytest.mark.parametrize("name", ["azure-pipelines.yml", "solution/azure-pipelines.yml"])
def test_the_workshops_own_files_are_read(name: str) -> None:
    from checker_wire import WORKSHOP

    source = (WORKSHOP.parent / name).read_text(encoding="utf-8")
    assert read_trigger(source).starts_on("main")
    assert not read_trigger(source).starts_on("master")
    assert read_variable(source, "workshop.suffix") == "abc"


@pytest.mark.parametrize(("state", "part"), [("InProgress", "InProgress"), ("", "not ready")])
def test_connection_that_is_being_made_is_waited_for(wire: Wire, state: str, part: str) -> None:
    settings = replace(make_settings(), devops=make_devops_settings(f"{wire.base}/ada", TOKEN))
    cloud = Cloud("Test", wire.base, "core.windows.net")
    secrets = Secrets()
    tokens = Tokens(cloud, secrets, client_secret=True)
    context = CheckContext(settings, cloud, HttpClient(secrets), tokens, seed=1)
    status = {"operationStatus": {"state": state}} if state else {}
    wire.queue(document({"value": [{"name": "myazuresubscription", "isReady": False, **status}]}))
    with pytest.raises(Waiting) as caught:
        CHECKS["CON002"].run(context)
    assert part in caught.value.finding.seen
