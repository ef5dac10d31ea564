"""The registry of checks: importing this package gathers them all, in the order of the workshop."""

from checker.checks import (
    changes,
    connection,
    data,
    data_tests,
    environments,
    gates,
    honest_answers,
    images,
    lineage,
    models,
    organization,
    passport,
    pipeline,
    pipeline_file,
    production,
    repository,
    retraining,
    runs,
    scripts,
    staging,
    training,
    workspace,
)
from checker.checks.registry import gather

CHECKS = gather(
    scripts,
    organization,
    repository,
    changes,
    connection,
    pipeline_file,
    pipeline,
    workspace,
    data,
    training,
    models,
    images,
    environments,
    honest_answers,
    staging,
    production,
    runs,
    lineage,
    passport,
    retraining,
    data_tests,
    gates,
)

__all__ = ["CHECKS"]
