"""Runs: queued, followed, cancelled, retried, found again; what they print and what stays secret."""

import re
from typing import Any

import psutil
import pytest

from tests.sdk.devops import ORGANIZATION, wait_for
from tests.sdk.openapi import conforms
from tests.sdk.runs import HELLO, Pipelines

TWO_STAGES = """
stages:
- stage: Train
  displayName: Train, evaluate and register
  jobs:
  - job: Fit
    steps:
    - bash: echo "##vso[task.setvariable variable=model;isOutput=true]m-7"
      name: out
      displayName: Fit it
- stage: Ship
  jobs:
  - job: Go
    variables:
      model: $[ stageDependencies.Train.Fit.outputs['out.model'] ]
    steps:
    - checkout: none
    - bash: echo "model $(model)"
      displayName: Show
"""
FLAKY = """
stages:
- stage: Good
  jobs:
  - job: A
    steps:
    - bash: echo "##vso[task.setvariable variable=x;isOutput=true]kept"
      name: s
- stage: Bad
  dependsOn: Good
  jobs:
  - job: B
    variables:
      x: $[ stageDependencies.Good.A.outputs['s.x'] ]
    steps:
    - bash: |
        echo "attempt $(System.StageAttempt) $(x)"
        test "$(System.StageAttempt)" -gt 1
      displayName: Try
- stage: After
  dependsOn: Bad
  jobs:
  - job: C
    steps:
    - bash: echo after
"""


def test_run_by_the_pipelines_client(pipelines: Pipelines) -> None:
    number = pipelines.create(HELLO, name="ML pipeline")
    client = pipelines.organization.client("pipelines")
    run = client.run_pipeline({}, pipelines.project, number)
    assert (run.state, run.result) == ("inProgress", None)
    assert re.fullmatch(r"\d{8}\.1", run.name)
    assert pipelines.finish(run.id)["result"] == "succeeded"
    found = client.get_run(pipelines.project, number, run.id)
    assert (found.state, found.result, found.name) == ("completed", "succeeded", run.name)
    assert [one.id for one in client.list_runs(pipelines.project, number)] == [run.id]
    raw = pipelines.organization.get(pipelines.path(f"pipelines/{number}/runs/{run.id}"))
    own = raw["resources"]["repositories"]["self"]
    assert own["refName"] == "refs/heads/main"
    assert re.fullmatch("[0-9a-f]{40}", own["version"])
    conforms({key: value for key, value in raw.items() if key != "resources"}, "pipelines", "Run")


def test_build_by_the_build_client(pipelines: Pipelines) -> None:
    number = pipelines.create()
    client = pipelines.organization.client("build")
    queued = client.queue_build({"definition": {"id": number}, "sourceBranch": "main"}, pipelines.project)
    assert (queued.status, queued.source_branch, queued.reason) == ("notStarted", "refs/heads/main", "manual")
    assert queued.build_number
    pipelines.finish(queued.id)
    found = client.get_build(pipelines.project, queued.id)
    assert (found.status, found.result) == ("completed", "succeeded")
    assert found.start_time <= found.finish_time
    assert found.requested_by.id == found.requested_for.id == pipelines.me["id"]
    raw = pipelines.build(queued.id)
    assert raw["triggerInfo"] == {}
    assert raw["uri"] == f"vstfs:///Build/Build/{queued.id}"
    assert raw["_links"]["web"]["href"].endswith(f"_build/results?buildId={queued.id}")
    conforms(raw, "build", "Build")


