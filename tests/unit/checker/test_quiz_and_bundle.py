"""The questions are complete, answered here and kept; the bundle tells what helps, and no secret."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checker_wire import SUBSCRIPTION, WORKSHOP

from checker.diagnosis import redact
from checker.masking import Secrets
from checker.model import MODULES
from checker.questions import FOLDER, file_of, read_questions
from checker.settings import ConfigurationError

ROOT = WORKSHOP.parent
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiIxIn0.c2lnbmF0dXJl"


def run(home: Path, *words: str, pasted: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "ARM_", "WORKSHOP_"))}
    return subprocess.run(
        [sys.executable, "-m", "checker", *words],
        cwd=ROOT,
        env={**kept, "MLOPS_CHECKER_HOME": str(home), "PYTHONUTF8": "1", **environment},
        input=pasted,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_two_or_three_questions_with_a_reason_for_each_choice(module: str) -> None:
    questions = read_questions(file_of(ROOT, module))
    assert 2 <= len(questions) <= 3
    for question in questions:
        assert len(set(question.choices)) == len(question.choices) == len(set(question.reasons))
        assert all(reason.endswith(".") for reason in question.reasons)


def test_no_file_lies_there_that_no_module_reads_and_the_right_one_is_not_always_the_same() -> None:
    files = {file_of(ROOT, module) for module in MODULES}
    assert files == set((ROOT / FOLDER).iterdir())
    answers = [question.answer for file in files for question in read_questions(file)]
    assert all(answers.count(place) >= len(answers) // 5 for place in range(3))


def test_right_answers_are_kept_and_shown_as_progress(tmp_path: Path) -> None:
    right = ",".join(str(question.answer + 1) for question in read_questions(file_of(ROOT, "M10")))
    done = run(tmp_path, "quiz", "m10", "--answers", right)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 of 3 right"), done.stderr
    assert "questions 3 of 3" in run(tmp_path, "progress").stdout
    document = json.loads(run(tmp_path, "progress", "--format", "json").stdout)
    assert document["quizzes"]["M10"]["right"] == 3


def test_asked_at_a_terminal_it_asks_again_after_nonsense_and_gives_both_reasons(tmp_path: Path) -> None:
    first, second = read_questions(file_of(ROOT, "M1"))
    wrong = (first.answer + 1) % len(first.choices)
    done = run(tmp_path, "quiz", "M1", pasted=f"9\nx\n{wrong + 1}\n{second.answer + 1}\n")
    assert done.returncode == 1
    for text in (first.reasons[wrong], first.reasons[first.answer], second.reasons[second.answer], "1 of 2 right"):
        assert text in done.stdout


def test_an_input_that_ends_keeps_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "quiz", "M1", pasted="1\n").returncode == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answers", ["1", "1,2,3,1", "0,1,1", "a,b,c", "1,1,4"])
def test_answers_that_do_not_fit_are_refused(tmp_path: Path, answers: str) -> None:
    done = run(tmp_path, "quiz", "M10", "--answers", answers)
    assert done.returncode == 2
    assert "1 to 3, 1 to 3, 1 to 3" in done.stderr


@pytest.mark.parametrize("text", ["", "question = 1", "[[question]]\nask = 'a'", "x ="])
def test_a_broken_file_of_questions_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "M01.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"labs/quiz/M01\.toml"):
        read_questions(file)


def test_a_bundle_tells_versions_and_results_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "checker.log").write_text(f"Authorization: Bearer {JWT}\nhttps://a/b?sig=abc%2Fdef&x=1\n")
    secrets = {"AZURE_CLIENT_SECRET": "a-client-secret", "AZURE_DEVOPS_EXT_PAT": "a-personal-token"}
    more = {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, "WORKSHOP_STAGING_KEY": "a-staging-key", **secrets}
    run(tmp_path, "quiz", "M1", "--answers", "1,1", **more)
    text = run(tmp_path, "bundle", **more).stdout
    document = json.loads(run(tmp_path, "bundle", "--format", "json", **more).stdout)
    for secret in ("a-client-secret", "a-personal-token", "a-staging-key", JWT, "abc%2Fdef", SUBSCRIPTION):
        assert secret not in text
        assert secret not in json.dumps(document)
    assert document["settings"]["token"] == document["settings"]["staging key"] == "given"
    assert document["packages"]["requests"] != "not installed"
    assert "M1" in document["quizzes"]
    assert document["log"][0] == "Authorization: Bearer ***"


def test_a_bundle_of_a_broken_configuration_and_a_damaged_store_is_made_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    folder.mkdir()
    shutil.copy(WORKSHOP, folder / "workshop.toml")
    (tmp_path / "progress.json").write_text("{")
    file = str(folder / "workshop.toml")
    damaged = run(tmp_path, "bundle", "--config", file, AZURE_SUBSCRIPTION_ID=SUBSCRIPTION)
    assert damaged.returncode == 0
    assert "they cannot be read" in damaged.stdout
    (folder / "workshop.toml").write_text("[attendee]\nsuffix = abc\n")
    broken = run(tmp_path, "bundle", "--config", file)
    assert broken.returncode == 0
    assert "line 2" in broken.stdout


@pytest.mark.parametrize("text", [f"x {JWT}", "https://me:hunter22@host/x", "AccountKey=abcd;x", "Basic OmFiYw=="])
def test_what_looks_like_a_secret_is_masked_though_nobody_said_so(text: str) -> None:
    assert "***" in redact(text, Secrets())
