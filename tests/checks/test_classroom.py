"""A simulated class: every mistake under the right attendee and check, and nothing else."""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from journey.classroom import COLUMNS, SEEN_FROM_OUTSIDE, Seat, fill_class, plan_class, write_answers, write_roster
from journey.errors import JourneyError
from journey.mistakes import MISTAKES
from journey.mistakes.registry import modules_to
from journey.worlds import open_ground
from tests.conftest import REPOSITORY, Sandbox

CRIES = ("fail", "waiting", "error")
MOST_SECONDS = 60


def cries(seats: list[Seat], sandbox: Sandbox, folder: Path) -> dict[str, dict[str, str]]:
    """What `checker class check` says of the modules that each attendee has reached: codes that are not quiet, by name.

    Nobody gave it the keys of staging, so what wants them is unknown, and counts neither way.
    """
    roster = folder / "roster.csv"
    write_roster(seats, open_ground({**os.environ, **sandbox.environment}, REPOSITORY), roster)
    command = [sys.executable, "-m", "checker", "class", "check", "--roster", str(roster), "--format", "json"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    document = json.loads(done.stdout)
    modules = {one["code"]: one["module"] for one in document["checks"]}
    reached = {seat.name: modules_to(seat.module) for seat in seats}
    return {
        one["name"]: {
            result["code"]: result["outcome"]
            for result in one["results"]
            if result["outcome"] in CRIES and modules[result["code"]] in reached[one["name"]]
        }
        for one in document["attendees"]
    }


def fill(attendees: int, seed: int, sandbox: Sandbox, folder: Path) -> list[Seat]:
    seats = plan_class(attendees, 0.5 if attendees < 10 else 0.3, seed)
    told: list[str] = []
    fill_class(seats, open_ground({**os.environ, **sandbox.environment}, REPOSITORY), folder, told.append)
    assert len(told) == attendees
    return seats


def test_class_of_six_has_its_mistakes_where_the_answers_say(sandbox: Sandbox, tmp_path: Path) -> None:
    seats = fill(6, 3, sandbox, tmp_path)
    assert sum(bool(seat.mistake) for seat in seats) == 3
    expected = {seat.name: {seat.code: seat.outcome} if seat.mistake else {} for seat in seats}
    assert cries(seats, sandbox, tmp_path) == expected


@pytest.mark.slow
def test_class_of_twenty_is_there_within_a_minute(sandbox: Sandbox, tmp_path: Path) -> None:
    began = time.monotonic()
    seats = fill(20, 7, sandbox, tmp_path)
    assert time.monotonic() - began < MOST_SECONDS
    expected = {seat.name: {seat.code: seat.outcome} if seat.mistake else {} for seat in seats}
    assert cries(seats, sandbox, tmp_path) == expected


def test_roster_holds_no_secret_and_the_answers_hold_the_mistakes(sandbox: Sandbox, tmp_path: Path) -> None:
    seats = plan_class(20, 0.3, 7)
    ground = open_ground({**os.environ, **sandbox.environment}, REPOSITORY)
    write_roster(seats, ground, tmp_path / "roster.csv")
    write_answers(seats, tmp_path / "answers.json")
    text = (tmp_path / "roster.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [row["suffix"] for row in rows] == [seat.suffix for seat in seats]
    assert sandbox.environment["AZURE_DEVOPS_EXT_PAT"] not in text
    answers = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))["attendees"]
    assert sum(bool(one["code"]) for one in answers) == 6


def test_one_seed_is_one_class_and_another_another() -> None:
    assert plan_class(20, 0.3, 7) == plan_class(20, 0.3, 7)
    assert [seat.module for seat in plan_class(20, 0.3, 8)] != [seat.module for seat in plan_class(20, 0.3, 7)]


def test_class_of_nobody_is_refused() -> None:
    with pytest.raises(JourneyError, match="0 attendees"):
        plan_class(0, 0.3, 7)


def test_mistakes_of_a_class_are_of_the_corpus_and_need_no_switch() -> None:
    assert [one for one in SEEN_FROM_OUTSIDE if one not in MISTAKES or MISTAKES[one].switches] == []