def test_timeline_says_what_ran(pipelines: Pipelines) -> None:
    build = pipelines.run_to_end(TWO_STAGES)
    run = build["id"]
    timeline = pipelines.organization.get(pipelines.path(f"build/builds/{run}/timeline"))
    conforms(timeline, "build", "Timeline")
    assert timeline["id"] == build["plans"][0]["planId"]
    stage = pipelines.record(run, "Stage", "Train")
    assert (stage["name"], stage["order"], stage["attempt"]) == ("Train, evaluate and register", 1, 1)
    phase = pipelines.record(run, "Phase", "Train.Fit")
    job = pipelines.record(run, "Job", "Train.Fit.__default")
    task = pipelines.record(run, "Task", "Fit it")
    assert [phase["parentId"], job["parentId"], task["parentId"]] == [stage["id"], phase["id"], job["id"]]
    assert task["task"]["name"] == "Bash"
    assert {one["state"] for one in timeline["records"]} == {"completed"}
    assert {one["result"] for one in timeline["records"]} == {"succeeded"}
    names = [one["name"] for one in pipelines.records(run) if one["parentId"] == job["id"]]
    assert sorted(names) == ["Checkout self", "Finalize Job", "Fit it", "Initialize job"]
    assert pipelines.log(run, "Show").count("model m-7") == 1
    by_client = pipelines.organization.client("build").get_build_timeline(pipelines.project, run)
    assert len(by_client.records) == len(timeline["records"])
    assert job["workerName"]
    assert "resultCode" in job
    assert job["resultCode"] is None


def test_steps_only_is_one_default_stage(pipelines: Pipelines) -> None:
    run = pipelines.run_to_end(HELLO)["id"]
    kinds = {one["type"]: one for one in pipelines.records(run)}
    assert kinds["Stage"]["identifier"] == kinds["Stage"]["name"] == "__default"
    assert (kinds["Phase"]["name"], kinds["Job"]["identifier"]) == ("Job", "Job.__default")


def test_logs_by_lines_text_and_zip(pipelines: Pipelines, tmp_path: Any) -> None:
    import zipfile

    run = pipelines.run_to_end("steps:\n- bash: for i in $(seq 1 40); do echo line-$i; done\n")["id"]
    client = pipelines.organization.client("build")
    logs = client.get_build_logs(pipelines.project, run)
    task = pipelines.record(run, "Task", "Bash")["log"]["id"]
    count = next(one.line_count for one in logs if one.id == task)
    lines = client.get_build_log_lines(pipelines.project, run, task)
    assert len(lines) == count > 40
    first = next(index for index, line in enumerate(lines, 1) if line.endswith("line-10"))
    part = client.get_build_log_lines(pipelines.project, run, task, start_line=first, end_line=first + 2)
    assert [one.partition(" ")[2] for one in part] == ["line-10", "line-11", "line-12"]
    path = pipelines.path(f"build/builds/{run}/logs/{task}")
    text = pipelines.organization.call("GET", path, headers={"accept": "text/plain"})
    assert text.headers["content-type"].startswith("text/plain")
    assert text.text.splitlines() == lines
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z ", text.text)
    ranged = pipelines.organization.call("GET", f"{path}?startLine={first}&endLine={first}")
    assert ranged.text.endswith("line-10\n")
    packed = pipelines.organization.call("GET", pipelines.path(f"build/builds/{run}/logs?$format=zip"))
    (tmp_path / "logs.zip").write_bytes(packed.content)
    with zipfile.ZipFile(tmp_path / "logs.zip") as archive:
        assert archive.read(f"{task}.txt").decode() == text.text
    job = pipelines.record(run, "Job", "Job.__default")["log"]["id"]
    assert "line-40" in pipelines.organization.call("GET", pipelines.path(f"build/builds/{run}/logs/{job}")).text
    assert pipelines.organization.call("GET", pipelines.path(f"build/builds/{run}/logs/999")).status_code == 404


def test_logs_and_runs_of_the_pipelines_view(pipelines: Pipelines) -> None:
    number = pipelines.create()
    run = pipelines.run(number)
    pipelines.finish(run)
    base = f"pipelines/{number}/runs/{run}"
    found = pipelines.organization.get(pipelines.path(f"{base}/logs?$expand=signedContent"))
    conforms(found, "pipelines", "LogCollection")
    one = pipelines.organization.get(pipelines.path(f"{base}/logs/{found['logs'][0]['id']}?$expand=signedContent"))
    assert one["signedContent"]["url"].endswith(f"/logs/{one['id']}")
    assert pipelines.organization.call("GET", pipelines.path(f"pipelines/99999/runs/{run}")).status_code == 404


