"""Asks a deployed model over HTTP what a caller would ask, and what a caller should not be able to ask.

    python -m pytest solution/tests/integration --junitxml build/staging.xml

SCORING_URL              the scoring address, .../score
SCORING_KEY_FILE         a file that holds the key; or SCORING_KEY, the key itself. Others can read a command line
SCORING_MODEL            optional: the name:version that must answer
SCORING_LATENCY_SECONDS  optional: the bound for one row, 2 by default
"""

import csv
import math
import os
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

LOWEST, HIGHEST = (
    25 - 25,
    346 + 25,
)  # the target's range in the data is 25 to 346; a linear model may step a little outside
TIMEOUT_SECONDS = 30
BAD_BODIES = {
    "nothing": b"",
    "no JSON": b"{data: ",
    "no object": b"[1, 2]",
    "another key": b'{"rows": []}',
    "no rows": b'{"data": []}',
    "nine numbers": b'{"data": [[0, 0, 0, 0, 0, 0, 0, 0, 0]]}',
    "a word": b'{"data": [["old", 0, 0, 0, 0, 0, 0, 0, 0, 0]]}',
    "a null": b'{"data": [[null, 0, 0, 0, 0, 0, 0, 0, 0, 0]]}',
    "not a number": b'{"data": [[NaN, 0, 0, 0, 0, 0, 0, 0, 0, 0]]}',
    "not standardised": b'{"data": [[59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.9, 87]]}',
}


def setting(name: str) -> str:
    """Returns an environment variable. Fails the test run with what to set when it is empty."""
    value = os.environ.get(name, "")
    if not value:
        pytest.fail(f"{name} is not set; the head of {Path(__file__).name} says what it holds.", pytrace=False)
    return value


def holdout_file() -> Path:
    """Returns the hold-out's path: beneath the nearest parent folder that has one."""
    for folder in Path(__file__).resolve().parents:
        path = folder / "labs" / "data" / "diabetes_holdout.csv"
        if path.is_file():
            return path
    pytest.fail("labs/data/diabetes_holdout.csv is in no parent folder of this test.", pytrace=False)


@pytest.fixture(scope="module")
def url() -> str:
    """The scoring address."""
    return setting("SCORING_URL")


@pytest.fixture(scope="module")
def key() -> str:
    """The scoring key."""
    if os.environ.get("SCORING_KEY"):
        return os.environ["SCORING_KEY"]
    return Path(setting("SCORING_KEY_FILE")).read_text(encoding="utf-8").strip()


@pytest.fixture(scope="module")
def session(key: str) -> Iterator[requests.Session]:
    """A session that sends the right key."""
    with requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        yield session


@pytest.fixture(scope="module")
def patients() -> list[list[float]]:
    """Twenty patients the model has not seen in training: ten features and the true target."""
    with holdout_file().open(encoding="utf-8", newline="") as text:
        rows = [[float(value) for value in row] for row in list(csv.reader(text))[1:]]
    return rows[:20]


@pytest.fixture(scope="module")
def answer(session: requests.Session, url: str, patients: list[list[float]]) -> dict[str, Any]:
    """The answer to a good request. A model that raises ends here: its answer is no 200."""
    reply = session.post(url, json={"data": [row[:-1] for row in patients]}, timeout=TIMEOUT_SECONDS)
    assert reply.status_code == 200, f"a good request was answered {reply.status_code}: {reply.text[:200]}"
    body: dict[str, Any] = reply.json()
    return body


def is_finite(value: Any) -> bool:
    """Says whether a prediction is a number at all."""
    return isinstance(value, int | float) and math.isfinite(value)


def mean_squared_error(target: list[float], predictions: list[float]) -> float:
    """Returns how far predictions are from the truth. With the mean as every prediction: what a model has to beat."""
    return statistics.fmean((y - value) ** 2 for y, value in zip(target, predictions, strict=True))


# --8<-- [start:m7-assertions]
def test_one_finite_prediction_per_row(answer: dict[str, Any], patients: list[list[float]]) -> None:
    """The answer has as many numbers as the request has rows."""
    predictions = answer.get("predictions")
    assert isinstance(predictions, list), f"no list of predictions in {sorted(answer)}"
    assert len(predictions) == len(patients)
    assert all(map(is_finite, predictions)), predictions


def test_predictions_are_in_the_range_of_the_target(answer: dict[str, Any]) -> None:
    """No patient's progression is predicted far from what any patient had."""
    outside = [value for value in answer["predictions"] if not LOWEST <= value <= HIGHEST]
    assert not outside, f"outside {LOWEST} to {HIGHEST}: {outside}"


def test_predictions_follow_the_target(answer: dict[str, Any], patients: list[list[float]]) -> None:
    """The predictions are nearer to the truth than the mean of the truth is: this model, these features, this order."""
    target = [row[-1] for row in patients]
    mean = statistics.fmean(target)
    assert mean_squared_error(target, answer["predictions"]) < mean_squared_error(target, [mean] * len(target))


def test_the_answer_names_the_model(answer: dict[str, Any]) -> None:
    """A caller can tell which version answered; where the release says which, it is that one."""
    assert ":" in str(answer.get("model")), f"model is {answer.get('model')!r}, expected name:version"
    if os.environ.get("SCORING_MODEL"):
        assert answer["model"] == os.environ["SCORING_MODEL"]


def test_the_same_row_gets_the_same_prediction(
    session: requests.Session, url: str, answer: dict[str, Any], patients: list[list[float]]
) -> None:
    """A row's prediction depends on that row alone."""
    reply = session.post(url, json={"data": [patients[3][:-1]]}, timeout=TIMEOUT_SECONDS)
    assert reply.json()["predictions"] == pytest.approx([answer["predictions"][3]])


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_input_is_refused_as_the_callers_error(session: requests.Session, url: str, body: bytes) -> None:
    """What the model does not take is a 4xx: not an answer, and not a failure of the server."""
    reply = session.post(url, data=body, timeout=TIMEOUT_SECONDS)
    assert 400 <= reply.status_code < 500, f"answered {reply.status_code}: {reply.text[:200]}"
    assert reply.status_code not in (401, 403), "the key was refused, so the body was not looked at"


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer "], ids=["no key", "a wrong key", "an empty key"])
def test_without_the_key_there_is_no_answer(url: str, patients: list[list[float]], header: str | None) -> None:
    """A caller who has not got the key gets nothing."""
    headers = {"Authorization": header} if header else {}
    reply = requests.post(url, json={"data": [patients[0][:-1]]}, headers=headers, timeout=TIMEOUT_SECONDS)
    assert reply.status_code == 401, f"answered {reply.status_code}"
    assert "predictions" not in reply.text


def test_one_row_is_answered_in_time(session: requests.Session, url: str, patients: list[list[float]]) -> None:
    """The median of five calls stays under the bound: one slow call is the network's, five are the model's."""
    bound = float(os.environ.get("SCORING_LATENCY_SECONDS", "2"))
    replies = [session.post(url, json={"data": [patients[0][:-1]]}, timeout=TIMEOUT_SECONDS) for _ in range(5)]
    assert statistics.median(reply.elapsed.total_seconds() for reply in replies) < bound


# --8<-- [end:m7-assertions]
