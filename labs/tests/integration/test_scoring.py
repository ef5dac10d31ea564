"""Asks a deployed model over HTTP what a caller would ask, and what a caller should not be able to ask.

    python -m pytest labs/tests/integration --junitxml build/staging.xml

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
# TODO (module 7): this test is green when the model raises, and green when its answers are absurd. The functions and
# fixtures above are there to write better ones: what must be true of an answer, of a refusal, of the time it takes?
def test_the_model_answers(session: requests.Session, url: str) -> None:
    """A patient is sent, and something comes back."""
    patient = [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.9, 87]
    reply = session.post(url, json={"data": [patient]}, timeout=TIMEOUT_SECONDS)
    assert reply.status_code == 200


# --8<-- [end:m7-assertions]
