"""What runs leave: artifacts of both kinds, test results, coverage, attachments."""

import io
import zipfile
from typing import Any

import pytest

from tests.sdk.openapi import conforms
from tests.sdk.runs import Pipelines

PUBLISH = """
stages:
- stage: Build
  jobs:
  - job: Make
    steps:
    - checkout: none
    - bash: mkdir -p out/deep && echo model > out/model.txt && echo inner > out/deep/x.txt && echo > out/empty.txt
      displayName: Fill
    - publish: out
      artifact: drop
    - task: PublishBuildArtifacts@1
      inputs:
        PathtoPublish: out/model.txt
        ArtifactName: container
- stage: Use
  jobs:
  - job: Read
    steps:
    - checkout: none
    - download: current
      artifact: drop
    - bash: cat "$(Pipeline.Workspace)/drop/deep/x.txt"
      displayName: Read it
"""
JUNIT = """<testsuites><testsuite name="data" tests="3">
<testcase classname="checks.columns" name="test_names" time="0.25"/>
<testcase classname="checks.columns" name="test_types"><failure message="is text">File x, line 3</failure></testcase>
<testcase classname="checks.rows" name="test_count"><skipped/></testcase>
</testsuite></testsuites>
"""
COBERTURA = """<?xml version="1.0"?>
<coverage line-rate="0.8" lines-covered="8" lines-valid="10" branches-covered="1" branches-valid="4" version="1">
<packages/></coverage>
"""


def test_artifacts_of_both_kinds(pipelines: Pipelines) -> None:
    build = pipelines.run_to_end(PUBLISH)
    run = build["id"]
    assert build["result"] == "succeeded", pipelines.records(run)
    client = pipelines.organization.client("build")
    found = {one.name: one for one in client.get_artifacts(pipelines.project, run)}
    assert {name: one.resource.type for name, one in found.items()} == {
        "drop": "PipelineArtifact",
        "container": "Container",
    }
    assert found["container"].resource.data == f"#/{run}/container"
    assert found["drop"].source == pipelines.record(run, "Job", "Build.Make.__default")["id"]
    assert found["drop"].resource.properties["artifactsize"] == "13"
    for one in pipelines.organization.get(pipelines.path(f"build/builds/{run}/artifacts"))["value"]:
        conforms(one, "build", "BuildArtifact")
    assert "inner" in pipelines.log(run, "Read it")
    assert client.get_artifact(pipelines.project, run, "DROP").id == found["drop"].id


