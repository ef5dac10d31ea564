"""The registry of checks: importing this package gathers them all, in the order of the workshop."""

from checker.checks import (
    changes,
    connection,
    data,
    environments,
    images,
    lineage,
    models,
    organization,
    pipeline,
    production,
    repository,
    retraining,
    runs,
    staging,
    training,
    workspace,
)
from checker.checks.registry import gather

CHECKS = gather(
    organization,
    repository,
    changes,
    connection,
    pipeline,
    workspace,
    data,
    training,
    models,
    images,
    environments,
    staging,
    production,
    runs,
    lineage,
    retraining,
)

__all__ = ["CHECKS"]
