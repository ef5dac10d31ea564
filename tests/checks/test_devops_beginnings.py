"""Modules 2 to 5 and the pipeline of module 6: what an attendee makes before the first run, one fault at a time."""

import pytest

from checker.model import Outcome
from tests.checks.test_module_6 import outcomes, seen
from tests.checks.workplace import CONNECTION, Workplace

BASIC = "b8a3a935-7e91-48b8-a94c-606d37c3e9f2"
BEFORE_RUNS = (
    *("ORG001", "PRJ001", "PRJ002", "PRJ003", "REP001", "REP002", "REP003", "CON001", "CON002", "CON003"),
    *("YML001", "PIP001", "PIP002", "ENV001", "ENV002", "ENV003"),
)


def test_all_is_well_before_the_first_run(workplace: Workplace) -> None:
    workplace.make_ready()
    results = workplace.check(*BEFORE_RUNS)
    assert outcomes(results) == dict.fromkeys(BEFORE_RUNS, Outcome.PASS), [one.finding for one in results.values()]
    evidence = results["ORG001"].evidence
    assert evidence is not None
    assert "@" in evidence.facts["user"]
    assert "has never run" in seen(workplace.check("RUN001"), "RUN001")


def test_organisation_that_is_not_there(workplace: Workplace) -> None:
    base = workplace.world.sandbox.base
    results = workplace.check("PRJ001", organization=f"{base}/nobodys")
    assert f"no organisation at {base}/nobodys" in seen(results, "ORG001")
    assert results["PRJ001"].outcome is Outcome.BLOCKED


@pytest.mark.parametrize("token", ["not-a-token", None])
def test_refused_or_missing_token_says_nothing_about_the_work(workplace: Workplace, token: str | None) -> None:
    results = workplace.check("PRJ001", token=token)
    seen(results, "ORG001", Outcome.UNKNOWN)
    finding = results["ORG001"].finding
    assert finding is not None
    assert finding.commands
    assert results["PRJ001"].outcome is Outcome.BLOCKED


def test_token_without_a_scope_is_unknown_where_it_is_needed(workplace: Workplace) -> None:
    workplace.make_project()
    results = workplace.check("REP001", "CON001", token=workplace.create_token("vso.project vso.code"))
    assert results["PRJ001"].outcome is Outcome.PASS
    seen(results, "CON001", Outcome.UNKNOWN)
    finding = results["CON001"].finding
    assert finding is not None
    assert "Service Connections (Read)" in finding.expected


def test_project_of_another_name_is_shown(workplace: Workplace) -> None:
    workplace.make_project()
    wrong = workplace.name.replace("AI Dev", "AIDev")
    assert f"found `{workplace.name}`" in seen(workplace.check("PRJ001", project=wrong), "PRJ001")


def test_project_with_the_proposed_process_and_open_to_the_world(workplace: Workplace) -> None:
    workplace.make_project(BASIC)
    workplace.set_visibility("public")
    results = workplace.check("PRJ002", "PRJ003")
    assert "the process is Basic" in seen(results, "PRJ002")
    assert "public" in seen(results, "PRJ003")


def test_empty_repository_and_code_in_another(workplace: Workplace) -> None:
    workplace.make_project()
    assert f"`{workplace.name}` is empty" in seen(workplace.check("REP001"), "REP001")
    workplace.push()
    results = workplace.check("REP001", repository="anything", project=workplace.name)
    assert results["REP001"].outcome is Outcome.PASS, "the one that came with the project is accepted"


def test_file_that_is_somewhere_else_is_shown(workplace: Workplace) -> None:
    workplace.make_project()
    workplace.pipelines.push({"azure-pipeline.yml": workplace.yaml(), "notes.md": "x"})
    found = seen(workplace.check("REP002"), "REP002")
    assert "`azure-pipelines.yml` is not on main" in found
    assert "found `azure-pipeline.yml`" in found
    assert "notes" not in found


def test_default_branch_that_starts_nothing(workplace: Workplace) -> None:
    workplace.make_project()
    workplace.push(branch="master")
    workplace.make_default("master")
    found = seen(workplace.check("REP003"), "REP003")
    assert "the default branch is master" in found
    assert "is main" in found


@pytest.mark.parametrize(("suffix", "part"), [("'<you>'", "`<you>`"), ("abc", "`abc`")])
def test_variables_with_another_suffix(workplace: Workplace, suffix: str, part: str) -> None:
    workplace.make_project()
    workplace.push(suffix=suffix)
    assert part in seen(workplace.check("YML001"), "YML001")


