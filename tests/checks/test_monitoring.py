"""Module 13 with the solution's own image: collected for real, measured in jobs, monitored, and decided on."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from checker.checks import CHECKS as ALL
from checker.model import CheckResult, Outcome
from checker.runner import run_check, run_checks, with_prerequisites
from journey.worlds.serving import make_endpoint
from tests.checks.clones import Clone
from tests.checks.serving_for_real import Real, make_real, run_step, use_steps
from tests.checks.test_module_6 import seen
from tests.checks.worlds import World
from tests.conftest import REPOSITORY

CHECKS = ("MON001", "MON002", "MON003", "MON004")


def hints(results: Mapping[str, CheckResult], code: str) -> str:
    finding = results[code].finding
    assert finding is not None
    return "\n".join(finding.hints)


def outcomes(results: Mapping[str, CheckResult]) -> str:
    return "".join(results[code].outcome.value[0] for code in CHECKS)


@pytest.fixture
def real(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runtime_python: Path) -> Real:
    use_steps(monkeypatch, world)
    return make_real(world, tmp_path, runtime_python)


@pytest.mark.slow
def test_windows_are_collected_compared_and_monitored(
    real: Real, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import monitor
    import send
    import submit_drift
    from workshop import StepError

    monkeypatch.chdir(tmp_path)
    world = real.world
    results = world.check(*CHECKS)
    assert outcomes(results) == "pffb"
    assert "no record beneath" in seen(results, "MON002")
    assert "no schedule monitors anything" in seen(results, "MON003")

    run_step(monkeypatch, send, "--requests", "20", "--window", "few")
    results = world.check(*CHECKS)
    assert "20 rows" in seen(results, "MON002")
    run_step(monkeypatch, send)
    run_step(monkeypatch, send, "--shift-bmi", "0.5")
    assert "no job in the experiment" in seen(world.check("MON004"), "MON004")
    run_step(monkeypatch, submit_drift, "--window", "control")
    assert "`shifted`" in seen(world.check("MON004"), "MON004")
    with pytest.raises(StepError, match="ALERT: BMI above"):
        run_step(monkeypatch, submit_drift, "--window", "shifted")
    run_step(monkeypatch, monitor)
    context = world.context()
    results = {one.check.code: one for one in run_checks(with_prerequisites(CHECKS, ALL), context)}
    assert outcomes(results) == "pppp", [result.finding for result in results.values()]
    # The cloud, workspace, endpoint, deployments; schedules; datastore and its SAS; a list and the newest files; jobs
    # and two runs. An hour that turns between the windows makes one file more.
    assert context.http.reads <= 13, context.http.reads


@pytest.mark.slow
def test_a_deployment_that_collects_nothing(world: World) -> None:
    model = world.make_trained()
    image = world.make_image(model)
    make_endpoint(world)
    world.make_production(image, model)
    results = world.check("MON004")
    assert "blue collects nothing" in seen(results, "MON001")
    assert results["MON004"].outcome is Outcome.BLOCKED


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Decision: TODO (module 13): retrain, ignore or roll back\n", "the decision is `todo"),
        ("We look again on Monday.\n", "not made"),
        ("Decision: retrain\n\nBMI drifted.\n", "retrain, with 2 words"),
    ],
)
def test_decisions_that_are_none(tmp_path: Path, text: str, part: str) -> None:
    clone = Clone(tmp_path)
    clone.write("workshop.toml", (REPOSITORY / "workshop.toml").read_text(encoding="utf-8"))
    clone.write("labs/monitoring/decision.md", text)
    result = run_check(ALL["MON005"], clone.context)
    assert result.outcome is Outcome.FAIL
    assert result.finding is not None
    assert part in result.finding.seen
