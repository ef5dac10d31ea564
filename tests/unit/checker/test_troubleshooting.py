"""The catalogue of known lines: each finds its own example, none finds another's, and the first line comes first."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from checker_wire import WORKSHOP

from checker.checks import CHECKS
from checker.model import MODULES
from checker.troubleshooting import CATALOGUE, Trouble
from checker.troubleshooting.reading import read_log

QUIET = """2026-11-24T12:00:01.1234567Z ##[section]Starting: Train, evaluate, register
2026-11-24T12:00:02.1234567Z Collecting scikit-learn==1.9.1
2026-11-24T12:00:03.1234567Z Successfully installed scikit-learn-1.9.1
2026-11-24T12:00:04.1234567Z 4 passed in 0.35s
2026-11-24T12:00:05.1234567Z registered diabetes-model-abc:1 with mse 3019.08, status 200
2026-11-24T12:00:06.1234567Z ##[section]Finishing: Train, evaluate, register
"""


def names(trouble: Trouble) -> str:
    return trouble.id


@pytest.mark.parametrize("trouble", CATALOGUE, ids=names)
def test_an_example_is_recognised_as_its_own_trouble_and_as_no_other(trouble: Trouble) -> None:
    assert [sighting.trouble.id for sighting in read_log([trouble.example]).sightings] == [trouble.id]


@pytest.mark.parametrize("trouble", CATALOGUE, ids=names)
def test_an_entry_is_complete(trouble: Trouble) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", trouble.id)
    assert trouble.module in MODULES
    assert not trouble.check or trouble.check in CHECKS
    assert all((trouble.title, trouble.cause, trouble.remedy))
    assert not trouble.title.endswith(".")
    assert trouble.cause.endswith(".")
    assert trouble.remedy.endswith((".", "-"))


def test_there_are_many_and_no_id_is_taken_twice() -> None:
    assert len(CATALOGUE) >= 40
    assert len({trouble.id for trouble in CATALOGUE}) == len(CATALOGUE)


def test_a_log_of_a_good_run_shows_nothing() -> None:
    diagnosis = read_log(QUIET.splitlines())
    assert (diagnosis.lines, diagnosis.sightings, diagnosis.unknown) == (6, (), None)


def test_the_first_error_comes_first_and_each_is_said_once() -> None:
    log = [
        *QUIET.splitlines(),
        "2026-11-24T12:00:07.1Z \x1b[31m##[error]ModuleNotFoundError: No module named 'sklearn'\x1b[0m",
        "ModuleNotFoundError: No module named 'sklearn'",
        "##[error]Bash exited with code '1'.",
    ]
    found = read_log(log).sightings
    assert [(sighting.number, sighting.trouble.id) for sighting in found] == [
        (7, "module-not-found"),
        (9, "non-zero-exit"),
    ]
    assert found[0].line == "##[error]ModuleNotFoundError: No module named 'sklearn'"


def test_an_unknown_error_before_a_known_one_is_not_hidden() -> None:
    diagnosis = read_log(["ValueError: of another world", "##[error]Bash exited with code '1'."])
    assert diagnosis.unknown == (1, "ValueError: of another world")
    assert [sighting.number for sighting in diagnosis.sightings] == [2]


def explain(*words: str, pasted: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checker", "explain", *words],
        cwd=WORKSHOP.parent,
        input=pasted,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def test_a_pasted_line_gets_cause_remedy_module_and_check() -> None:
    done = explain("--log", "-", pasted="##[error]No hosted parallelism has been purchased or granted.\n")
    assert done.returncode == 0
    for part in ("line 1", "free grant", "checker check ORG002", "M0", "#no-hosted-parallelism"):
        assert part in done.stdout


def test_a_file_as_json(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    log.write_bytes(b"\xff\xfe broken\r\nTF401019: no\r\n")
    document = json.loads(explain("--log", str(log), "--format", "json").stdout)
    assert document["schema"] == "mlops-workshop/checker-diagnosis"
    assert [(found["number"], found["id"]) for found in document["sightings"]] == [(2, "git-repository-hidden")]


def test_nothing_known_says_what_was_searched(tmp_path: Path) -> None:
    done = explain("--log", "-", pasted=QUIET + "RuntimeError: nobody knows me\n")
    assert done.returncode == 3
    assert f"7 lines were searched for {len(CATALOGUE)} kinds of error" in done.stdout
    assert "nobody knows me" in done.stdout


def test_a_file_that_is_not_there_and_both_or_neither() -> None:
    done = explain("--log", "not-there.log")
    assert done.returncode == 2
    assert "not-there.log" in done.stderr
    assert explain().returncode == explain("STG003", "--log", "-").returncode == 2
