"""Modules 6 to 10 on runs that really ran: what passes, what waits for whom, what broke first, and how many calls."""

import time

import pytest

from checker.checks import CHECKS
from checker.context import CheckContext
from checker.model import CheckResult, Outcome, Service
from checker.runner import run_checks, with_prerequisites
from checker.watching import LOCAL_SECONDS, await_news
from tests.checks.test_module_6 import outcomes, seen
from tests.checks.workplace import Workplace
from tests.checks.worlds import World

MOST_CALLS = 14
# What the day of these worlds makes; the modules after it, and the learner's clone, have tests of their own.
THE_DAY = tuple(
    code for code, check in CHECKS.items() if 2 <= int(check.module[1:]) <= 10 and check.service is not Service.MACHINE
)


def sweep(context: CheckContext) -> dict[str, CheckResult]:
    """Every check of both services of the day, as `checker check` runs them."""
    return {result.check.code: result for result in run_checks(with_prerequisites(THE_DAY, CHECKS), context)}


def first_run(workplace: Workplace) -> int:
    """A ready workplace's first run, with an approval before production, started by hand; its id."""
    return workplace.pipelines.run(workplace.make_ready())


def run_with(workplace: Workplace, **parts: str) -> int:
    """A run without anything that is not needed for it, of a file with these parts; its id."""
    workplace.make_project()
    workplace.make_environments()
    return workplace.pipelines.run(workplace.make_pipeline(**parts))


def release(world: World, build: str, commit: str, version: str = "1") -> str:
    """What a run would have left on Azure: a version that names it, its image in staging and production."""
    data = f"{world.settings.names.data_asset}:1"
    model = world.make_model(version, build=build, commit=commit, job=world.make_job(), data=data)
    image = world.make_image(model, tag=version)
    world.make_staging(image, model)
    world.make_production(image, model)
    return model


def make_azure(world: World) -> None:
    """Everything of module 6 but the model."""
    world.make_group()
    world.make_registry()
    world.make_workspace(registry=True)
    world.make_cluster()
    world.make_environment()
    for name in (world.settings.names.data_asset, world.settings.names.holdout_asset):
        world.make_data(name)


def test_the_whole_day_passes_every_check_in_fourteen_calls(workplace: Workplace) -> None:
    """A run by hand, approved; a merged pull request that starts another; both versions registered, one released."""
    world, pipelines = workplace.world, workplace.pipelines
    first = first_run(workplace)
    assert workplace.approve(first)["result"] == "succeeded"
    make_azure(world)
    data = f"{world.settings.names.data_asset}:1"
    world.make_model(
        "1", build=str(first), commit=pipelines.build(first)["sourceVersion"], job=world.make_job(), data=data
    )
    workplace.project.guard()
    commit = workplace.push(build="echo trained on less", comment="Test on 0.33 of the data")
    second = workplace.await_run_of(commit)
    assert workplace.approve(second)["result"] == "succeeded"
    release(world, str(second), commit, "2")
    context = workplace.context()
    results = sweep(context)
    assert outcomes(results) == dict.fromkeys(THE_DAY, Outcome.PASS), [result.finding for result in results.values()]
    assert context.http.devops_reads <= MOST_CALLS
    evidence = results["AUT001"].evidence
    assert evidence is not None
    assert (evidence.facts["reason"], evidence.facts["commit"]) == ("individualCI", commit)
    evidence = results["LIN002"].evidence
    assert evidence is not None
    assert evidence.facts == {"run": str(second), "commit": commit}


def test_run_that_waits_for_the_approval(workplace: Workplace) -> None:
    """The first stage and staging count already; production waits, and nothing has failed."""
    run = first_run(workplace)
    workplace.pipelines.await_record(run, "Checkpoint.Approval")
    context = workplace.context()
    results = sweep(context)
    for code in ("RUN001", "RUN002", "DEP001"):
        assert results[code].outcome is Outcome.PASS, results[code]
    assert "waits for an approval" in seen(results, "RUN003", Outcome.WAITING)
    assert results["DEP002"].blocked_by == ("RUN003",)
    assert "was started by manual" in seen(results, "AUT001")
    assert context.http.devops_reads <= MOST_CALLS
    workplace.approve(run)
    assert workplace.check("RUN003")["RUN003"].outcome is Outcome.PASS


def test_run_that_waits_to_be_permitted(workplace: Workplace) -> None:
    """'Just wait' would be wrong advice: the hint is to permit."""
    workplace.make_project()
    workplace.make_environments(open_to_all=False)
    run = workplace.pipelines.run(workplace.make_pipeline())
    workplace.pipelines.await_record(run, "Checkpoint.Authorization")
    results = workplace.check("RUN003")
    assert results["RUN001"].outcome is Outcome.PASS, "only staging's environment is closed"
    assert "waits for you" in seen(results, "DEP001", Outcome.WAITING)
    assert results["RUN003"].blocked_by == ("DEP001",)
    finding = results["DEP001"].finding
    assert finding is not None
    assert "Permit" in finding.hints[0]
    workplace.organization.patch(f"{workplace.name}/_apis/build/builds/{run}", {"status": "cancelling"})
    workplace.pipelines.finish(run)


