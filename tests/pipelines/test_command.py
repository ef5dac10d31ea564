"""`sandbox pipeline validate | expand | plan | trigger`, as a person and as a program calls them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from sandbox.pipelines.command import pipeline_program
from sandbox.pipelines.model import Filter, Schedule, Trigger
from sandbox.pipelines.schedules import list_due
from sandbox.pipelines.triggers import Push, Tick, decide_push, decide_tick
from sandbox.pipelines.triggers import Reason as Why

THREE_STAGES = """\
trigger:
  branches: {include: [main]}
  paths: {include: [labs]}
schedules:
- cron: '0 3 * * *'
parameters:
- name: region
  default: westeurope
stages:
- stage: Build
  jobs:
  - job: Train
    strategy:
      matrix:
        small: {size: 1}
        large: {size: 2}
    steps:
    - script: echo ${{ parameters.region }}
    - task: Terraform@9
- stage: Production
  condition: eq(variables['Build.SourceBranch'], 'refs/heads/main')
  jobs:
  - deployment: Deploy
    environment: production
    strategy:
      runOnce:
        deploy:
          steps:
          - script: echo deploy
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "azure-pipelines.yml"
    path.write_text(THREE_STAGES, encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(pipeline_program, [str(one) for one in arguments])


def document(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


def test_validate_counts_and_names_what_ran(file: Path) -> None:
    found = document("validate", file)
    assert found["valid"] is True
    assert found["counts"] == {"stages": 2, "jobs": 2, "agentJobs": 3, "steps": 3}
    assert found["layers"]["ownChecks"] == "ran"
    assert found["layers"]["languageService"].startswith("not run")
    assert "Terraform@9" in found["notRehearsed"][0]
    said = run("validate", file)
    assert said.exit_code == 0
    assert "own checks" in said.stdout
    assert "did not run" in said.stdout


def test_validate_reports_place_message_and_help(file: Path) -> None:
    file.write_text(THREE_STAGES.replace("runOnce:", "runOnse:"), encoding="utf-8")
    found = document("validate", file)
    assert found["valid"] is False
    assert found["counts"] is None
    problem = found["problems"][0]
    assert (problem["message"], problem["line"], problem["column"]) == ("Unexpected value 'runOnse'", 26, 7)
    assert problem["help"] == "The nearest key that is allowed here is 'runOnce'."
    said = run("validate", file)
    assert said.exit_code == 1
    assert "/azure-pipelines.yml (Line: 26, Col: 7): Unexpected value 'runOnse'" in said.stderr


def test_validate_shows_at_most_ten_problems(file: Path) -> None:
    file.write_text("steps:\n" + "- nope: 1\n" * 14, encoding="utf-8")
    found = document("validate", file)
    assert len(found["problems"]) == 10
    assert found["moreProblems"] == 4


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    said = run("validate", tmp_path / "nope.yml")
    assert said.exit_code == 1
    assert "There is no file" in said.stderr


def test_expand_with_a_parameter(file: Path) -> None:
    text = run("expand", file, "--parameter", "region=northeurope").stdout
    assert "- script: echo northeurope" in text
    final = yaml.safe_load(run("expand", file, "--final").stdout)
    assert final["stages"][0]["jobs"][0]["steps"][0]["task"] == "CmdLine@2"
    assert document("expand", file)["files"] == ["/azure-pipelines.yml"]


def test_expand_reads_other_repositories(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "steps.yml").write_text("steps:\n- script: echo tools\n", encoding="utf-8")
    own = tmp_path / "own"
    own.mkdir()
    resources = "resources:\n  repositories:\n  - {repository: tools, type: git, name: p/tools}\n"
    (own / "azure-pipelines.yml").write_text(f"{resources}steps:\n- template: steps.yml@tools\n", encoding="utf-8")
    said = run("expand", own / "azure-pipelines.yml", "--repository", f"tools={tmp_path / 'tools'}")
    assert "echo tools" in said.stdout


def test_plan_says_why(file: Path) -> None:
    stages = {one["name"]: one for one in document("plan", file, "--branch", "feature")["stages"]}
    assert stages["Build"]["outlook"] == "runs"
    assert [one["name"] for one in stages["Build"]["jobs"][0]["instances"]] == ["small", "large"]
    assert stages["Production"]["outlook"] == "skipped"
    assert "eq('refs/heads/feature', 'refs/heads/main')" in stages["Production"]["why"]
    deploy = document("plan", file)["stages"][1]["jobs"][0]
    assert (deploy["kind"], deploy["environment"], deploy["outlook"]) == ("deployment", "production", "runs")
    assert deploy["activities"][0]["steps"][0] == {
        "kind": "download",
        "task": None,
        "name": None,
        "displayName": None,
        "condition": "succeeded()",
        "implicit": True,
        "enabled": True,
    }


def test_plan_leaves_a_stage_out(file: Path) -> None:
    said = run("plan", file, "--skip", "Production")
    assert said.exit_code == 0
    assert "it is left out of this run" in said.stdout


def test_trigger_answers_and_shows_the_next_schedule(file: Path) -> None:
    yes = document("trigger", file, "--branch", "main", "--path", "labs/train.py")
    assert (yes["starts"], yes["reason"]) == (True, "IndividualCI")
    assert len(yes["schedules"][0]["next"]) == 3
    no = run("trigger", file, "--branch", "main", "--path", "README.md")
    assert no.exit_code == 1
    assert "path filter: path 'README.md' matches none of 'labs'" in no.stdout


def test_an_option_without_equals_is_a_usage_error(file: Path) -> None:
    said = run("plan", file, "--variable", "nope")
    assert said.exit_code == 2
    assert "NAME=VALUE" in said.stderr


def test_a_schedule_runs_only_for_its_branches_and_changes() -> None:
    nightly = Schedule("0 3 * * *", branches=Filter(("main",)))
    assert decide_tick(Tick(nightly, "refs/heads/main")).reason == Why.SCHEDULE
    assert not decide_tick(Tick(nightly, "refs/heads/dev")).starts
    assert "nothing changed" in decide_tick(Tick(nightly, "refs/heads/main", changed=False)).why
    always = Schedule("0 3 * * *", always=True)
    assert decide_tick(Tick(always, "refs/heads/main", changed=False)).starts


def test_a_leap_day_is_found_and_an_impossible_day_is_not() -> None:
    after = datetime(2026, 11, 24, tzinfo=UTC)
    assert list_due(Schedule("0 0 29 2 *"), after, 1) == [datetime(2028, 2, 29, tzinfo=UTC)]
    assert list_due(Schedule("0 0 31 2 *"), after, 1) == []


def test_batch_and_deleted_refs() -> None:
    batched = decide_push(Trigger(written=True, batch=True), Push("refs/heads/main"))
    assert (batched.batched, batched.reason) == (True, Why.BATCHED_CI)
    assert not decide_push(Trigger(), Push("refs/heads/main", deleted=True)).starts


def test_a_file_outside_the_given_root(file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    said = run("validate", file, "--root", tmp_path_factory.mktemp("other"))
    assert said.exit_code == 1
    assert "is not within the repository" in said.stderr


def test_a_note_is_said_once(file: Path) -> None:
    file.write_text("pool: {vmImage: x}\njobs:\n- job: A\n  steps: []\n- job: B\n  steps: []\n", encoding="utf-8")
    assert run("validate", file).stdout.count("Pool 'x'") == 1
