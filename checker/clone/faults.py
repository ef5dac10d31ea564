"""A scoring service on loopback that can be told to be wrong: what the learner's integration tests are shown.

It keeps the contract of the workshop's score.py: POST {"data": [[ten numbers]]} with a bearer token, 401 without, 400
for bad input, else {"predictions": [...], "model": "name:version"}. Each fault breaks one part of that.
"""

import contextlib
import csv
import json
import math
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "diabetes-model:7"
FEATURES = 10
LARGEST = 0.5  # of a standardised feature
MOST_BYTES = 1_000_000
RIDGE = 1e-3  # keeps the normal equations solvable; far below what the columns need

Rows = Sequence[Sequence[float]]
Predict = Callable[[Rows], list[float]]


@dataclass(frozen=True)
class Fault:
    """A way to be wrong: what a message calls it, and what it answers to a good request.

    One that does not refuse answers whatever it is sent; one that takes raw values refuses only what is no number.
    """

    name: str
    answer: Callable[[Predict, Rows], Mapping[str, Any]]
    refuses: bool = True
    takes_raw: bool = False


def _healthy(predict: Predict, rows: Rows) -> Mapping[str, Any]:
    return {"predictions": predict(rows), "model": MODEL}


def _error_as_answer(predict: Predict, rows: Rows) -> Mapping[str, Any]:
    return {"error": "could not predict: the model has another number of features"}


def _out_of_range(predict: Predict, rows: Rows) -> Mapping[str, Any]:
    return {"predictions": [100 * value for value in predict(rows)], "model": MODEL}


def _shuffled(predict: Predict, rows: Rows) -> Mapping[str, Any]:
    return {"predictions": predict([list(reversed(row)) for row in rows]), "model": MODEL}


HEALTHY = Fault("a healthy service", _healthy)
FAULTS = (
    Fault("an error text with status 200", _error_as_answer, refuses=False),
    Fault("predictions a hundred times too large, raw values taken", _out_of_range, takes_raw=True),
    Fault("a model that gets its columns in another order", _shuffled),
)


class BadRequest(Exception):
    """A body that the contract does not allow."""


@dataclass
class FaultyService:
    """The service, listening on a free port of loopback while its `running` is entered."""

    predict: Predict
    fault: Fault
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """The scoring address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/score"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def respond(self, token: str, body: bytes) -> tuple[int, Mapping[str, Any]]:
        """Status and document for a request."""
        if token != f"Bearer {self.key}":
            return 401, {"error": {"code": "Unauthorized", "message": "the key is missing or wrong"}}
        try:
            rows = read_rows(body, math.inf if self.fault.takes_raw else LARGEST)
        except BadRequest as problem:
            if self.fault.refuses:
                return 400, {"error": {"code": "BadInput", "message": str(problem)}}
            rows = [[0.0] * FEATURES]
        return 200, self.fault.answer(self.predict, rows)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            """One request. A service that answers scores logs nothing: the tests' own words are what counts."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length") or 0), MOST_BYTES)
                body = self.rfile.read(length)
                self._send(*service.respond(self.headers.get("Authorization", ""), body))

            def do_GET(self) -> None:
                self._send(405, {"error": {"code": "MethodNotAllowed", "message": "POST a request"}})

            def _send(self, status: int, document: Mapping[str, Any]) -> None:
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *arguments: object) -> None:
                return

        return Handler


def read_rows(body: bytes, largest: float) -> list[list[float]]:
    """The rows of a request, no value of which is further from 0 than `largest`. Raises BadRequest."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise BadRequest("the body is no JSON") from problem
    rows = document.get("data") if isinstance(document, dict) and set(document) == {"data"} else None
    if not isinstance(rows, list) or not rows or not all(_is_row(row, largest) for row in rows):
        raise BadRequest('expected {"data": [[ten standardised numbers], ...]}')
    return [[float(value) for value in row] for row in rows]


def _is_row(row: object, largest: float) -> bool:
    return isinstance(row, list) and len(row) == FEATURES and all(_is_feature(value, largest) for value in row)


def _is_feature(value: object, largest: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= largest


def fit(table: str) -> Predict:
    """A linear model of a CSV file's rows, ten features and the target. Raises ValueError for another file."""
    lines = list(csv.reader(table.splitlines()))[1:]
    rows = [[float(cell) for cell in line] for line in lines]
    if not rows or any(len(row) != FEATURES + 1 or not all(map(math.isfinite, row)) for row in rows):
        raise ValueError(f"expected rows of {FEATURES + 1} finite numbers")
    features = [[1.0, *row[:-1]] for row in rows]
    weights = _least_squares(features, [row[-1] for row in rows])
    return lambda asked: [math.fsum(map(float.__mul__, weights, [1.0, *map(float, row)])) for row in asked]


def _least_squares(rows: Rows, target: Sequence[float]) -> list[float]:
    """Weights that minimise the squared error, by the normal equations and elimination with pivots."""
    size = len(rows[0])
    matrix = [
        [
            *(math.fsum(row[i] * row[j] for row in rows) + RIDGE * (i == j > 0) for j in range(size)),
            math.fsum(row[i] * value for row, value in zip(rows, target, strict=True)),
        ]
        for i in range(size)
    ]
    for column in range(size):
        pivot = max(range(column, size), key=lambda index: abs(matrix[index][column]))
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        for index in range(size):
            if index != column:
                factor = matrix[index][column] / matrix[column][column]
                matrix[index] = [a - factor * b for a, b in zip(matrix[index], matrix[column], strict=True)]
    return [matrix[index][size] / matrix[index][index] for index in range(size)]
