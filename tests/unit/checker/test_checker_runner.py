"""The runner: order, outcomes, and that one broken check leaves the others alone."""

import threading
from typing import Any

import pytest
from checker_wire import make_check

from checker.errors import Forbidden
from checker.model import Check, CheckResult, Evidence, Outcome, failed, waiting
from checker.runner import run_checks, with_prerequisites

CONTEXT: Any = object()


def passes(context: object) -> Evidence:
    return Evidence("seen")


def fails(context: object) -> Evidence:
    raise failed("seen", "expected", "nudge")


def waits(context: object) -> Evidence:
    raise waiting("Creating", "Succeeded")


def forbidden(context: object) -> Evidence:
    raise Forbidden("the workspace", "403", "the role Reader", ("az role assignment create",))


def breaks(context: object) -> Evidence:
    raise KeyError("a defect")


def run(*checks: Check) -> dict[str, CheckResult]:
    return {result.check.code: result for result in run_checks(list(checks), CONTEXT)}


@pytest.mark.parametrize(
    ("function", "outcome"),
    [
        (passes, Outcome.PASS),
        (fails, Outcome.FAIL),
        (waits, Outcome.WAITING),
        (forbidden, Outcome.UNKNOWN),
        (breaks, Outcome.ERROR),
    ],
)
def test_every_ending_has_its_outcome(function: Any, outcome: Outcome) -> None:
    result = run(make_check("AAA001", function))["AAA001"]
    assert result.outcome is outcome
    assert (result.finding is None) == (outcome is Outcome.PASS)
    assert (result.evidence is not None) == (outcome is Outcome.PASS)


def test_403_names_the_role_and_is_no_failure() -> None:
    finding = run(make_check("AAA001", forbidden))["AAA001"].finding
    assert finding is not None
    assert "Reader" in finding.expected
    assert finding.commands == ("az role assignment create",)


def test_broken_check_gives_a_log_reference_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    results = run(make_check("AAA001", breaks), make_check("BBB001", passes))
    finding = results["AAA001"].finding
    assert finding is not None
    reference = finding.seen.split("log reference ")[1].rstrip(")")
    assert any(reference in record.getMessage() and record.exc_info for record in caplog.records)
    assert results["BBB001"].outcome is Outcome.PASS


@pytest.mark.parametrize("function", [fails, waits, forbidden, breaks])
def test_what_needs_a_check_that_did_not_pass_is_blocked_by_it(function: Any) -> None:
    ran: list[str] = []

    def notes(context: object) -> Evidence:
        ran.append("BBB001")
        return Evidence("ran")

    results = run(make_check("AAA001", function), make_check("BBB001", notes, ("AAA001",)))
    assert results["BBB001"].outcome is Outcome.BLOCKED
    assert results["BBB001"].blocked_by == ("AAA001",)
    assert ran == []


def test_blocking_passes_down_and_names_the_nearest() -> None:
    results = run(
        make_check("AAA001", fails),
        make_check("BBB001", passes, ("AAA001",)),
        make_check("CCC001", passes, ("BBB001",)),
        make_check("DDD001", passes),
    )
    assert results["CCC001"].blocked_by == ("BBB001",)
    assert results["DDD001"].outcome is Outcome.PASS


def test_independent_checks_run_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=20)

    def meets(context: object) -> Evidence:
        meeting.wait()
        return Evidence("met")

    results = run(make_check("AAA001", meets), make_check("BBB001", meets))
    assert {result.outcome for result in results.values()} == {Outcome.PASS}


def test_a_prerequisite_ends_before_what_needs_it_begins() -> None:
    order: list[str] = []
    released = threading.Event()

    def slow(context: object) -> Evidence:
        released.wait(20)
        order.append("AAA001")
        return Evidence("slow")

    def free(context: object) -> Evidence:
        released.set()
        return Evidence("free")

    def late(context: object) -> Evidence:
        order.append("BBB001")
        return Evidence("late")

    run(make_check("AAA001", slow), make_check("BBB001", late, ("AAA001",)), make_check("CCC001", free))
    assert order == ["AAA001", "BBB001"]


def test_results_keep_the_order_of_the_checks_and_are_heard_once_each() -> None:
    checks = [make_check(f"AAA{number:03}", passes) for number in range(20)]
    heard: list[str] = []
    results = run_checks(checks, CONTEXT, lambda result: heard.append(result.check.code))
    assert [result.check.code for result in results] == [check.code for check in checks]
    assert sorted(heard) == [check.code for check in checks]


def test_no_checks_give_no_results() -> None:
    assert run_checks([], CONTEXT) == []


def test_selection_brings_its_prerequisites_in_registry_order() -> None:
    checks = {
        check.code: check
        for check in (
            make_check("AAA001", passes),
            make_check("BBB001", passes, ("AAA001",)),
            make_check("CCC001", passes, ("BBB001",)),
            make_check("DDD001", passes),
        )
    }
    assert [check.code for check in with_prerequisites(["CCC001"], checks)] == ["AAA001", "BBB001", "CCC001"]


def test_listener_that_is_interrupted_leaves_the_run() -> None:
    def interrupt(result: CheckResult) -> None:
        raise KeyboardInterrupt

    held = threading.Event()

    def slow(context: object) -> Evidence:
        held.wait(20)
        return Evidence("late")

    with pytest.raises(KeyboardInterrupt):
        run_checks([make_check("AAA001", passes), make_check("BBB001", slow)], CONTEXT, interrupt)
    held.set()
