"""The kit's own library reads the pipelines of the workshop: valid, expanded, and planned as they are taught."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from sandbox.pipelines.command import pipeline_program

ROOT = Path(__file__).resolve().parents[2]
FINISHED, STARTER = ROOT / "solution" / "azure-pipelines.yml", ROOT / "azure-pipelines.yml"
ORIGINAL = Path(__file__).with_name("original_shape") / "azure-pipelines.yml"
ALL = pytest.mark.parametrize("file", [STARTER, FINISHED, ORIGINAL], ids=["starter", "finished", "original"])


def ask(*arguments: str, code: int = 0) -> str:
    """What `sandbox pipeline ...` prints."""
    done = CliRunner().invoke(pipeline_program, arguments)
    assert done.exit_code == code, done.output
    return str(done.stdout)


def ask_json(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ask(*arguments, "--json"))
    return document


def jobs_of(plan: dict[str, Any]) -> dict[str, list[str]]:
    """The jobs of each stage that would run."""
    return {
        stage["name"]: [job["name"] for job in stage["jobs"] if job["outlook"] == "runs"]
        for stage in plan["stages"]
        if stage["outlook"] == "runs"
    }


@ALL
def test_a_pipeline_is_valid(file: Path) -> None:
    """No problem, with templates and parameters followed."""
    found = ask_json("validate", str(file))
    assert found["problems"] == []


@ALL
def test_an_expanded_pipeline_has_no_expression_left(file: Path) -> None:
    """Templates are in, `${{ }}` is gone, and what comes out is valid again."""
    expanded = ask("expand", str(file))
    assert "${{" not in expanded
    assert "template:" not in expanded
    assert [one["stage"] for one in yaml.safe_load(expanded)["stages"]]


def test_the_finished_pipeline_is_planned_as_taught() -> None:
    """Three stages in a row, two environments, nothing but tasks that the sandbox runs."""
    plan = ask_json("plan", str(FINISHED))
    assert jobs_of(plan) == {
        "Build": ["Train"],
        "Staging": ["DeployStaging"],
        "Production": ["DeployProduction"],
    }
    assert [stage["dependsOn"] for stage in plan["stages"]] == [[], ["Build"], ["Staging"]]
    environments = [job["environment"] for stage in plan["stages"] for job in stage["jobs"] if job["environment"]]
    assert [one["name"] for one in environments] == ["diabetes-staging", "diabetes-production"]
    assert unknown_tasks(plan) == set()


def test_the_starter_looks_at_the_data_and_no_more() -> None:
    """One stage that runs; the rest is the attendee's."""
    plan = ask_json("plan", str(STARTER))
    assert jobs_of(plan) == {"Build": ["Train"]}
    assert unknown_tasks(plan) == set()


def test_the_originals_shape_is_planned_and_its_foreign_tasks_are_known_by_name() -> None:
    """Deployment jobs, and jobs that test after them; two tasks run in the cloud only."""
    plan = ask_json("plan", str(ORIGINAL))
    assert jobs_of(plan) == {
        "train_evaluate_register": ["train"],
        "staging": ["deploy_aci", "test_aci"],
        "production": ["deploy_aks", "test_aks"],
    }
    assert unknown_tasks(plan) == {"AzureResourceManagerTemplateDeployment@3", "AzurePowerShell@5"}


def unknown_tasks(plan: dict[str, Any]) -> set[str]:
    """The tasks of a plan that this machine cannot run: a run fails at them and says so."""
    from sandbox.pipelines.tasks import TASKS

    activities = [one for stage in plan["stages"] for job in stage["jobs"] for one in job["activities"]]
    named = {step["task"] for activity in activities for step in activity["steps"] if step["task"]}
    return {task for task in named if task.partition("@")[0].lower() not in TASKS}


def test_a_self_hosted_agent_is_a_parameter() -> None:
    """The same file runs on an agent of the attendee's own."""
    pools = [
        yaml.safe_load(ask("expand", str(FINISHED), *options))["pool"]
        for options in ((), ("--parameter", "agents=self-hosted"))
    ]
    assert pools == [{"vmImage": "$(pool.image)"}, {"name": "$(pool.name)"}]


@pytest.mark.parametrize(
    ("changed", "starts"),
    [
        ("workshop.toml", True),
        ("solution/training/train.py", True),
        ("labs/data/diabetes.csv", True),
        ("README.md", False),
        ("solution/README.md", False),
    ],
)
def test_what_a_push_starts(changed: str, starts: bool) -> None:
    """The training, its data and its settings; not a page."""
    ask("trigger", str(FINISHED), "--branch", "main", "--path", changed, code=0 if starts else 1)