def test_parameters_variables_and_stages_to_skip(pipelines: Pipelines) -> None:
    yaml = """
parameters:
- name: size
  type: number
  default: 1
stages:
- stage: A
  jobs:
  - job: J
    steps:
    - bash: echo "size ${{ parameters.size }} colour $(colour) debug $(System.Debug)"
- stage: B
  dependsOn: []
  jobs:
  - job: J
    steps:
    - bash: echo never
"""
    number = pipelines.create(yaml)
    path = pipelines.path(f"build/definitions/{number}")
    definition = pipelines.organization.get(path)
    definition["variables"] = {"colour": {"value": "red", "allowOverride": True}, "fixed": {"value": "1"}}
    assert pipelines.organization.call("PUT", path, definition).ok
    body = {"templateParameters": {"size": 3}, "variables": {"colour": {"value": "blue"}}, "stagesToSkip": ["B"]}
    run = pipelines.run(number, body)
    assert pipelines.finish(run)["result"] == "succeeded"
    assert "size 3 colour blue" in pipelines.log(run, "Bash")
    assert pipelines.record(run, "Stage", "B")["result"] == "skipped"
    runs = pipelines.path(f"pipelines/{number}/runs")
    refused = pipelines.organization.call("POST", runs, {"variables": {"fixed": {"value": "2"}}})
    assert (refused.status_code, refused.json()["typeKey"]) == (400, "PipelineValidationException")
    assert "You can't set the following variables (fixed)" in refused.json()["message"]
    wrong = pipelines.organization.call("POST", runs, {"templateParameters": {"size": "many"}})
    assert wrong.status_code == 400
    unknown = pipelines.organization.call("POST", runs, {"stagesToSkip": ["Z"]})
    assert "it has A, B" in unknown.json()["message"]


def test_branch_and_commit_of_a_run(pipelines: Pipelines) -> None:
    number = pipelines.create("steps:\n- bash: echo first\n")
    old = pipelines.push("steps:\n- bash: echo second\n")
    pipelines.push("steps:\n- bash: echo third\n")
    at_commit = pipelines.run(number, {"resources": {"repositories": {"self": {"version": old}}}})
    assert pipelines.finish(at_commit)["sourceVersion"] == old
    assert "second" in pipelines.log(at_commit, "Bash")
    answer = pipelines.organization.call(
        "POST",
        pipelines.path(f"pipelines/{number}/runs"),
        {"resources": {"repositories": {"self": {"refName": "refs/heads/nowhere"}}}},
    )
    assert answer.status_code == 400
    assert "refs/heads/nowhere" in answer.json()["message"]


def test_preview_expands_and_starts_nothing(pipelines: Pipelines) -> None:
    number = pipelines.create("parameters:\n- name: n\n  default: x\nsteps:\n- script: echo ${{ parameters.n }}\n")
    client = pipelines.organization.client("pipelines")
    body = {"previewRun": True, "templateParameters": {"n": "yy"}}
    final = client.preview(body, pipelines.project, number).final_yaml
    assert "stages:" in final
    assert "script: echo yy" in final
    same = pipelines.organization.post(pipelines.path(f"pipelines/{number}/runs"), body)
    assert same["finalYaml"] == final
    override = {"previewRun": True, "yamlOverride": "steps:\n- bogus: 1\n"}
    answer = pipelines.organization.call("POST", pipelines.path(f"pipelines/{number}/preview"), override)
    assert answer.status_code == 400
    assert "Line: 2" in answer.json()["message"]
    assert pipelines.builds() == []


def test_templates_come_from_the_repository(pipelines: Pipelines) -> None:
    files = {
        "azure-pipelines.yml": "steps:\n- template: steps/say.yml\n  parameters:\n    what: hi\n",
        "steps/say.yml": "parameters:\n- name: what\nsteps:\n- bash: echo said ${{ parameters.what }}\n",
    }
    pipelines.push(files)
    run = pipelines.run(pipelines.create_existing("templated"))
    assert pipelines.finish(run)["result"] == "succeeded"
    assert "said hi" in pipelines.log(run, "Bash")


