"""Module 0: a machine, a subscription and an organisation that carry the day, and those that do not."""

import subprocess
import uuid
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from checker.checks.machine import check_clock, check_disk, check_python
from checker.errors import ServiceFault
from checker.model import CheckResult, Fail, Outcome
from tests.checks.switches import broken, switched
from tests.checks.test_module_6 import outcomes, seen
from tests.checks.workplace import Workplace
from tests.checks.worlds import World
from tests.conftest import REPOSITORY

MACHINE = ("MAC001", "MAC002", "MAC004", "MAC005")
SUBSCRIPTION = ("SUB001", "SUB002", "SUB003", "SUB004", "SUB005", "SUB006", "SUB007", "SUB008")


def hints(result: CheckResult) -> str:
    assert result.finding is not None
    return " ".join((*result.finding.hints, *result.finding.commands))


def clone_of(world: World, folder: Path, identity: bool) -> Path:
    """A clone with the workshop's settings, with or without somebody who commits."""
    folder.mkdir()
    (folder / "workshop.toml").write_text((REPOSITORY / "workshop.toml").read_text())
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    if identity:
        for name, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
            subprocess.run(["git", "-C", str(folder), "config", name, value], check=True)
    return folder / "workshop.toml"


def test_a_new_subscription_that_is_ready_carries_the_workshop(world: World) -> None:
    results = world.check(*MACHINE, *SUBSCRIPTION)
    assert set(outcomes(results).values()) == {Outcome.PASS}, [one.finding for one in results.values()]


def test_what_is_there_already_is_yours(world: World) -> None:
    world.make_group()
    world.make_registry()
    world.make_workspace()
    world.make_cluster()
    with switched(world.sandbox, quota={"standardDSv2Family": 0}):
        results = world.check(*SUBSCRIPTION)
    assert set(outcomes(results).values()) == {Outcome.PASS}, [one.finding for one in results.values()]
    assert [
        one.evidence is not None and "yours" in one.evidence.seen
        for one in map(results.get, ("SUB005", "SUB007", "SUB008"))
        if one
    ] == [True] * 3


def test_git_without_and_with_an_identity(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "none"))
    nobody = world.check("MAC003", file=clone_of(world, tmp_path / "one", identity=False))
    assert seen(nobody, "MAC003") == "user.name and user.email are not set"
    assert "git config --global user.email" in hints(nobody["MAC003"])
    somebody = world.check("MAC003", file=clone_of(world, tmp_path / "two", identity=True))
    assert somebody["MAC003"].outcome is Outcome.PASS


