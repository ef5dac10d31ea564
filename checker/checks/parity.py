"""Prediction parity: what an address answers, compared with the registered version's own numbers.

The artifact is model.json, plain numbers, evaluated here in pure Python. The pickled model beside it is never opened:
unpickling runs whatever its author wrote, on the machine of whoever checks.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from checker.checks.judgement import quote
from checker.checks.models import find_version
from checker.clients.documents import sequence, text
from checker.clients.http import Reply
from checker.context import FEATURE_RANGES, ROWS, CheckContext
from checker.errors import ServiceFault
from checker.model import Evidence, failed

TOLERANCE = 1e-6  # relative: the same coefficients in double precision, summed in another order
FORMAT = 1
ARTIFACT = "the version's model.json"


@dataclass(frozen=True)
class LinearModel:
    """A linear model of the workshop's ten features, in their order."""

    coefficients: tuple[float, ...]
    intercept: float

    def predict(self, row: Sequence[float]) -> float:
        return math.fsum([self.intercept, *(a * b for a, b in zip(self.coefficients, row, strict=True))])


def read_model(content: bytes, reference: str) -> LinearModel:
    """The model in an artifact. Raises Fail when it is not the agreed form."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        seen = f"model.json of {reference} is not JSON"
        raise failed(seen, "plain numbers, as the training step writes them") from error
    problem = _artifact_problem(document)
    if problem:
        raise failed(
            f"model.json of {reference}: {problem}",
            f"format {FORMAT}, kind linear, {len(FEATURE_RANGES)} features in order, a coefficient each, an intercept",
            "The training script writes this file beside the model.",
            "See describe() in solution/training/train.py.",
        )
    return LinearModel(tuple(map(float, document["coefficients"])), float(document["intercept"]))


def check_parity(context: CheckContext, reference: str, url: str, key: str, deployment: str = "") -> Evidence:
    """Score random rows at an address and by hand. Raises Fail where they differ, AccessError where it cannot look."""
    version = find_version(context, reference)
    if version is None:
        raise failed(
            f"`{quote(reference)}` is not a registered version", "the model version that is served is registered"
        )
    content = context.artifact(version)
    if content is None:
        raise failed(
            f"{reference} has no model.json beneath {quote(version.uri)}",
            "the training job's output, with model.json in it",
            "The version must be registered from the job's output, not from a single file.",
            commands=("python solution/training/register.py",),
        )
    model = read_model(content, reference)
    predictions = read_answer(context.score(url, key, deployment), reference)
    rows = context.rows()
    furthest = compare([model.predict(row) for row in rows], predictions, context.seed, reference)
    seen = f"{len(rows)} random rows agree with {reference} (seed {context.seed}, largest difference {furthest:.1e})"
    return Evidence(seen, {"model": reference, "seed": str(context.seed), "difference": repr(furthest)})


def read_answer(reply: Reply, reference: str) -> list[float]:
    """The predictions in an answer of the expected form. Raises Fail."""
    if reply.status != 200:
        raise failed(
            f"status {reply.status} {quote(reply.content.decode(errors='replace'))}".rstrip(),
            "status 200 and predictions",
            "The rows are ordinary ones, within the range of the data.",
            "The container's log holds the exception.",
        )
    document = _json(reply)
    named = text(document, "model")
    if not named and text(document, "error"):
        raise failed(
            f"status 200, and in it the error `{quote(text(document, 'error'))}`",
            "status 200 and predictions, or the status of an error",
            "HTTP 200 with an error inside: whoever looks at the status alone sees success, your test too.",
            "score.py catches the exception and returns it as the answer: let it raise, or answer with a status of 400 "
            "or 500.",
        )
    if named != reference:
        raise failed(
            f"the answer says it is from `{quote(named)}`",
            f"`{reference}`, as the deployment says",
            "The running image and the tag beside it disagree.",
            "The image carries the model's name: was it built for another version?",
            commands=("python solution/image/package.py",),
        )
    predictions = sequence(document, "predictions")
    if len(predictions) != ROWS or not all(map(_is_number, predictions)):
        raise failed(f"{len(predictions)} predictions, or not all are finite numbers", f"{ROWS} finite numbers")
    return [float(prediction) for prediction in predictions]


def compare(expected: Sequence[float], seen: Sequence[float], seed: int, reference: str) -> float:
    """The largest relative difference. Raises Fail above the tolerance."""
    differences = [abs(a - b) / max(1.0, abs(a)) for a, b in zip(expected, seen, strict=True)]
    furthest = max(differences)
    if furthest > TOLERANCE:
        row = differences.index(furthest)
        apart = sum(difference > TOLERANCE for difference in differences)
        raise failed(
            f"{apart} of {len(seen)} rows differ; row {row + 1} gives {seen[row]:.6f} (seed {seed})",
            f"{expected[row]:.6f}, from {reference} within {TOLERANCE:g}",
            *_rounding_hints(expected, seen),
            "What answers here is not the model version it is said to be.",
            "Which model was in the build context when the image was built?",
            "Scaling or rounding in score.py has the same effect: the model must answer what it was trained to answer.",
            commands=("python solution/image/package.py",),
        )
    return furthest


def _rounding_hints(expected: Sequence[float], seen: Sequence[float]) -> tuple[str, ...]:
    """For answers that are the expected ones, rounded."""
    rounded = all(value == round(value) and abs(a - value) <= 0.5 for a, value in zip(expected, seen, strict=True))
    return ("The answers are whole numbers, and otherwise right: score.py rounds them.",) if rounded else ()


def _json(reply: Reply) -> Any:
    try:
        return reply.json()
    except ServiceFault as error:
        seen = f"the answer is not JSON: {quote(reply.content.decode(errors='replace'))}"
        raise failed(seen, "JSON with predictions") from error


def _artifact_problem(document: Any) -> str:
    coefficients = sequence(document, "coefficients")
    features = list(sequence(document, "features"))
    intercept = document.get("intercept") if isinstance(document, dict) else None
    problems = {
        "it is not a JSON object": not isinstance(document, dict),
        f"format {quote(text(document, 'format'))}": text(document, "format") != str(FORMAT),
        f"kind {quote(text(document, 'kind'))}": text(document, "kind") != "linear",
        f"features {quote(', '.join(map(str, features)))}": features != list(FEATURE_RANGES),
        f"{len(coefficients)} coefficients, or not all are finite": len(coefficients) != len(FEATURE_RANGES)
        or not all(map(_is_number, coefficients)),
        "no finite intercept": not _is_number(intercept),
    }
    return next((problem for problem, present in problems.items() if present), "")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
