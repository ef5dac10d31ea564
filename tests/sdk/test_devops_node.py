"""Microsoft's Node client, unmodified: it asks and reads otherwise than the Python client (azure-devops.md, 2.2).

It sends enumerations as numbers and dates as HTTP writes them, and makes null of every 404. The client is an npm
package, fetched once and kept in pytest's cache; without node or a registry the tests are skipped. It has no class for
operations, pipeline permissions, checks and approvals.
"""

import base64
import io
import json
import os
import subprocess
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.node import install_packages
from tests.sdk.devops import AGILE, Organization

SCRIPT = Path(__file__).with_name("devops_client.mjs")
PACKAGE = "azure-devops-node-api@17.0.1"
PATIENCE = 240
pytestmark = pytest.mark.xdist_group("devops-node")


@dataclass(frozen=True)
class Answers:
    """What one process of the client read, a part at a time."""

    project: str
    parts: dict[str, Any]

    def __getitem__(self, part: str) -> Any:
        found = self.parts[part]
        assert "error" not in found, f"{part}: {found['error']['statusCode']} {found['error']['stack']}"
        return found


@pytest.fixture(scope="module")
def node(devops: Organization, request: pytest.FixtureRequest) -> Answers:
    """One run of the script in a project of its own, which the script makes."""
    folder = install_packages(Path(request.config.cache.mkdir("azure-devops-node-api")), PACKAGE)
    project = f"Node-{uuid.uuid4().hex[:8]}"
    environment = {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        "NODE_EXTRA_CA_CERTS": devops.sandbox.environment["REQUESTS_CA_BUNDLE"],
        "AZURE_DEVOPS_EXT_PAT": devops.token,
    }
    command = ["node", str(SCRIPT), devops.base, project]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"
    return Answers(project, json.loads(done.stdout))


def test_connect(node: Answers, devops: Organization) -> None:
    data = devops.get("_apis/connectionData", version="")
    assert node["connect"]["user"] == data["authenticatedUser"]["providerDisplayName"]
    assert node["connect"]["instance"] == data["instanceId"]
    assert {"core", "git", "Build", "distributedtask", "serviceendpoint", "wit"} <= set(node["connect"]["areas"])


@pytest.mark.parametrize("call", ["connect", "projects", "bearer"])
def test_bad_token_is_401(node: Answers, call: str) -> None:
    assert node["refused"][call]["statusCode"] == 401


def test_project_is_created_and_read(node: Answers) -> None:
    core = node["core"]
    assert core["missing"] is None
    assert (core["operation"], core["twice"]["statusCode"]) == ("succeeded", 400)
    assert core["twice"]["message"].startswith("TF200019")
    project = core["project"]
    assert (project["name"], project["description"], project["state"]) == (node.project, "Made by node", "wellFormed")
    assert project["capabilities"]["processTemplate"] == {"templateName": "Agile", "templateTypeId": AGILE}
    assert core["dated"] is True
    assert node.project in core["names"]
    assert core["teams"] == [f"{node.project} Team"]
    assert set(core["processes"]) == {"Agile", "Basic", "Scrum", "CMMI"}
    assert core["visibilities"] == ["Private", "Public", "Private"]


def test_repositories(node: Answers) -> None:
    git = node["git"]
    assert (git["empty"], git["reread"]) == (0, "refs/heads/main")
    assert git["renamed"] == "third"
    assert (git["names"], git["left"]) == ([node.project, "third"], [node.project])
    assert git["gone"] is None


def test_push_refs_and_commits(node: Answers, devops: Organization) -> None:
    git = node["git"]
    pushed = git["pushed"]
    refs = devops.get(f"{node.project}/_apis/git/repositories/{node.project}/refs?filter=heads/main")["value"]
    assert [one["objectId"] for one in refs] == [pushed]
    assert git["refs"] == [["refs/heads/main", pushed]]
    assert git["history"] == [[pushed, "Add the pipeline"]]
    assert git["commit"] == {"comment": "Add the pipeline\n\nIt trains.", "dated": True}
    assert git["changes"] == ["/azure-pipelines.yml", "/results.xml"]
    assert git["branch"] == pushed
    assert git["topic"] == [True, "Succeeded"]
    assert git["stale"]["statusCode"] == 409
    assert git["stale"]["message"].startswith("TF401028")


def test_items(node: Answers) -> None:
    git = node["git"]
    assert git["items"] == [["/", "Tree"], ["/azure-pipelines.yml", "Blob"], ["/results.xml", "Blob"]]
    assert (git["item"], git["stream"], git["text"]) == (True, True, True)
    assert git["missing"] is None


def test_changes_versions_and_dates_as_node_writes_them(node: Answers) -> None:
    edits = node["git"]["edits"]
    assert (edits["before"], edits["moved"]) == (["/results.xml"], ["/data/results.xml"])
    assert edits["raw"] == [0, 1]
    assert edits["kinds"] == [["/data/results.xml", "Rename"], ["/raw.bin", "Add"]]
    assert edits["pushes"] == [True, False, False]
    assert edits["later"] == []


