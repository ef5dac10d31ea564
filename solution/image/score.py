"""Serves the diabetes model: the entry script of azureml-inference-server-http, in staging and in production.

Request:  POST /score with {"data": [[ten numbers], ...]}, the features standardised and in the order of FEATURES.
Answer:   200 {"predictions": [...], "model": "name:version"}
          400 {"error": {"code": "BadInput", "message": ...}} when the request is not that
          401 when SCORING_KEY is set and the request does not carry it as a bearer token
          500 from the server when the model fails: an exception is never dressed up as an answer
"""

import hmac
import json
import logging
import math
import os
from pathlib import Path
from typing import Any

from azureml_inference_server_http.api.aml_response import AMLResponse

FEATURES = ("AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6")
LARGEST = (
    0.5  # standardised features lie within 0.2; an age in years or a weight in kilograms is no standardised feature
)
MOST_ROWS = 1000

log = logging.getLogger("azmlinfsrv.score")
model: Any = None
collectors: dict[str, Any] = {}


class BadInput(Exception):
    """The request is not what the model takes; the message says what was seen and what is expected."""


def find_model(folder: Path) -> Path:
    """Returns the one model.joblib beneath a folder. Raises FileNotFoundError when there is none or more than one."""
    found = sorted(folder.rglob("model.joblib"))
    if len(found) != 1:
        raise FileNotFoundError(f"{folder}: expected one model.joblib, saw {len(found)}")
    return found[0]


def init() -> None:
    """Loads the model once, when the server starts."""
    import joblib

    global model
    path = find_model(Path(os.environ["AZUREML_MODEL_DIR"]))
    model = joblib.load(path)
    open_collectors()
    log.info("serving %s", model_name())


def model_name() -> str:
    """Returns the registered model's name and version; the image carries it."""
    return os.environ.get("MODEL", "unregistered")


# --8<-- [start:m7-honest-errors]
def run(raw_data: str, request_headers: dict[str, str]) -> AMLResponse:
    """Answers one request. What the model raises is left to the server, which answers 500 and logs it."""
    if not key_accepted(request_headers):
        return error(401, "Unauthorized", "The key is missing or wrong: send it as 'Authorization: Bearer <key>'.")
    try:
        rows = read_rows(raw_data)
    except BadInput as problem:
        return error(400, "BadInput", str(problem))
    predictions = predict(rows)
    collect(rows, predictions)
    return AMLResponse({"predictions": predictions, "model": model_name()}, 200, json_str=True)


# --8<-- [end:m7-honest-errors]


# --8<-- [start:m13-collect]
def open_collectors() -> None:
    """Starts the collectors where the deployment has them. In staging no AZUREML_MDC_ variable is set, and none start.

    The names are those of the deployment's data_collector. A collector that cannot collect warns and does not raise:
    an answer is worth more than its record.
    """
    if not any(name.startswith("AZUREML_MDC_") for name in os.environ):
        return
    from azureml.ai.monitoring import Collector

    for name in ("model_inputs", "model_outputs"):
        collectors[name] = Collector(name=name, on_error=lambda problem: log.warning("not collected: %s", problem))


def collect(rows: list[list[float]], predictions: list[float]) -> None:
    """Hands what was asked and what was answered to the collectors; one id says that they belong together."""
    if not collectors:
        return
    import pandas

    context = collectors["model_inputs"].collect(pandas.DataFrame(rows, columns=list(FEATURES)))
    collectors["model_outputs"].collect(pandas.DataFrame({"prediction": predictions}), context)


# --8<-- [end:m13-collect]


def predict(rows: list[list[float]]) -> list[float]:
    """Returns one prediction per row. Raises ArithmeticError when the model answers something that is no number."""
    predictions = [float(value) for value in model.predict(rows)]
    if not all(map(math.isfinite, predictions)):
        raise ArithmeticError("the model answered a value that is not finite")
    return predictions


def error(status: int, code: str, message: str) -> AMLResponse:
    """Returns a client error as the HTTP status that it is."""
    return AMLResponse({"error": {"code": code, "message": message}}, status, json_str=True)


def key_accepted(headers: dict[str, str]) -> bool:
    """Says whether the request may be answered. Without SCORING_KEY the platform in front of the server checks keys."""
    key = os.environ.get("SCORING_KEY", "")
    if not key:
        return True
    sent = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    return hmac.compare_digest(sent.encode(), f"Bearer {key}".encode())


def read_rows(raw_data: str) -> list[list[float]]:
    """Returns the rows of a request. Raises BadInput."""
    if not raw_data:
        raise BadInput("The body is empty: send JSON with the header 'Content-Type: application/json'.")
    try:
        body = json.loads(raw_data)
    except (ValueError, RecursionError) as problem:
        raise BadInput(f"The body is no JSON: {problem}") from problem
    if not isinstance(body, dict) or set(body) != {"data"} or not isinstance(body["data"], list):
        raise BadInput('Expected {"data": [[ten numbers], ...]}.')
    if not 1 <= len(body["data"]) <= MOST_ROWS:
        raise BadInput(f"Expected 1 to {MOST_ROWS} rows, saw {len(body['data'])}.")
    return [read_row(number, row) for number, row in enumerate(body["data"])]


def read_row(number: int, row: Any) -> list[float]:
    """Returns one row of ten numbers. Raises BadInput, with the row's number and the feature's name."""
    if not isinstance(row, list) or len(row) != len(FEATURES):
        seen = f"{len(row)} values" if isinstance(row, list) else type(row).__name__
        raise BadInput(f"Row {number}: expected {len(FEATURES)} numbers ({', '.join(FEATURES)}), saw {seen}.")
    return [read_value(number, name, value) for name, value in zip(FEATURES, row, strict=True)]


def read_value(number: int, name: str, value: Any) -> float:
    """Returns one feature. True is a number to Python, not to us; NaN fails the comparison. Raises BadInput."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadInput(f"Row {number}, {name}: expected a number, saw {type(value).__name__}.")
    # --8<-- [start:m7-standardised-input]
    if not abs(value) <= LARGEST:
        raise BadInput(f"Row {number}, {name}: expected a standardised value within {LARGEST} of 0, saw {value!r:.40}.")
    # --8<-- [end:m7-standardised-input]
    return float(value)
