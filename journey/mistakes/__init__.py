"""The corpus: typical mistakes, each with the check and the hint that must find it, and valid variations."""

from journey.mistakes import (
    clone,
    connection,
    definitions,
    organization,
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
    organization,
    repository,
    connection,
    definitions,
    workspace,
    staging,
    production,
    retraining,
    clone,
    secrets,
)

VARIATIONS = gather_variations(variations)

__all__ = ["MISTAKES", "VARIATIONS", "Mistake", "Undo", "Variation"]