def test_service_endpoints(node: Answers) -> None:
    found = node["endpoints"]
    assert found["listed"] == found["byName"] == [found["id"]]
    assert found["changed"] == found["details"]["description"] == "Changed"
    parameters = found["details"]["authorization"]["parameters"]
    assert parameters["serviceprincipalkey"] is None
    assert found["details"]["isReady"] is True
    assert found["left"] == []
    assert found["types"] == ["AzureRM"]


def test_variable_groups(node: Answers) -> None:
    found = node["taskAgent"]
    assert found["variables"] == {"colour": {"value": "green"}, "key": {"value": None, "isSecret": True}}
    assert found["read"] == "green"
    assert (found["groups"], found["byId"]) == (["node-z", "node-settings"], ["node-settings"])
    assert found["gone"] is None


def test_environments_and_queues(node: Answers) -> None:
    found = node["taskAgent"]
    assert (found["environment"], found["dated"], found["expanded"]) == ("Second", True, [])
    assert (found["environments"], found["left"]) == (["node-production", "node-staging"], ["node-production"])
    assert found["twice"]["statusCode"] == 409
    assert ["Azure Pipelines", True] in found["queues"]
    assert "Azure Pipelines" in found["pools"]


def test_definitions(node: Answers) -> None:
    found = node["build"]["definition"]
    assert (found["file"], found["status"], found["dated"]) == ("/azure-pipelines.yml", "Enabled", True)
    assert found["listed"] == ["node-build"]
    assert (found["revisions"], found["renamed"]) == ([1, 2], "node-renamed")
    assert found["missing"] is None


def test_build_waits_for_its_permissions_and_ends(node: Answers) -> None:
    build = node["build"]
    assert build["queued"] == ["NotStarted", "Manual"]
    assert build["closed"] == ["InProgress", None]
    assert sorted(build["permitted"]) == [["environment", True], ["variablegroup", True]]
    status, result, number = build["ended"]
    assert (status, result, build["dated"]) == ("Completed", "Succeeded", True)
    assert number.endswith(".1")
    assert build["source"] == node["git"]["pushed"]
    assert build["stages"] == [["Train", "Completed", "Succeeded"], ["Production", "Completed", "Succeeded"]]
    assert build["deployments"] == [["Production", "Ship", "Succeeded"]]


def test_lists_of_builds(node: Answers) -> None:
    build = node["build"]
    assert build["cancelled"] == "Canceled"
    assert build["newestFirst"] == [0, -1]
    assert build["succeeded"] == [True]
    assert build["later"] == build["earlier"] == []
    assert build["missing"] is None
    assert build["refused"]["statusCode"] == 400


def test_logs(node: Answers) -> None:
    build = node["build"]
    assert build["logs"] is True
    assert "alpha 1 colour green" in [line.partition(" ")[2] for line in build["lines"]]
    assert build["log"].splitlines() == build["lines"]


def test_artifact_is_a_zip(node: Answers) -> None:
    build = node["build"]
    assert build["artifacts"] == [["drop", "PipelineArtifact"]]
    assert build["artifact"] is True
    assert unzip(build["zip"]) == {"drop/deep/model.txt": "alpha 1 colour green\n"}
    assert (build["tags"], build["changes"]) == (["node"], ["Add the pipeline"])


def unzip(text: str) -> dict[str, str]:
    """The files of a zip that came in base64."""
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(text))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_test_results(node: Answers) -> None:
    found = node["build"]["tests"]
    assert (found["run"], found["read"]) == (["Data quality", 2, 1], "Data quality")
    assert dict(found["statistics"]) == {"Passed": 1, "Failed": 1}
    assert [row[:2] for row in found["results"]] == [["test_names", "Passed"], ["test_types", "Failed"]]
    assert found["results"][0][2] == 250
    assert found["failed"] == ["test_types"]
    assert found["elsewhere"] == found["coverage"] == []


def test_pipelines(node: Answers) -> None:
    found = node["pipelines"]
    assert found["pipeline"] == "node-pipeline"
    assert found["names"] == ["node-pipeline", "node-renamed"]
    assert "alpha 7 colour $(colour)" in found["preview"]
    assert found["run"] == ["InProgress", {"alpha": "7"}]
    assert found["ended"] == ["Completed", "Succeeded", True]
    assert (found["runs"], found["log"], found["artifact"]) == ([True], True, ["drop", True])
    assert unzip(found["zip"]) == {"drop/deep/model.txt": "alpha 7 colour green\n"}
    assert found["unknownParameter"]["statusCode"] == 400


def test_work_items(node: Answers) -> None:
    found = node["workItems"]
    assert (found["fields"]["System.State"], found["fields"]["System.TeamProject"]) == ("New", node.project)
    assert found["changed"] == [2, "Active"]
    assert found["found"] == [True, False]
    assert found["listed"] == [{"System.Title": "Too slow"}, {"System.Title": "Train"}]
    assert found["batch"] == ["Too slow", "Train"]
    assert "User Story" in found["types"]
    assert found["gone"] is found["refused"]["answered"] is None
