"""What is kept on this machine: first passes stay, writers take turns, a damaged file is not overwritten."""

import multiprocessing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from checker_wire import SUBSCRIPTION, WORKSHOP

from checker.checks import CHECKS
from checker.errors import CheckerError
from checker.model import AttendeeReport, Calls, Check, CheckResult, Evidence, Finding, Outcome
from checker.progress import Memory, QuizMemory, climb, record, record_quiz, remembered, remembered_quizzes
from checker.reports import View
from checker.reports.progress import render_progress
from checker.settings import Settings, read_settings
from checker.store import Store

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
LADDER = ("look there", "the name is wrong", "rename it")
CODE = "WSP001"


@pytest.fixture
def settings() -> Settings:
    return read_settings(WORKSHOP, {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home" / "progress.json")


def report(outcome: Outcome, at: datetime = NOON, seen: str = "nothing", check: Check = CHECKS[CODE]) -> AttendeeReport:
    finding = None if outcome is Outcome.PASS else Finding(seen, "something", LADDER)
    evidence = Evidence("there") if outcome is Outcome.PASS else None
    result = CheckResult(check, outcome, finding, evidence, 0.1)
    return AttendeeReport("abc", SUBSCRIPTION, "Azure", at, 1.0, 7, Calls(1, 0), (), (result,))


def test_the_first_pass_stays_while_the_outcome_moves(store: Store, settings: Settings) -> None:
    later = NOON + timedelta(hours=1)
    record(store, settings, report(Outcome.PASS))
    record(store, settings, report(Outcome.FAIL, later))
    found = record(store, settings, report(Outcome.FAIL, later + timedelta(hours=1)))
    kept = remembered(store, settings)[CODE]
    assert (kept.outcome, kept.first_passed_at, kept.since) == (Outcome.FAIL, NOON, later)
    assert found.results[0].first_passed_at == NOON


def test_a_look_that_ends_late_does_not_overwrite_a_newer_one(store: Store, settings: Settings) -> None:
    record(store, settings, report(Outcome.FAIL, NOON))
    record(store, settings, report(Outcome.PASS, NOON - timedelta(minutes=5)))
    kept = remembered(store, settings)[CODE]
    assert (kept.outcome, kept.first_passed_at) == (Outcome.FAIL, NOON - timedelta(minutes=5))


def test_attendees_are_told_apart_by_suffix_project_and_organisation(store: Store, settings: Settings) -> None:
    record(store, settings, report(Outcome.PASS))
    assert remembered(store, replace(settings, suffix="other")) == {}
    assert remembered(store, replace(settings, devops=replace(settings.devops, project="Other"))) == {}


def test_secrets_are_masked_before_they_are_kept(store: Store, settings: Settings) -> None:
    record(store, settings, report(Outcome.FAIL, seen="key hunter2"), lambda text: text.replace("hunter2", "***"))
    assert "hunter2" not in store.file.read_text(encoding="utf-8")


def test_hints_go_down_one_rung_at_a_time_and_begin_again_when_the_finding_is_another(
    store: Store, settings: Settings
) -> None:
    record(store, settings, report(Outcome.FAIL))
    rungs = [climb(store, settings, CODE, LADDER, more) for more in (True, False, True, True, True)]
    assert rungs == [1, 1, 2, 3, 3]
    record(store, settings, report(Outcome.FAIL))
    assert climb(store, settings, CODE, LADDER, False) == 3
    assert climb(store, settings, CODE, ("another",), True) == 1
    assert remembered(store, settings)[CODE].hints == 3


def test_quizzes_are_kept(store: Store, settings: Settings) -> None:
    record_quiz(store, settings, "M10", QuizMemory(2, 3, NOON))
    assert remembered_quizzes(store, settings) == {"M10": QuizMemory(2, 3, NOON)}


@pytest.mark.parametrize("text", ["", "[]", '{"version": 9, "attendees": {}}', '{"attendees": []}'])
def test_a_file_of_somebody_else_is_refused_and_left_alone(store: Store, settings: Settings, text: str) -> None:
    store.file.parent.mkdir(parents=True)
    store.file.write_text(text, encoding="utf-8")
    with pytest.raises(CheckerError, match="where your progress is kept"):
        record(store, settings, report(Outcome.PASS))
    assert store.file.read_text(encoding="utf-8") == text


def _count(file: Path, times: int) -> None:
    for _ in range(times):
        Store(file).change(lambda document: document.update(count=document.get("count", 0) + 1))


def test_writers_of_several_processes_lose_nothing(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_count, args=(store.file, 50)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert store.read()["count"] == 100
    assert sorted(file.name for file in store.file.parent.iterdir()) == ["progress.json", "progress.lock"]


def test_the_tick_list_tells_passed_once_from_passing_now() -> None:
    checks = {
        "WSP001": Memory(Outcome.PASS, "", NOON, NOON, NOON),
        "WSP002": Memory(Outcome.FAIL, "no cluster", NOON, NOON, NOON, hints=2),
        "CMP001": Memory(Outcome.BLOCKED, "", NOON, NOON),
    }
    text = render_progress(checks, {"M6": QuizMemory(1, 2, NOON)}, View(), NOON + timedelta(minutes=95))
    assert "[x] WSP001" in text
    assert "[x] WSP002" in text
    assert "to fix for 1 h 35 min, 2 hints" in text
    assert "no cluster" in text
    assert "questions 1 of 2" in text
    assert f"2 of {len(CHECKS)} checks have passed" in text


def test_nothing_known_says_what_to_type() -> None:
    assert "nothing was looked at yet: checker check" in render_progress({}, {}, View())