def test_run_that_broke_quotes_the_first_error(workplace: Workplace) -> None:
    run = run_with(workplace, build="exit 3")
    workplace.pipelines.finish(run)
    found = seen(workplace.check("RUN001"), "RUN001")
    assert "task `Train it`" in found
    assert "3" in found


def test_run_that_broke_in_staging_has_passed_the_first_stage(workplace: Workplace) -> None:
    run = run_with(workplace, staging="exit 4")
    workplace.pipelines.finish(run)
    context = workplace.context()
    results = sweep(context)
    assert results["RUN001"].outcome is Outcome.PASS
    assert "task `Deploy it`" in seen(results, "DEP001")
    assert results["RUN003"].blocked_by == ("DEP001",)
    assert context.http.devops_reads <= MOST_CALLS


def test_run_without_an_agent_names_the_grant(workplace: Workplace) -> None:
    workplace.organization.switch(hosted_parallelism=False)
    try:
        run = run_with(workplace)
        workplace.pipelines.finish(run)
        results = workplace.check("RUN001")
    finally:
        workplace.organization.reset_switches()
    assert "No hosted parallelism" in seen(results, "RUN001")
    finding = results["RUN001"].finding
    assert finding is not None
    assert any("grant" in hint for hint in finding.hints)


def test_run_of_a_file_that_cannot_be_read_says_what_the_service_says(workplace: Workplace) -> None:
    workplace.make_project()
    workplace.make_environments()
    workplace.make_pipeline()
    commit = workplace.push(workplace.yaml().replace("deployment: DeployStaging", "deplyment: DeployStaging"))
    workplace.pipelines.finish(workplace.await_run_of(commit))
    assert "deplyment" in seen(workplace.check("RUN001"), "RUN001")


def test_artifact_of_another_name_is_shown(workplace: Workplace) -> None:
    run = run_with(workplace, artifact="dropped")
    workplace.pipelines.finish(run)
    assert "found `dropped`" in seen(workplace.check("RUN002"), "RUN002")


def test_older_success_counts_when_the_newest_run_broke(workplace: Workplace) -> None:
    workplace.pipelines.finish(run_with(workplace))
    commit = workplace.push(build="exit 3")
    workplace.pipelines.finish(workplace.await_run_of(commit))
    results = workplace.check("RUN003", "AUT001")
    assert results["RUN003"].outcome is Outcome.PASS
    assert "is failed" in seen(results, "AUT001")


def test_push_to_another_branch_is_no_automatic_run(workplace: Workplace) -> None:
    workplace.pipelines.finish(run_with(workplace))
    workplace.push(branch="side", build="echo side")
    assert "was started by manual" in seen(workplace.check("AUT001"), "AUT001")


def test_automatic_run_whose_version_was_never_registered(workplace: Workplace) -> None:
    workplace.pipelines.finish(run_with(workplace))
    world = workplace.world
    world.make_trained()
    commit = workplace.push(build="echo again")
    run = workplace.await_run_of(commit)
    workplace.pipelines.finish(run)
    assert f"has the id {run}" in seen(workplace.check("AUT002"), "AUT002")
    world.make_model("2", build=str(run), commit="another", job="j", data="d:1")
    seen(workplace.check("AUT002"), "AUT002")
    world.make_model("3", build=str(run), commit=commit, job="j", data="d:1")
    evidence = workplace.check("AUT002")["AUT002"].evidence
    assert evidence is not None
    assert evidence.facts["version"].endswith(":3")


@pytest.mark.parametrize(
    ("build", "commit", "part"),
    [("local", None, "names the build `local`"), (None, "0123abc", "names the commit 0123abc")],
)
def test_release_that_no_run_made(workplace: Workplace, build: str | None, commit: str | None, part: str) -> None:
    run = run_with(workplace)
    found = workplace.pipelines.finish(run)
    make_azure(workplace.world)
    release(workplace.world, build or str(run), commit or found["sourceVersion"])
    results = workplace.check("LIN002")
    assert part in seen(results, "LIN002")


def test_polling_is_one_call(workplace: Workplace) -> None:
    workplace.pipelines.finish(run_with(workplace))
    context = workplace.context()
    assert [run.status for run in context.pipeline_runs()] == ["completed"]
    assert context.http.devops_reads == 1


def test_watching_ends_when_an_approved_run_moves_on(workplace: Workplace) -> None:
    """One call a poll; the news is there at the first poll after it, however little of it the sweep can see."""
    run = first_run(workplace)
    workplace.pipelines.await_record(run, "Checkpoint.Approval")
    context = workplace.context()
    context.pipeline_runs()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert len(slept) < 200, "nothing is ever new"
        if len(slept) == 2:
            workplace.approve(run)

    await_news(context, sleep)
    assert slept == [LOCAL_SECONDS] * 2
    assert context.http.devops_reads == 1 + 3


def test_throttling_is_waited_out_or_unknown(workplace: Workplace) -> None:
    workplace.make_project()
    workplace.organization.switch(throttle=1)
    try:
        began = time.monotonic()
        results = workplace.check("PRJ001")
        assert results["PRJ001"].outcome is Outcome.PASS
        assert time.monotonic() - began >= 1, "Retry-After is a second"
        workplace.organization.switch(throttle=100)
        assert "too many requests" in seen(workplace.check("PRJ001"), "ORG001", Outcome.UNKNOWN)
    finally:
        workplace.organization.reset_switches()
