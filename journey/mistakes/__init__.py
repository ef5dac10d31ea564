"""The corpus: typical mistakes, each with the check and the hint that must find it, and valid variations."""

from journey.mistakes import (
    clone,
    connection,
    definitions,
    exchange,
    leftovers,
    organization,
    preflight,
    production,
    repository,
    retraining,
    secrets,
    staging,
    variations,
    workspace,
)
from journey.mistakes.registry import Mistake, Undo, Variation, gather, gather_variations

MISTAKES = gather(
    preflight,
    organization,
    repository,
    connection,
    definitions,
    workspace,
    staging,
    production,
    retraining,
    clone,
    exchange,
    secrets,
    leftovers,
)

VARIATIONS = gather_variations(variations)

__all__ = ["MISTAKES", "VARIATIONS", "Mistake", "Undo", "Variation"]