def test_machine_without_git(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    results = world.check("MAC003")
    assert "no git on the path" in seen(results, "MAC002")
    assert results["MAC003"].outcome is Outcome.BLOCKED


def test_python_disk_and_clock_are_judged() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert check_python((3, 12, 4)).facts["python"] == "3.12.4"
    assert check_disk(3_000_000_000).seen == "3.0 GB free"
    assert check_clock({"date": format_datetime(now - timedelta(seconds=4))}, now).facts["seconds"] == "4"
    for version in ((3, 10, 1), (3, 14, 0)):
        with pytest.raises(Fail, match=r"Python 3\.1"):
            check_python(version)
    with pytest.raises(Fail, match=r"1\.0 GB"):
        check_disk(1_000_000_000)
    with pytest.raises(Fail, match="60 minutes behind"):
        check_clock({"date": format_datetime(now + timedelta(hours=1))}, now)
    with pytest.raises(ServiceFault, match="without a date"):
        check_clock({}, now)


def test_a_service_that_does_not_answer_says_nothing_about_the_clock(world: World) -> None:
    context = world.context()
    context.http.send = _refuse  # type: ignore[method-assign]
    from checker.checks import CHECKS
    from checker.runner import run_check

    assert run_check(CHECKS["MAC005"], context).outcome is Outcome.UNKNOWN


def _refuse(request: object) -> None:
    from checker.errors import Unreachable

    raise Unreachable("somewhere", "the connection broke", "an answer")


def test_subscription_of_another_directory(world: World) -> None:
    other = str(uuid.uuid4())
    with switched(world.sandbox, directory=other):
        results = world.check("SUB002")
    assert f"the subscription lives in {other}" in seen(results, "SUB001")
    assert "Switch directory before creating anything" in hints(results["SUB001"])
    assert results["SUB002"].outcome is Outcome.BLOCKED


def test_subscription_that_is_not_there_shows_those_that_are(world: World) -> None:
    absent = str(uuid.uuid4())
    found = seen(world.check("SUB001", subscription=absent), "SUB001")
    assert f"no subscription {absent}" in found
    assert world.subscription in found


def test_provider_that_is_not_registered_is_named_with_the_command(world: World) -> None:
    with switched(world.sandbox, unregistered=["Microsoft.ContainerInstance"]):
        results = world.check("SUB002")
    assert seen(results, "SUB002") == "Microsoft.ContainerInstance: NotRegistered"
    assert "az provider register --namespace Microsoft.ContainerInstance" in hints(results["SUB002"])


def test_reader_may_not_create(world: World) -> None:
    with switched(world.sandbox, roles=["Reader"]):
        results = world.check("SUB003", "SUB004")
    assert "Microsoft.Resources/subscriptions/resourceGroups/write" in seen(results, "SUB003")
    assert results["SUB004"].outcome is Outcome.BLOCKED


def test_contributor_passes_with_a_given_identity_only(world: World) -> None:
    world.make_group()
    with switched(world.sandbox, roles=["Contributor"]):
        before = world.check("SUB003", "SUB004")
        identity = f"{world.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{world.suffix}"
        world.call("PUT", identity, {"location": "westeurope"}, "2023-01-31")
        after = world.check("SUB003", "SUB004")
    assert before["SUB003"].outcome is Outcome.PASS
    assert "lane 'given identity'" in hints(before["SUB004"])
    assert outcomes(after) == dict.fromkeys(after, Outcome.PASS)


def test_quota_of_nothing_names_the_numbers_and_another_size(world: World) -> None:
    with switched(world.sandbox, quota={"standardDSv2Family": 0, "standardDSv5Family": 3}):
        results = world.check("SUB005", "SUB006")
    assert "want 2 vCPUs of standardDSv2Family; 0 of 0 are left at westeurope" in seen(results, "SUB005")
    assert 'vm_size = "Standard_D2s_v3"' in hints(results["SUB005"])
    assert "want 4 vCPUs of standardDSv5Family" in seen(results, "SUB006")
    assert 'kubernetes_vm_size = "Standard_D4as_v5"' in hints(results["SUB006"])


def test_registry_of_somebody_else(world: World) -> None:
    other = World(world.sandbox)
    other.make_group()
    other.make_registry(world.settings.names.registry)
    assert "is not free" in seen(world.check("SUB007"), "SUB007")


def test_namesake_in_the_recycle_bin(world: World) -> None:
    world.make_group()
    world.make_workspace()
    world.call("DELETE", world.group, version="2021-04-01")
    results = world.check("SUB008")
    assert f"of {world.settings.names.resource_group} was deleted on" in seen(results, "SUB008")
    assert "recycle bin (14 days). Purge it or take another suffix" in hints(results["SUB008"])
    assert "az keyvault purge" in hints(results["SUB008"])


def test_organisation_that_may_run_nothing(workplace: Workplace, tmp_path: Path) -> None:
    assert workplace.check("ORG002")["ORG002"].outcome is Outcome.PASS
    workplace.organization.switch(hosted_parallelism=False)
    try:
        failing = workplace.check("ORG002")
        file = clone_of(workplace.world, tmp_path / "clone", identity=False)
        (file.parent / "azure-pipelines.yml").write_text("pool: Default   # our own agent\nsteps: []\n")
        own = workplace.world.check("ORG002", file=file, **workplace.changed())
    finally:
        workplace.organization.reset_switches()
    assert "may run 0 Microsoft-hosted jobs" in seen(failing, "ORG002")
    assert "Every run would queue for ever" in hints(failing["ORG002"])
    assert own["ORG002"].outcome is Outcome.PASS, own["ORG002"].finding


@pytest.mark.parametrize(
    ("directory", "said"),
    [
        (str(uuid.UUID(int=7)), "is connected to the directory"),
        (str(uuid.UUID(int=0)), "not connected to any directory"),
    ],
)
def test_organisation_of_another_directory(workplace: Workplace, directory: str, said: str) -> None:
    assert workplace.check("ORG003")["ORG003"].outcome is Outcome.PASS
    workplace.organization.switch(directory=directory)
    try:
        results = workplace.check("ORG003")
    finally:
        workplace.organization.reset_switches()
    assert said in seen(results, "ORG003")


def test_organisation_that_nobody_configured_is_unknown(workplace: Workplace) -> None:
    results = workplace.check("ORG002", "ORG003", organization=None)
    assert set(outcomes(results).values()) == {Outcome.UNKNOWN}


@pytest.mark.parametrize(
    ("code", "operation", "status", "said"),
    [
        ("SUB001", "subscriptions_get", 403, "the role Reader"),
        ("SUB002", "providers_list", 429, "an answer"),
        ("SUB003", "permissions_list", 0, "an answer"),
        ("SUB005", "usages_list", 403, "the role Reader"),
        ("SUB007", "registries_check_name_availability", 500, "status 200"),
        ("SUB008", "vaults_list_deleted", 403, "the role Reader"),
        ("ORG002", "distributedtask_resourceusage_get", 403, "a token with the scope"),
    ],
)
def test_whoever_may_not_look_is_not_judged(
    workplace: Workplace, code: str, operation: str, status: int, said: str
) -> None:
    with broken(workplace.world.sandbox, operation, status):
        result = workplace.check(code)[code]
    assert result.outcome is Outcome.UNKNOWN, result
    assert result.finding is not None
    assert said in result.finding.expected