def test_failing_step_fails_the_run_with_its_issue(pipelines: Pipelines) -> None:
    yaml = "steps:\n- bash: echo '##vso[task.logissue type=error;sourcepath=a.py;linenumber=3]broken'; exit 3\n"
    build = pipelines.run_to_end(yaml)
    assert (build["status"], build["result"]) == ("completed", "failed")
    task = pipelines.record(build["id"], "Task", "Bash")
    assert (task["result"], task["errorCount"]) == ("failed", 2)
    assert task["issues"][0]["message"] == "broken"
    assert task["issues"][0]["data"]["linenumber"] == "3"
    assert "exit" in task["issues"][1]["message"].lower()
    run = pipelines.organization.get(pipelines.path(f"build/builds/{build['id']}"))
    assert run["result"] == "failed"


def test_warnings_make_it_partially_succeeded(pipelines: Pipelines) -> None:
    build = pipelines.run_to_end("steps:\n- bash: exit 1\n  continueOnError: true\n- bash: echo on\n")
    assert build["result"] == "partiallySucceeded"
    number = build["definition"]["id"]
    view = pipelines.organization.get(pipelines.path(f"pipelines/{number}/runs/{build['id']}"))
    assert view["result"] == "succeeded"  # runs know no partial success (3.5)


def test_cancel_ends_a_run_and_its_processes(pipelines: Pipelines) -> None:
    number = pipelines.create("steps:\n- bash: echo started; sleep 300\n- bash: echo never\n")
    run = pipelines.run(number)
    wait_for(lambda: _log_if_any(pipelines, run, "Bash"), lambda text: "started" in text)
    client = pipelines.organization.client("build")
    assert client.update_build({"status": "cancelling"}, pipelines.project, run).status == "cancelling"
    build = pipelines.finish(run)
    other = pipelines.run(number)
    assert (
        pipelines.organization.patch(pipelines.path(f"build/builds/{other}"), {"status": 4})["status"] != "notStarted"
    )
    assert pipelines.finish(other)["result"] == "canceled"  # 4 is cancelling, as Node's client writes it
    assert build["result"] == "canceled"
    assert pipelines.record(run, "Job", "Job.__default")["result"] == "canceled"
    assert "Ada Attendee" in str(pipelines.records(run))
    again = pipelines.organization.call("PATCH", pipelines.path(f"build/builds/{run}"), {"status": "cancelling"})
    assert again.status_code == 409


def test_project_that_is_deleted_ends_its_runs(pipelines: Pipelines) -> None:
    number = pipelines.create("trigger: none\nsteps:\n- bash: echo started; sleep 376\n")
    run = pipelines.run(number)
    wait_for(lambda: _log_if_any(pipelines, run, "Bash"), lambda text: "started" in text)
    guid = pipelines.organization.get(f"_apis/projects/{pipelines.project}")["id"]
    operation = pipelines.organization.call("DELETE", f"_apis/projects/{guid}").json()
    assert pipelines.organization.finish(operation)["status"] == "succeeded"
    sleepers = [one for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [])[-2:] == ["sleep", "376"]]
    assert sleepers == []
    state = pipelines.organization.sandbox.state
    assert not list((state / "devops" / "builds").rglob(f"{guid}/*"))


def _log_if_any(pipelines: Pipelines, run: int, name: str) -> str:
    found = [one for one in pipelines.records(run) if one["name"] == name and one["log"]]
    return pipelines.log(run, name) if found else ""