def test_connection_with_nearly_the_right_name(workplace: Workplace) -> None:
    workplace.make_project()
    assert "there is none at all" in seen(workplace.check("CON001"), "CON001")
    workplace.make_connection("My AzureSubscription")
    assert "found `My AzureSubscription`" in seen(workplace.check("CON001"), "CON001")


def test_connection_with_a_secret_to_another_subscription(workplace: Workplace) -> None:
    workplace.make_project()
    secret = {"serviceprincipalkey": "hush-hush-0123", "authenticationType": "spnKey"}
    other = "99999999-9999-4999-8999-999999999999"
    workplace.make_connection(scheme="ServicePrincipal", parameters=secret, subscription=other)
    results = workplace.check("CON002", "CON003")
    assert other in seen(results, "CON002")
    assert "ServicePrincipal" in seen(results, "CON003")


def test_connection_whose_making_failed_gives_the_reason(workplace: Workplace) -> None:
    workplace.make_project()
    workplace.make_connection()
    workplace.organization.switch(endpoint_not_ready=True)
    try:
        assert "insufficient privileges" in seen(workplace.check("CON002"), "CON002")
    finally:
        workplace.organization.reset_switches()


def test_connection_that_every_pipeline_may_use_passes_with_a_warning(workplace: Workplace) -> None:
    workplace.make_project()
    number = workplace.make_connection()
    evidence = workplace.check("CON003")["CON003"].evidence
    assert evidence is not None
    assert evidence.facts["open_to_all"] == "false"
    workplace.pipelines.permit("endpoint", number)
    evidence = workplace.check("CON003")["CON003"].evidence
    assert evidence is not None
    assert "warning" in evidence.seen


def test_connection_that_was_renamed(workplace: Workplace) -> None:
    workplace.make_project()
    number = workplace.make_connection("OldName")
    path = f"_apis/serviceendpoint/endpoints/{number}"
    body = workplace.organization.get(f"{workplace.name}/{path}")
    body["name"] = CONNECTION
    body["serviceEndpointProjectReferences"][0]["name"] = CONNECTION
    assert workplace.organization.call("PUT", path, body).ok
    assert "OldName" in seen(workplace.check("CON003"), "CON003")


def test_no_pipeline_and_one_of_any_name(workplace: Workplace) -> None:
    workplace.make_project()
    workplace.push()
    assert "there is no pipeline `MLOps on Azure`" in seen(workplace.check("PIP001"), "PIP001")
    workplace.pipelines.create_existing("as the form proposes")
    evidence = workplace.check("PIP001")["PIP001"].evidence
    assert evidence is not None
    assert "as the form proposes" in evidence.seen


def test_pipeline_that_points_at_another_repository(workplace: Workplace) -> None:
    workplace.make_project()
    workplace.push()
    other = workplace.organization.post(f"{workplace.name}/_apis/git/repositories", {"name": "elsewhere"})
    repository = {"id": other["id"], "type": "azureReposGit"}
    configuration = {"type": "yaml", "path": "azure-pipelines.yml", "repository": repository}
    body = {"name": "MLOps on Azure", "folder": "\\", "configuration": configuration}
    workplace.organization.post(f"{workplace.name}/_apis/pipelines", body)
    assert "points at the repository `elsewhere`" in seen(workplace.check("PIP001"), "PIP001")


def test_pipeline_that_a_push_does_not_start(workplace: Workplace) -> None:
    workplace.make_project()
    number = workplace.make_pipeline()
    trigger = {"triggerType": "continuousIntegration", "settingsSourceType": 1, "branchFilters": ["+refs/heads/x"]}
    workplace.update_pipeline(number, triggers=[trigger])
    assert "set in the portal" in seen(workplace.check("PIP002"), "PIP002")
    workplace.update_pipeline(number, queueStatus="paused")
    assert "is paused" in seen(workplace.check("PIP002"), "PIP002")


def test_environments_that_are_missing_or_without_an_approval(workplace: Workplace) -> None:
    workplace.make_project()
    workplace.pipelines.create_environment("diabetes-stagin")
    assert "found `diabetes-stagin`" in seen(workplace.check("ENV001"), "ENV001")
    workplace.make_environments(approval=False)
    assert "has no approval check" in seen(workplace.check("ENV003"), "ENV003")
