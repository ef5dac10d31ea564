"""Reports: the schema holds, people see what to do, secrets do not get out, exit codes follow the outcomes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from checker_wire import SUBSCRIPTION, make_check

import checker.reports
from checker.checks import CHECKS
from checker.endings import exit_code
from checker.model import AttendeeReport, Calls, CheckResult, Evidence, Finding, LeftOut, Outcome, Service
from checker.reports import FORMATS, View

SCHEMA = json.loads((Path(checker.reports.__file__).parent / "schema.json").read_text(encoding="utf-8"))
FINDING = Finding("seen → this", "expected that", ("first", "second", "third"), ("az thing show",))


def result(outcome: Outcome, code: str = "AAA001", **more: Any) -> CheckResult:
    finding = None if outcome in (Outcome.PASS, Outcome.BLOCKED) else FINDING
    evidence = Evidence("evident", {"id": "x"}) if outcome is Outcome.PASS else None
    blocked_by = ("BBB001",) if outcome is Outcome.BLOCKED else ()
    check = make_check(code, Evidence)
    return replace(CheckResult(check, outcome, finding, evidence, 0.25, blocked_by), **more)


def report(*outcomes: Outcome) -> AttendeeReport:
    results = tuple(result(outcome, f"AAA{number:03}") for number, outcome in enumerate(outcomes))
    started = datetime(2026, 12, 1, tzinfo=UTC)
    return AttendeeReport("abc", SUBSCRIPTION, "Sandbox", started, 1.5, 7, Calls(18, 2), ("r-1", "r-2"), results)


def terminal(found: AttendeeReport, view: View | None = None) -> str:
    return FORMATS["terminal"]().report(found, view or View())


def validate(document: object) -> None:
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(document)


def test_json_with_every_outcome_follows_the_schema() -> None:
    document = json.loads(FORMATS["json"]().report(report(*Outcome), View()))
    validate(document)
    assert document["summary"] == {outcome.value: 1 for outcome in Outcome}
    assert document["results"][1]["finding"]["hints"] == ["first", "second", "third"]


@pytest.mark.parametrize(
    "broken",
    [
        {"version": 1},
        {"calls": {"reads": -1, "scores": 0, "devops": 0}},
        {"left_out": [{"service": "Azure DevOps", "reason": "", "codes": []}]},
        {"organization": 1},
        {"extra": 1},
        {"results": [{"code": "AAA001"}]},
        {"summary": {"pass": 1}},
    ],
)
def test_schema_refuses_what_it_should(broken: dict[str, object]) -> None:
    document = json.loads(FORMATS["json"]().report(report(Outcome.PASS), View()))
    with pytest.raises(jsonschema.ValidationError):
        validate({**document, **broken})


def test_schema_wants_a_finding_on_a_failure() -> None:
    document = json.loads(FORMATS["json"]().report(report(Outcome.FAIL), View()))
    document["results"][0]["finding"] = None
    with pytest.raises(jsonschema.ValidationError):
        validate(document)


def test_failure_shows_seen_expected_first_hint_and_command() -> None:
    text = terminal(report(Outcome.FAIL, Outcome.PASS))
    for part in ("1 of 2 passed · 1 to fix", "seen → this", "expected that", "first", "az thing show", "2 hints left"):
        assert part in text
    assert "second" not in text


def test_hints_go_as_far_as_asked() -> None:
    text = terminal(report(Outcome.FAIL), View(hints=3))
    assert "third" in text
    assert "left" not in text
    assert "first" not in terminal(report(Outcome.FAIL), View(hints=0))


def test_outcomes_are_told_apart_without_colour() -> None:
    text = terminal(report(*Outcome))
    assert "\x1b" not in text
    for part in ("✓", "to fix", "blocked by BBB001", "waiting", "not looked at", "broken check"):
        assert part in text


def test_colour_changes_no_words() -> None:
    import re

    coloured = terminal(report(*Outcome), View(colour=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == terminal(report(*Outcome))


def test_terminal_without_symbols_gets_ascii() -> None:
    assert terminal(report(*Outcome), View(symbols=False)).isascii()


def test_markup_of_strangers_is_text() -> None:
    finding = replace(FINDING, seen="[bold red]seen[/] :smile:")
    found = replace(report(), results=(result(Outcome.FAIL, finding=finding),))
    assert "[bold red]seen[/] :smile:" in terminal(found)


def test_a_command_is_never_wrapped() -> None:
    command = "az " + "word " * 60 + "end"
    found = replace(report(), results=(result(Outcome.FAIL, finding=replace(FINDING, commands=(command,))),))
    assert command in terminal(found, View(width=40))


def test_footer_counts_calls_and_tells_seed_and_target() -> None:
    text = terminal(report(Outcome.PASS))
    assert "evidence: 18 reads, 2 scores · target Sandbox · seed 7" in text
    assert "all is well" in text
    assert "r-1 r-2" in terminal(report(Outcome.PASS), View(verbose=True))


def test_what_was_left_out_is_said_first_and_does_not_count() -> None:
    left_out = LeftOut(Service.DEVOPS, "not configured", ("PRJ001", "PRJ002"))
    found = replace(report(Outcome.PASS), left_out=(left_out,))
    assert terminal(found).startswith("Azure DevOps: not configured, 2 checks left out")
    assert "1 of 1 checks passed" in terminal(found)
    assert exit_code(found) == 0
    document = json.loads(FORMATS["json"]().report(found, View()))
    validate(document)
    assert document["left_out"] == [
        {"service": "Azure DevOps", "reason": "not configured", "codes": ["PRJ001", "PRJ002"]}
    ]


def test_footer_names_the_organisation_that_was_looked_at() -> None:
    found = replace(report(Outcome.PASS), organization="https://dev.azure.com/ada", calls=Calls(18, 2, 12))
    assert "18 reads, 2 scores, 12 calls to Azure DevOps · target Sandbox · https://dev.azure.com/ada" in terminal(
        found
    )
    document = json.loads(FORMATS["json"]().report(found, View()))
    validate(document)
    assert (document["organization"], document["calls"]["devops"]) == ("https://dev.azure.com/ada", 12)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ((Outcome.PASS, Outcome.PASS), 0),
        ((Outcome.PASS, Outcome.FAIL), 1),
        ((Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR), 1),
        ((Outcome.UNKNOWN,), 3),
        ((Outcome.PASS, Outcome.WAITING), 3),
        ((Outcome.PASS, Outcome.ERROR), 3),
        ((Outcome.UNKNOWN, Outcome.BLOCKED), 3),
    ],
)
def test_exit_codes(outcomes: tuple[Outcome, ...], code: int) -> None:
    assert exit_code(report(*outcomes)) == code


@pytest.mark.parametrize("name", ["csv", "json", "terminal"])
def test_catalogue_lists_every_check(name: str) -> None:
    catalogue = FORMATS[name]().catalogue
    assert catalogue is not None
    text = catalogue(CHECKS, View())
    assert all(code in text for code in CHECKS)
