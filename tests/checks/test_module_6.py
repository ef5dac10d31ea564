"""Module 6, look by look: a state that passes, and the states that do not, each made on a real sandbox."""

from collections.abc import Mapping

import pytest

from checker.model import CheckResult, Outcome
from tests.checks.worlds import MODEL, World

TRAINED = ("WSP001", "WSP002", "WSP003", "DAT001", "DAT002", "TRN001", "TRN002", "TRN003", "MOD001", "MOD002", "MOD003")


def outcomes(results: Mapping[str, CheckResult]) -> dict[str, Outcome]:
    return {code: result.outcome for code, result in results.items()}


def seen(results: Mapping[str, CheckResult], code: str, outcome: Outcome = Outcome.FAIL) -> str:
    """What a check with this outcome saw."""
    assert results[code].outcome is outcome, results[code]
    finding = results[code].finding
    assert finding is not None
    return finding.seen


def test_a_trained_and_registered_model_passes(world: World) -> None:
    world.make_trained()
    results = world.check(*TRAINED)
    assert outcomes(results) == dict.fromkeys(TRAINED, Outcome.PASS), [result.finding for result in results.values()]


def test_nothing_at_all_fails_at_the_group_and_blocks_the_rest(world: World) -> None:
    results = world.check(*TRAINED)
    assert "there is no resource group" in seen(results, "WSP001")
    assert {outcomes(results)[code] for code in TRAINED[1:]} == {Outcome.BLOCKED}


def test_group_without_workspace(world: World) -> None:
    world.make_group()
    results = world.check("WSP002")
    assert results["WSP001"].outcome is Outcome.PASS
    assert "there is none at all" in seen(results, "WSP002")


def test_misspelt_workspace_is_shown(world: World) -> None:
    world.make_group()
    world.make_workspace(f"mlw-diabtes-{world.suffix}")
    assert f"found `mlw-diabtes-{world.suffix}`" in seen(world.check("WSP002"), "WSP002")


def test_cluster_that_costs_money_when_idle(world: World) -> None:
    world.make_group()
    world.make_workspace()
    world.make_cluster(minimum=1)
    assert "keeps 1 nodes" in seen(world.check("WSP003"), "WSP003")


def test_misspelt_cluster_is_shown(world: World) -> None:
    world.make_group()
    world.make_workspace()
    world.make_cluster(f"cpus-{world.suffix}")
    assert f"cpus-{world.suffix}" in seen(world.check("WSP003"), "WSP003")


def test_data_outside_the_workspace_and_missing_holdout(world: World) -> None:
    world.make_group()
    world.make_workspace()
    world.make_data(world.settings.names.data_asset, "https://example.org/diabetes.csv")
    results = world.check("DAT001", "DAT002")
    assert "example.org" in seen(results, "DAT001")
    assert world.settings.names.data_asset in seen(results, "DAT002")


def test_environment_that_is_missing(world: World) -> None:
    world.make_group()
    world.make_workspace()
    assert "there is none at all" in seen(world.check("TRN001"), "TRN001")


def with_cluster(world: World) -> World:
    world.make_group()
    world.make_workspace()
    world.make_cluster()
    world.make_environment()
    return world


def test_no_job(world: World) -> None:
    assert "there is no experiment" in seen(with_cluster(world).check("TRN002"), "TRN002")


def test_failed_job_names_the_job(world: World) -> None:
    name = with_cluster(world).make_job("exit 3")
    results = world.check("TRN003")
    assert f"{name}, is Failed" in seen(results, "TRN002")
    assert results["TRN003"].blocked_by == ("TRN002",)


def test_running_job_is_waited_for(world: World) -> None:
    name = with_cluster(world).make_job("sleep 60", ended=False)
    try:
        assert name in seen(world.check("TRN002"), "TRN002", Outcome.WAITING)
    finally:
        world.call("POST", f"{world.workspace}/jobs/{name}/cancel", version="2023-04-01-preview")
        world.wait_job(name)


def test_job_that_logged_no_mse(world: World) -> None:
    name = with_cluster(world).make_job(logged=("alpha",))
    assert f"{name} lacks mse" in seen(world.check("TRN003"), "TRN003")


def test_no_model(world: World) -> None:
    world.make_group()
    world.make_workspace()
    assert "there is no model" in seen(world.check("MOD001"), "MOD001")


def test_one_version_without_tags_fails_though_others_have_them(world: World) -> None:
    world.make_trained()
    world.make_model("2", job="", data="", commit="")
    assert f"{world.settings.names.model}:2 lacks commit, data, job" in seen(world.check("MOD002"), "MOD002")


def test_mse_that_is_no_number(world: World) -> None:
    world.make_trained()
    world.make_model("2", job="j", data="d:1", mse="low")
    assert "mse `low`" in seen(world.check("MOD002"), "MOD002")


@pytest.mark.parametrize(
    ("tags", "part"),
    [
        ({"job": "41"}, "the job `41`, which does not exist"),
        ({"job": "../../../x"}, "which does not exist"),
        ({"data": "DATA:9"}, "`DATA:9`, which does not exist; found `DATA:1`"),
        ({"data": "1"}, "not name:version"),
        ({"data": "../x:1"}, "not name:version"),
    ],
)
def test_tags_that_name_what_is_not_there(world: World, tags: dict[str, str], part: str) -> None:
    world.make_trained()
    job = world.make_job()
    data = world.settings.names.data_asset
    given = {"job": job, "data": f"{data}:1", **{key: value.replace("DATA", data) for key, value in tags.items()}}
    world.make_model("2", MODEL, **given)
    assert part.replace("DATA", data) in seen(world.check("MOD003"), "MOD003")


def test_a_check_of_everything_takes_few_calls(world: World) -> None:
    world.make_trained()
    context = world.context()
    from checker.checks import CHECKS
    from checker.runner import run_checks, with_prerequisites

    run_checks(with_prerequisites(TRAINED, CHECKS), context)
    assert context.http.reads <= 12