def test_retry_of_a_failed_stage_keeps_what_succeeded(pipelines: Pipelines) -> None:
    build = pipelines.run_to_end(FLAKY)
    run = build["id"]
    assert build["result"] == "failed"
    assert pipelines.record(run, "Stage", "After")["result"] == "skipped"
    first = pipelines.record(run, "Stage", "Good")
    path = pipelines.path(f"build/builds/{run}/stages/Bad")
    answer = pipelines.organization.call("PATCH", path, {"state": "retry", "forceRetryAllJobs": False})
    assert answer.status_code == 204
    build = pipelines.finish(run)
    assert build["result"] == "succeeded"
    assert pipelines.record(run, "Stage", "Good") == first
    stage = pipelines.record(run, "Stage", "Bad")
    assert (stage["attempt"], stage["result"]) == (2, "succeeded")
    assert "attempt 2 kept" in pipelines.log(run, "Try")
    assert pipelines.record(run, "Stage", "After")["result"] == "succeeded"
    earlier = stage["previousAttempts"][0]
    assert earlier["attempt"] == 1
    old = pipelines.organization.get(pipelines.path(f"build/builds/{run}/timeline/{earlier['timelineId']}"))
    assert next(one for one in old["records"] if one["name"] == "Try")["result"] == "failed"
    nothing = pipelines.organization.call("PATCH", pipelines.path(f"build/builds/{run}?retry=true"), {})
    assert nothing.status_code == 409


def test_retry_of_a_build_runs_what_failed(pipelines: Pipelines) -> None:
    run = pipelines.run_to_end(FLAKY)["id"]
    client = pipelines.organization.client("build")
    client.update_build({}, pipelines.project, run, retry=True)
    assert pipelines.finish(run)["result"] == "succeeded"
    unknown = pipelines.organization.call("PATCH", pipelines.path(f"build/builds/{run}/stages/Z"), {"state": "retry"})
    assert unknown.status_code == 404


def test_list_of_builds_is_filtered(pipelines: Pipelines) -> None:
    by_hand = "trigger: none\n"
    good = pipelines.create(f"{by_hand}{HELLO}", name="good")
    bad = pipelines.create(f"{by_hand}steps:\n- bash: exit 1\n", file="bad.yml")
    runs = [pipelines.run(good), pipelines.run(bad), pipelines.run(good)]
    for run in runs:
        pipelines.finish(run)
    pipelines.organization.call("PUT", pipelines.path(f"build/builds/{runs[0]}/tags/keeper"))

    def ids(query: str) -> list[int]:
        return [one["id"] for one in pipelines.builds(query)]

    assert ids("") == runs[::-1]
    assert ids("?queryOrder=queueTimeAscending") == runs
    assert ids(f"?definitions={good}") == [runs[2], runs[0]]
    assert ids("?resultFilter=failed") == [runs[1]]
    assert ids("?statusFilter=completed&reasonFilter=manual&$top=1") == [runs[2]]
    assert ids("?statusFilter=inProgress") == []
    assert ids("?reasonFilter=individualCI") == []
    assert ids("?branchName=refs/heads/main&tagFilters=keeper") == [runs[0]]
    assert ids("?branchName=refs/heads/other") == []
    assert ids("?maxBuildsPerDefinition=1") == [runs[2], runs[1]]
    assert ids(f"?buildIds={runs[0]},{runs[1]}") == [runs[1], runs[0]]
    assert ids("?minTime=2999-01-01") == []
    assert ids("?resultFilter=8&reasonFilter=3&statusFilter=2&queryOrder=5") == [runs[1]]  # as Node's client asks
    assert len(ids("?top=1")) == 3  # unknown names are ignored (1.1)
    first = pipelines.organization.call("GET", pipelines.path("build/builds?$top=2"))
    token = first.headers["x-ms-continuationtoken"]
    rest = pipelines.organization.call("GET", pipelines.path(f"build/builds?$top=2&continuationToken={token}"))
    assert "x-ms-continuationtoken" not in rest.headers
    assert [one["id"] for one in rest.json()["value"]] == [runs[0]]
    found = pipelines.organization.client("build").get_builds(
        pipelines.project, definitions=[good], top=20, query_order="queueTimeDescending", result_filter="succeeded"
    )
    assert [one.id for one in found] == [runs[2], runs[0]]


def test_run_numbers_count_up_and_follow_the_name(pipelines: Pipelines) -> None:
    number = pipelines.create(
        "name: v$(major).$(Rev:rr)\nvariables:\n  major: 4\nsteps:\n- bash: echo $(Build.BuildNumber)\n"
    )
    builds = [pipelines.finish(pipelines.run(number)) for _ in range(2)]
    assert [one["buildNumber"] for one in builds] == ["v4.01", "v4.02"]
    assert "v4.02" in pipelines.log(builds[1]["id"], "Bash")


