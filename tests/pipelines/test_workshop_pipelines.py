"""The kit's own library reads the pipelines of the workshop: valid, expanded, and planned as they are taught."""

import json
import re
import shutil
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
    assert environments == ["diabetes-staging", "diabetes-production"]
    assert foreign_tasks(FINISHED) == set()


def test_the_starter_looks_at_the_data_and_no_more() -> None:
    """One stage that runs; the rest is the attendee's."""
    plan = ask_json("plan", str(STARTER))
    assert jobs_of(plan) == {"Build": ["Train"]}
    assert foreign_tasks(STARTER) == set()


def test_the_originals_shape_is_planned_and_its_foreign_tasks_are_known_by_name() -> None:
    """Deployment jobs, and jobs that test after them; two tasks run in the cloud only."""
    plan = ask_json("plan", str(ORIGINAL))
    assert jobs_of(plan) == {
        "train_evaluate_register": ["train"],
        "staging": ["deploy_aci", "test_aci"],
        "production": ["deploy_aks", "test_aks"],
    }
    assert foreign_tasks(ORIGINAL) == {"AzureResourceManagerTemplateDeployment@3", "AzurePowerShell@5"}


def foreign_tasks(file: Path) -> set[str]:
    """The tasks that run in the cloud only, as `validate` names them; a run here fails at them and says so."""
    sentences = " ".join(ask_json("validate", str(file))["notRehearsed"])
    return set(re.findall(r"'(\w+@\d+)' is not rehearsed", sentences))


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


@pytest.mark.parametrize(
    ("data", "code"), [("diabetes.csv", 0), ("diabetes_missing_values.csv", 1), ("diabetes_bad_schema.csv", 1)]
)
def test_the_starter_runs_and_can_be_red(data: str, code: int, tmp_path: Path) -> None:
    """On the good file it is green; on a bad one it is red, and says what it saw."""
    folder = tmp_path / "repository"
    (folder / "labs" / "data").mkdir(parents=True)
    shutil.copy2(STARTER, folder / STARTER.name)
    shutil.copy2(ROOT / "labs" / "data" / data, folder / "labs" / "data" / "diabetes.csv")
    output = ask("run", str(folder / STARTER.name), "--root", str(folder), "--json", code=code)
    outcome = json.loads(output)
    assert outcome["result"] == ("Failed" if code else "Succeeded")
    assert ("442 complete rows" in output) == (code == 0)
