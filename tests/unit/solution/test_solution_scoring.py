"""The integration tests are green on the solution's own server, and red on each of the faults they are there for."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[3]
Serve = Callable[..., AbstractContextManager[tuple[str, str]]]

# Appended to score.py: each takes the place of one function, and stands for one mistake.
FAULTS = {
    "the model raises": ("def predict(rows):\n    raise RuntimeError('no')\n", "test_one_finite_prediction_per_row"),
    "the model raises and the script hides it": (
        "def predict(rows):\n    return 'Error: no'\n",
        "test_one_finite_prediction_per_row",
    ),
    "answers are out of range": (
        "def predict(rows):\n    return [31911.0 for _ in rows]\n",
        "test_predictions_are_in_the_range_of_the_target",
    ),
    "answers are one constant": (
        "def predict(rows):\n    return [152.0 for _ in rows]\n",
        "test_predictions_follow_the_target",
    ),
    "one answer is missing": (
        "def predict(rows):\n    return [float(v) for v in model.predict(rows)][1:]\n",
        "test_one_finite_prediction_per_row",
    ),
    "any key opens": (
        "def key_accepted(headers):\n    return True\n",
        "test_without_the_key_there_is_no_answer[a wrong key]",
    ),
    "bad input is scored": (
        "good_rows = read_rows\ndef read_rows(raw):\n"
        "    try:\n        return good_rows(raw)\n    except BadInput:\n        return [[0.0] * 10]\n",
        "test_bad_input_is_refused_as_the_callers_error[nine numbers]",
    ),
    "bad input breaks the server": (
        "def read_rows(raw):\n    return json.loads(raw)['data']\n",
        "test_bad_input_is_refused_as_the_callers_error[nine numbers]",
    ),
}


def failed_tests(served: tuple[str, str], tmp_path: Path, **settings: str) -> set[str]:
    """Returns the names of the integration tests that are red against a server."""
    report, key_file = tmp_path / "report.xml", tmp_path / "key"
    key_file.write_text(served[1])
    environment = {**os.environ, "SCORING_URL": served[0], "SCORING_KEY_FILE": str(key_file), **settings}
    tests = ROOT / "solution/tests/integration"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tests), "--junitxml", str(report)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    assert len(cases) > 15, done.stdout
    red = {case.attrib["name"] for case in cases if case.find("failure") is not None or case.find("error") is not None}
    assert done.returncode == (1 if red else 0), done.stdout
    return red


def test_the_solution_is_green(serve: Serve, tmp_path: Path) -> None:
    """All integration tests pass, and a server that names another model than the release's is found out."""
    with serve() as served:
        assert failed_tests(served, tmp_path, SCORING_MODEL="diabetes:1") == set()
        assert failed_tests(served, tmp_path, SCORING_MODEL="diabetes:2") == {"test_the_answer_names_the_model"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_red(serve: Serve, tmp_path: Path, fault: str) -> None:
    """The test that looks for the fault is among the red ones."""
    appended, expected = FAULTS[fault]
    with serve(f"\n\n{appended}") as served:
        assert expected in failed_tests(served, tmp_path)


def test_a_slow_model_is_red(serve: Serve, tmp_path: Path) -> None:
    """The latency bound is one that can fail."""
    slow = "\n\nfast = predict\ndef predict(rows):\n    import time\n    time.sleep(0.3)\n    return fast(rows)\n"
    with serve(slow) as served:
        assert failed_tests(served, tmp_path, SCORING_LATENCY_SECONDS="0.2") == {"test_one_row_is_answered_in_time"}


def test_the_scripts_own_answers(serve: Serve) -> None:
    """The statuses and messages that score.py promises, exactly."""
    with serve() as (url, secret):
        key = {"Authorization": f"Bearer {secret}"}
        ages = requests.post(url, json={"data": [[59.0] + [0.0] * 9]}, headers=key, timeout=30)
        assert (ages.status_code, ages.json()["error"]["code"]) == (400, "BadInput")
        assert "Row 0, AGE: expected a standardised value within 0.5 of 0, saw 59.0" in ages.json()["error"]["message"]
        truth = requests.post(url, json={"data": [[True] + [0.0] * 9]}, headers=key, timeout=30)
        assert (truth.status_code, "saw bool" in truth.text) == (400, True)
        many = requests.post(url, json={"data": [[0.0] * 10] * 1001}, headers=key, timeout=30)
        assert (many.status_code, "saw 1001" in many.text) == (400, True)
        form = requests.post(url, data={"data": "1"}, headers=key, timeout=30)
        assert (form.status_code, "Content-Type: application/json" in form.text) == (400, True)
