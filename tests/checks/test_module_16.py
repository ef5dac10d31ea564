"""Module 16: what the checks say about a clean-up that was not done, half done, and done."""

from collections.abc import Mapping
from pathlib import Path

from checker.cleanup.model import Scope
from checker.model import CheckResult, Outcome
from journey.worlds.project import PIPELINE, STAGING
from tests.checks.test_cleanup import clean, clean_there, make_all
from tests.checks.workplace import Workplace
from tests.checks.worlds import World

AZURE = ("CLN001", "CLN002", "CLN003")
DEVOPS = ("CLN004", "CLN005", "CLN006")


def outcomes(results: Mapping[str, CheckResult]) -> list[str]:
    return [result.outcome.value for result in results.values()]


def seen(result: CheckResult) -> str:
    assert result.finding is not None
    return result.finding.seen


def test_all_is_well_after_a_clean_up(world: World, tmp_path: Path) -> None:
    make_all(world)
    clean(world, tmp_path)
    assert outcomes(world.check(*AZURE)) == ["pass", "pass", "pass"]


def test_nothing_was_cleaned_up(world: World) -> None:
    make_all(world)
    found = world.check(*AZURE)
    assert outcomes(found) == ["fail", "blocked", "blocked"]
    assert "USD a day" in seen(found["CLN001"])


def test_a_workspace_is_left(world: World) -> None:
    world.make_group()
    world.make_workspace()
    found = world.check(*AZURE)
    assert outcomes(found) == ["pass", "fail", "blocked"]
    assert f"workspace {world.names['workspace']}" in seen(found["CLN002"])


def test_a_vault_lies_in_its_recycle_bin(world: World) -> None:
    world.make_group()
    world.make_workspace()
    world.call("DELETE", world.group, version="2021-04-01")
    found = world.check(*AZURE)
    assert outcomes(found) == ["pass", "fail", "blocked"]
    assert "deleted key vault" in seen(found["CLN002"])


def test_a_group_of_another_name_was_forgotten(world: World) -> None:
    body = {"location": world.location, "tags": world.tags}
    world.call("PUT", f"{world.group}-by-the-pipeline", body, "2021-04-01")
    found = world.check(*AZURE)
    assert outcomes(found) == ["pass", "pass", "fail"]
    assert "-by-the-pipeline" in seen(found["CLN003"])


def test_a_group_with_a_strangers_resource_may_stay(world: World, tmp_path: Path) -> None:
    world.make_group()
    path = f"{world.group}/providers/Microsoft.Storage/storageAccounts/st{world.suffix}x"
    world.call("PUT", path, {"location": world.location, "tags": {}}, "2023-01-01")
    clean(world, tmp_path)
    result = world.check("CLN003")["CLN003"]
    assert result.outcome is Outcome.PASS
    assert result.evidence is not None
    assert "with what others made" in result.evidence.seen


def test_a_project_after_a_clean_up(workplace: Workplace, tmp_path: Path) -> None:
    workplace.make_ready()
    found = workplace.check(*DEVOPS)
    assert outcomes(found) == ["fail", "blocked", "blocked"]
    assert f"{PIPELINE} can still run" in seen(found["CLN004"])
    clean_there(workplace, tmp_path)
    assert outcomes(workplace.check(*DEVOPS)) == ["pass", "pass", "pass"]


def test_a_disabled_pipeline_is_enough_and_the_rest_is_not(workplace: Workplace) -> None:
    workplace.update_pipeline(workplace.make_ready(), queueStatus="disabled")
    found = workplace.check(*DEVOPS)
    assert outcomes(found) == ["pass", "fail", "fail"]
    assert "service connection" in seen(found["CLN005"])
    assert STAGING in seen(found["CLN006"])
    assert found["CLN005"].finding is not None
    assert "az ad app delete --id" in found["CLN005"].finding.commands[1]


def test_a_project_that_is_no_more_leaves_nothing(workplace: Workplace, tmp_path: Path) -> None:
    workplace.make_ready()
    clean_there(workplace, tmp_path, Scope(project=True))
    assert outcomes(workplace.check(*DEVOPS)) == ["pass", "pass", "pass"]
