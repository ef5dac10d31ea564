"""What is left out blocks nothing silently: a check that needs one that is left out is left out with it, and said."""

from dataclasses import replace

import pytest
from checker_wire import SUBSCRIPTION, WORKSHOP, make_check

from checker.checks import CHECKS
from checker.errors import UsageError
from checker.model import Check, Evidence, Service
from checker.runner import with_prerequisites
from checker.selection import Places, leave_out, leave_out_of, select
from checker.settings import ConfigurationError, Settings, read_settings


def made(code: str, service: Service, *requires: str) -> Check:
    return replace(make_check(code, Evidence), service=service, requires=requires)


CHAIN = {
    check.code: check
    for check in (
        made("AZU001", Service.AZURE),
        made("DEV001", Service.DEVOPS, "AZU001"),
        made("MAC001", Service.MACHINE, "DEV001"),
        made("MAC002", Service.MACHINE),
        made("DEV002", Service.DEVOPS, "MAC002"),
    )
}


def settings() -> Settings:
    return read_settings(WORKSHOP, {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION})


@pytest.mark.parametrize(
    ("closed", "kept", "left"),
    [
        ({}, ["AZU001", "DEV001", "MAC001", "MAC002", "DEV002"], {}),
        (
            {Service.DEVOPS: "no"},
            ["AZU001", "MAC002"],
            {Service.DEVOPS: ("DEV001", "MAC001", "DEV002")},
        ),
        (
            {Service.MACHINE: "no"},
            ["AZU001", "DEV001"],
            {Service.MACHINE: ("MAC001", "MAC002", "DEV002")},
        ),
    ],
)
def test_a_check_goes_with_what_it_needs(
    closed: dict[Service, str], kept: list[str], left: dict[Service, tuple[str, ...]]
) -> None:
    found, left_out = leave_out_of(list(CHAIN), CHAIN, closed)
    assert found == kept
    assert {one.service: one.codes for one in left_out} == left


@pytest.mark.parametrize("closed", [Service.DEVOPS, Service.MACHINE])
def test_no_check_of_the_registry_that_is_kept_needs_one_that_is_left_out(closed: Service) -> None:
    kept, left_out = leave_out_of(list(CHECKS), CHECKS, {closed: "no"})
    assert kept
    assert all(check.service is not closed for check in with_prerequisites(kept, CHECKS))
    assert len(kept) + sum(len(one.codes) for one in left_out) == len(CHECKS)


def test_asking_only_for_what_is_left_out_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--no-machine"):
        leave_out(["SCR001"], CHECKS, settings(), Places(machine=False))
    with pytest.raises(ConfigurationError, match="not configured"):
        leave_out(["PRJ001"], CHECKS, settings(), Places())


def test_the_usual_modules_are_those_of_the_day() -> None:
    modules = {CHECKS[code].module for code in select([], CHECKS)}
    assert {"M0", "M16"}.isdisjoint(modules)
    assert {CHECKS[code].module for code in select(["m16"], CHECKS)} == {"M16"}


def test_a_module_without_checks_says_what_to_type_instead() -> None:
    with pytest.raises(UsageError) as refused:
        select(["M17"], CHECKS)
    assert "asks for nothing" in refused.value.seen
    assert refused.value.commands == ("checker diff", "checker progress")