def test_counter_and_updated_number_and_tags_of_a_step(pipelines: Pipelines) -> None:
    yaml = """
variables:
  n: $[ counter('model', 100) ]
steps:
- bash: |
    echo "n is $(n)"
    echo "##vso[build.updatebuildnumber]release-$(n)"
    echo "##vso[build.addbuildtag]from-step"
"""
    number = pipelines.create(yaml)
    builds = [pipelines.finish(pipelines.run(number)) for _ in range(2)]
    assert [one["buildNumber"] for one in builds] == ["release-100", "release-101"]
    assert builds[0]["tags"] == ["from-step"]


def test_tags_and_keeping(pipelines: Pipelines) -> None:
    run = pipelines.run_to_end(HELLO)["id"]
    client = pipelines.organization.client("build")
    assert client.add_build_tag(pipelines.project, run, "one") == ["one"]
    assert client.add_build_tags(["two", "ONE"], pipelines.project, run) == ["one", "two"]
    assert client.delete_build_tag(pipelines.project, run, "one") == ["two"]
    assert client.get_build_tags(pipelines.project, run) == ["two"]
    assert client.update_build({"keepForever": True}, pipelines.project, run).keep_forever is True
    path = pipelines.path(f"build/builds/{run}")
    assert pipelines.organization.call("DELETE", path).status_code == 409
    pipelines.organization.patch(path, {"keepForever": False})
    assert pipelines.organization.call("DELETE", path).status_code == 204
    assert pipelines.organization.call("GET", path).status_code == 404


def test_changes_since_the_build_before(pipelines: Pipelines) -> None:
    number = pipelines.create("trigger: none\nsteps:\n- bash: echo\n")
    pipelines.finish(pipelines.run(number))
    newest = pipelines.organization.push_files(pipelines.project, {"a.txt": "a"}, comment="Add a\n\nmore")
    run = pipelines.run(number)
    changes = pipelines.organization.client("build").get_build_changes(pipelines.project, run)
    assert [one.message for one in changes] == ["Add a"]
    assert changes[0].id == newest["refUpdates"][0]["newObjectId"]
    pipelines.finish(run)


def test_secrets_are_masked_in_every_sink(pipelines: Pipelines) -> None:
    secret = 's3cr3t "quoted" value'
    yaml = """
steps:
- bash: |
    echo "plain: $KEY"
    python3 -c 'import json, os, urllib.parse; k = os.environ["KEY"]; print(json.dumps(k), urllib.parse.quote(k))'
    echo "##vso[task.logissue type=warning]issue $KEY"
    echo "##vso[build.addbuildtag]tag $KEY"
    echo "##vso[task.setvariable variable=copy;isOutput=true]$KEY"
    failure="<failure message='leaked-$PLAIN'>at $PLAIN</failure>"
    echo "<testsuite><testcase classname='c' name='t'>$failure</testcase></testsuite>" > TEST-x.xml
    echo "# $PLAIN" > summary.md
    echo "##vso[task.uploadsummary]$PWD/summary.md"
  name: leak
  env:
    KEY: $(key)
    PLAIN: $(plain)
- task: PublishTestResults@2
  condition: always()
"""
    number = pipelines.create(yaml)
    path = pipelines.path(f"build/definitions/{number}")
    definition = pipelines.organization.get(path)
    definition["variables"] = {
        "key": {"value": secret, "isSecret": True},
        "plain": {"value": "hunter2hunter2", "isSecret": True},
    }
    assert pipelines.organization.call("PUT", path, definition).ok
    run = pipelines.run(number)
    pipelines.finish(run)
    said = pipelines.log(run, "Bash")
    assert "plain: ***" in said
    runs = pipelines.organization.get(
        pipelines.path(f"test/runs?buildUri=vstfs:///Build/Build/{run}&includeRunDetails=true")
    )["value"]
    seen = [
        pipelines.organization.call("GET", pipelines.path(rest)).text
        for rest in (
            f"build/builds/{run}",
            f"build/builds/{run}/timeline",
            f"pipelines/{number}/runs/{run}",
            f"build/definitions/{number}",
            f"test/runs/{runs[0]['id']}/results",
            *(f"build/builds/{run}/logs/{one['log']['id']}" for one in pipelines.records(run) if one["log"]),
        )
    ]
    kind = "Distributedtask.Core.Summary"
    attached = pipelines.organization.get(
        pipelines.path(f"build/builds/{run}/attachments/{kind}"), version="7.1-preview.2"
    )["value"]
    address = attached[0]["_links"]["self"]["href"].partition(f"/{ORGANIZATION}/")[2]
    summary = pipelines.organization.call("GET", address, version="7.1-preview.2").text
    assert summary == "# ***\n"
    seen.append(summary)
    for text in seen:
        assert "s3cr3t" not in text
        assert "hunter2hunter2" not in text
    assert len(seen) > 8


