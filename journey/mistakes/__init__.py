"""The corpus: typical mistakes, each with the check and the hint that must find it, and valid variations."""

from journey.mistakes import (
    cards,
    clone,
    connection,
    definitions,
    exchange,
    leftovers,
    monitoring,
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
    monitoring,
    cards,
    secrets,
    leftovers,
)

VARIATIONS = gather_variations(variations)

__all__ = ["MISTAKES", "VARIATIONS", "Mistake", "Undo", "Variation"]
