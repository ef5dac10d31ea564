"""Checks that hold the learner's clone, or a model's tags, against what the services say."""

from pathlib import Path
from typing import Any

import pytest

from checker.checks import CHECKS
from checker.context import CheckContext
from checker.model import CheckResult, Outcome
from checker.runner import run_check
from tests.checks.clones import Clone, make_clone
from tests.checks.test_devops_runs import first_run, make_azure, release, run_with
from tests.checks.workplace import Workplace
from tests.checks.worlds import World

PASSPORT = "labs/passport.toml"
FILE = "azure-pipelines.yml"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return make_clone(tmp_path)


def open_at(clone: Clone, workplace: Workplace, **devops: Any) -> CheckContext:
    """A fresh context of the workplace's attendee, whose clone this is."""
    return workplace.world.context(**workplace.changed(**devops), file=clone.root / "workshop.toml")


def check(code: str, context: CheckContext) -> CheckResult:
    """One check, without its prerequisites."""
    return run_check(CHECKS[code], context)


def found(result: CheckResult) -> str:
    """What a check that fails saw, and its hints."""
    assert result.outcome is Outcome.FAIL, result
    assert result.finding is not None
    return "\n".join((result.finding.seen, *result.finding.hints))


# module 5 ------------------------------------------------------------------------------------------------------------


def test_connections_that_the_file_names(clone: Clone, workplace: Workplace) -> None:
    workplace.make_project()
    workplace.make_connection()
    result = check("YML005", open_at(clone, workplace))
    assert result.outcome is Outcome.PASS, result
    assert result.evidence is not None
    assert "MyAzureSubscription" in result.evidence.seen
    clone.change("labs/pipelines/azure-script.yml", "MyAzureSubscription", "My AzureSubscription")
    text = found(check("YML005", open_at(clone, workplace)))
    assert "labs/pipelines/azure-script.yml, line" in text
    assert "`My AzureSubscription`; found `MyAzureSubscription`" in text


def test_a_connection_in_a_variable(clone: Clone, workplace: Workplace) -> None:
    workplace.make_project()
    workplace.make_connection()
    clone.change("labs/pipelines/azure-script.yml", "MyAzureSubscription", "$(connection)")
    clone.change(FILE, "variables:\n", "variables:\n  connection: MyAzureSubscription\n")
    assert check("YML005", open_at(clone, workplace)).outcome is Outcome.PASS
    clone.change(FILE, "  connection: MyAzureSubscription\n", "  connection: Another\n")
    assert "`Another`" in found(check("YML005", open_at(clone, workplace)))


# module 9 ------------------------------------------------------------------------------------------------------------


def fill_in(clone: Clone, **lines: str) -> None:
    clone.write(PASSPORT, "".join(f'{key} = "{value}"\n' for key, value in lines.items()))


def test_the_passport_of_what_is_in_production(clone: Clone, workplace: Workplace) -> None:
    """One release, approved; then the five lines, right and each of them wrong."""
    run = first_run(workplace)
    commit = workplace.approve(run)["sourceVersion"]
    make_azure(workplace.world)
    reference = release(workplace.world, str(run), commit)
    context = open_at(clone, workplace)
    assert "model_version, run_id, commit, data_version, approver are not filled in" in found(check("PAS001", context))
    version = next(one for one in context.models() if one.reference == reference)
    right = {
        "model_version": reference,
        "run_id": version.tags["job"],
        "commit": commit,
        "data_version": version.tags["data"],
        "approver": workplace.pipelines.me["displayName"],
    }
    fill_in(clone, **right)
    result = check("PAS001", open_at(clone, workplace))
    assert result.outcome is Outcome.PASS, result
    assert result.evidence is not None
    assert "not compared" not in result.evidence.seen
    fill_in(clone, **{**right, "model_version": "1", "data_version": "1"})
    assert check("PAS001", open_at(clone, workplace)).outcome is Outcome.PASS
    for line, wrong, hint in (
        ("run_id", str(run), f"That is the build number; the job id starts with `{right['run_id'][:8]}`."),
        ("run_id", "elsewhere", "Compare with the tag job"),
        ("commit", commit[:8], "That is the beginning of it"),
        ("data_version", "9", "Compare with the tag data"),
        ("model_version", "9", "The newest one need not be live."),
        ("approver", "Somebody Else", "Who started a run and who approved it are two questions."),
        ("approver", "", "approver is not filled in"),
    ):
        fill_in(clone, **{**right, line: wrong})
        assert hint in found(check("PAS001", open_at(clone, workplace))), line
    clone.write(PASSPORT, "model_version = diabetes:1\n")
    assert "Text stands in double quotes." in found(check("PAS001", open_at(clone, workplace)))
    (clone.root / PASSPORT).unlink()
    assert "there is no `labs/passport.toml`" in found(check("PAS001", open_at(clone, workplace)))


# module 11 -----------------------------------------------------------------------------------------------------------


def test_versions_and_the_evaluations_that_accepted_them(world: World) -> None:
    world.make_group()
    world.make_workspace()
    world.make_cluster()
    world.make_environment()
    job = world.make_job()
    world.make_model("1", job=job)
    assert "names no evaluation" in found(check("GAT004", world.context()))
    world.make_model("2", job=job, evaluation=job, accepted="true")
    result = check("GAT004", world.context())
    assert result.outcome is Outcome.PASS, result
    assert result.evidence is not None
    assert result.evidence.seen == "1 of 2 versions, each accepted"
    world.make_model("3", job=job, evaluation=job, accepted="false")
    assert ":3 was registered, then rejected" in found(check("GAT004", world.context()))
    world.make_model("3", job=job, evaluation="elsewhere", accepted="true")
    assert "`elsewhere`, which is not there" in found(check("GAT004", world.context()))
    world.make_model("3", job=job)
    assert ":3 names no evaluation" in found(check("GAT004", world.context()))


def test_a_run_that_the_data_tests_have_stopped(clone: Clone, workplace: Workplace) -> None:
    workplace.pipelines.finish(run_with(workplace))
    assert "no run has failed" in found(check("GAT005", open_at(clone, workplace)))
    broken = workplace.yaml(build="exit 1")
    workplace.pipelines.finish(workplace.await_run_of(workplace.push(broken)))
    assert "broke in `Train it`" in found(check("GAT005", open_at(clone, workplace)))
    commit = workplace.push(broken.replace("displayName: Train it", "displayName: Check the data"))
    run = workplace.await_run_of(commit)
    workplace.pipelines.finish(run)
    result = check("GAT005", open_at(clone, workplace))
    assert result.outcome is Outcome.PASS, result
    assert result.evidence is not None
    assert result.evidence.facts["run"] == str(run)
    world = workplace.world
    world.make_group()
    world.make_workspace()
    world.make_model("1", build=str(run), commit=commit)
    assert "The gate said no, and the run went on." in found(check("GAT005", open_at(clone, workplace)))