def test_two_runs_at_once_do_not_mix(pipelines: Pipelines) -> None:
    yaml = """
steps:
- bash: |
    for i in $(seq 1 30); do echo "$(who) $(Build.BuildId)"; echo $(who) >> f; sleep 0.02; done
    sort -u f
"""
    number = pipelines.create(yaml)
    path = pipelines.path(f"build/definitions/{number}")
    definition = pipelines.organization.get(path)
    definition["variables"] = {"who": {"value": "", "allowOverride": True}}
    assert pipelines.organization.call("PUT", path, definition).ok
    runs = {who: pipelines.run(number, {"variables": {"who": {"value": who}}}) for who in ("ada", "bob", "cyd")}
    for who, run in runs.items():
        assert pipelines.finish(run)["result"] == "succeeded"
        lines = pipelines.log(run, "Bash").splitlines()
        assert lines.count(f"{who} {run}") == 30
        assert not [line for line in lines for other in runs if other != who and line.startswith(f"{other} ")]


def test_timeout_of_a_job_cancels_it(pipelines: Pipelines) -> None:
    yaml = """
variables:
  limit: 0.02
jobs:
- job: Slow
  timeoutInMinutes: $(limit)
  steps:
  - bash: sleep 120
"""
    build = pipelines.run_to_end(yaml)
    assert build["result"] == "canceled"
    job = pipelines.record(build["id"], "Job", "Slow.__default")
    assert job["result"] == "canceled"
    assert "timeoutInMinutes" in job["issues"][0]["message"]


def test_access_token_of_a_job_reaches_the_organisation(pipelines: Pipelines) -> None:
    yaml = """
steps:
- checkout: self
  persistCredentials: true
- bash: |
    python3 - <<'PY'
    import os, ssl, urllib.request
    url = os.environ["SYSTEM_COLLECTIONURI"] + "_apis/connectionData"
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + os.environ["TOKEN"]})
    print(urllib.request.urlopen(request).read().decode()[:400])
    PY
  displayName: Call
  env:
    TOKEN: $(System.AccessToken)
- bash: |
    git -c user.name=ci -c user.email=ci@example.org commit --quiet --allow-empty -m "Bump [skip ci]"
    git push --quiet origin HEAD:refs/heads/from-job
  displayName: Push
"""
    run = pipelines.run_to_end(yaml)["id"]
    assert "Build Service" in pipelines.log(run, "Call")
    assert pipelines.record(run, "Task", "Push")["result"] == "succeeded", pipelines.log(run, "Push")
    refs = pipelines.organization.get(pipelines.path(f"git/repositories/{pipelines.project}/refs?filter=heads/from"))
    assert refs["count"] == 1


@pytest.mark.parametrize("rest", ["", "/timeline", "/logs", "/artifacts", "/tags", "/changes", "/logs/1"])
def test_unknown_build(pipelines: Pipelines, rest: str) -> None:
    answer = pipelines.organization.call("GET", pipelines.path(f"build/builds/999999{rest}"))
    assert (answer.status_code, answer.json()["typeKey"]) == (404, "BuildNotFoundException")
