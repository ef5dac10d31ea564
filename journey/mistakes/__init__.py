"""The corpus: typical mistakes, each with the check and the hint that must find it, and valid variations."""

from journey.mistakes import (
    connection,
    definitions,
    organization,
    production,
    repository,
    retraining,
    staging,
    workspace,
)
from journey.mistakes.registry import Mistake, Undo, Variation, gather

MISTAKES = gather(
    organization,
    repository,
    connection,
    definitions,
    workspace,
    staging,
    production,
    retraining,
)

__all__ = ["MISTAKES", "Mistake", "Undo", "Variation"]