def test_artifact_as_zip_by_client_and_by_its_address(pipelines: Pipelines) -> None:
    import requests

    run = pipelines.run_to_end(PUBLISH)["id"]
    client = pipelines.organization.client("build")
    data = b"".join(client.get_artifact_content_zip(pipelines.project, run, "drop"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert sorted(archive.namelist()) == ["drop/deep/x.txt", "drop/empty.txt", "drop/model.txt"]
        assert archive.read("drop/model.txt") == b"model\n"
    address = client.get_artifact(pipelines.project, run, "drop").resource.download_url
    answer = requests.get(address, auth=("", pipelines.organization.token), timeout=30)
    assert answer.headers["content-type"].startswith("application/zip")
    assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None
    number = pipelines.build(run)["definition"]["id"]
    view = pipelines.path(f"pipelines/{number}/runs/{run}/artifacts?artifactName=drop&$expand=signedContent")
    signed = pipelines.organization.get(view)
    conforms(signed, "pipelines", "Artifact")
    again = requests.get(signed["signedContent"]["url"], auth=("", pipelines.organization.token), timeout=30)
    assert again.content[:2] == b"PK"
    missing = pipelines.organization.call("GET", pipelines.path(f"build/builds/{run}/artifacts?artifactName=nope"))
    assert (missing.status_code, missing.json()["typeKey"]) == (404, "ArtifactNotFoundException")


def test_pipeline_artifact_of_one_name_is_published_once(pipelines: Pipelines) -> None:
    yaml = "steps:\n- bash: echo a > a\n- publish: a\n  artifact: same\n- publish: a\n  artifact: same\n"
    build = pipelines.run_to_end(yaml)
    assert build["result"] == "failed"
    assert "Artifact same already exists" in str(pipelines.records(build["id"]))


def test_later_changes_of_a_file_do_not_reach_the_artifact(pipelines: Pipelines) -> None:
    yaml = "steps:\n- bash: echo before > a\n- publish: a\n  artifact: kept\n- bash: echo after > a\n"
    run = pipelines.run_to_end(yaml)["id"]
    client = pipelines.organization.client("build")
    data = b"".join(client.get_artifact_content_zip(pipelines.project, run, "kept"))
    assert zipfile.ZipFile(io.BytesIO(data)).read("kept/a") == b"before\n"


@pytest.fixture
def tested(pipelines: Pipelines) -> tuple[Pipelines, int]:
    files = {
        "azure-pipelines.yml": """
steps:
- task: PublishTestResults@2
  displayName: Publish
  inputs:
    testResultsFiles: results.xml
    testRunTitle: Data quality
- task: PublishCodeCoverageResults@2
  inputs:
    summaryFileLocation: coverage.xml
""",
        "results.xml": JUNIT,
        "coverage.xml": COBERTURA,
    }
    pipelines.push(files)
    run = pipelines.run(pipelines.create_existing("tested"))
    assert pipelines.finish(run)["result"] == "succeeded", pipelines.records(run)
    return pipelines, run


def test_test_runs_and_results(tested: tuple[Pipelines, int]) -> None:
    pipelines, run = tested
    client = pipelines.organization.client("test")
    uri = f"vstfs:///Build/Build/{run}"
    found = client.get_test_runs(pipelines.project, build_uri=uri, include_run_details=True)
    assert [(one.name, one.total_tests, one.passed_tests, one.unanalyzed_tests) for one in found] == [
        ("Data quality", 3, 1, 1)
    ]
    assert {one.outcome: one.count for one in found[0].run_statistics} == {"Passed": 1, "Failed": 1, "NotExecuted": 1}
    results = {one.test_case_title: one for one in client.get_test_results(pipelines.project, found[0].id)}
    assert results["test_names"].duration_in_ms == 250
    assert results["test_types"].automated_test_name == "checks.columns.test_types"
    assert (results["test_types"].error_message, results["test_types"].outcome) == ("is text", "Failed")
    failed = client.get_test_results(pipelines.project, found[0].id, outcomes=["Failed"])
    assert [one.test_case_title for one in failed] == ["test_types"]
    raw = pipelines.organization.get(pipelines.path(f"test/runs?buildUri={uri}&includeRunDetails=true"))["value"][0]
    conforms(raw, "test", "TestRun")
    assert raw["build"]["id"] == str(run)
    listed = pipelines.organization.get(pipelines.path(f"test/runs/{raw['id']}/results"))["value"]
    conforms(listed[1], "test", "TestCaseResult")
    assert client.get_test_run_statistics(pipelines.project, raw["id"]).run.id == str(raw["id"])
    assert client.get_test_runs(pipelines.project, build_uri="vstfs:///Build/Build/999999") == []
    summary = pipelines.organization.get(
        pipelines.path(f"test/ResultSummaryByBuild?buildId={run}"), version="7.1-preview.3"
    )
    assert summary["aggregatedResultsAnalysis"]["totalTests"] == 3


def test_code_coverage(tested: tuple[Pipelines, int]) -> None:
    pipelines, run = tested
    path = pipelines.path(f"test/codecoverage?buildId={run}")
    found = pipelines.organization.get(path, version="7.1-preview.1")
    conforms(found, "test", "CodeCoverageSummary")
    statistics = {one["label"]: one for one in found["coverageData"][0]["coverageStats"]}
    assert (statistics["Lines"]["covered"], statistics["Lines"]["total"]) == (8, 10)
    client = pipelines.organization.client("test", "7.1")
    assert [one.state for one in client.get_build_code_coverage(pipelines.project, run, 1)] == ["ok"]


def test_failing_tests_fail_the_step_when_asked(pipelines: Pipelines) -> None:
    yaml = """
steps:
- task: PublishTestResults@2
  inputs:
    testResultsFiles: results.xml
    failTaskOnFailedTests: true
"""
    pipelines.push({"azure-pipelines.yml": yaml, "results.xml": JUNIT})
    run = pipelines.run(pipelines.create_existing("strict"))
    assert pipelines.finish(run)["result"] == "failed"


def test_attachments(pipelines: Pipelines) -> None:
    yaml = """
steps:
- bash: |
    echo "# Result" > summary.md
    echo "##vso[task.uploadsummary]$PWD/summary.md"
    echo "##vso[task.addattachment type=plot;name=roc]$PWD/summary.md"
"""
    run = pipelines.run_to_end(yaml)["id"]
    client = pipelines.organization.client("build")
    found = client.get_attachments(pipelines.project, run, "plot")
    assert [one.name for one in found] == ["roc"]
    plan = pipelines.build(run)["plans"][0]["planId"]
    record = pipelines.record(run, "Task", "Bash")["id"]
    content = b"".join(client.get_attachment(pipelines.project, run, plan, record, "plot", "roc"))
    assert content == b"# Result\n"
    assert len(client.get_attachments(pipelines.project, run, "Distributedtask.Core.Summary")) == 1


def test_several_checkouts_and_another_repository(pipelines: Pipelines) -> None:
    made = pipelines.organization.post(pipelines.path("git/repositories"), {"name": "templates"})
    path = pipelines.path(f"git/repositories/{made['id']}/pushes")
    content = {"content": "steps:\n- bash: echo from another repository\n", "contentType": "rawtext"}
    change = {"changeType": "add", "item": {"path": "/say.yml"}, "newContent": content}
    update = {"name": "refs/heads/main", "oldObjectId": "0" * 40}
    body: dict[str, Any] = {"refUpdates": [update], "commits": [{"comment": "Say", "changes": [change]}]}
    pipelines.organization.post(path, body)
    yaml = """
resources:
  repositories:
  - repository: shared
    type: git
    name: templates
    ref: refs/heads/main
steps:
- checkout: self
- checkout: shared
- template: say.yml@shared
- bash: ls; test -f templates/say.yml
  displayName: Look
"""
    build = pipelines.run_to_end(yaml)
    assert build["result"] == "succeeded", pipelines.records(build["id"])
    assert "templates" in pipelines.log(build["id"], "Look").splitlines()
