"""The registry of checks: importing this package gathers them all, in the order of the workshop."""

from checker.checks import data, images, lineage, models, production, staging, training, workspace
from checker.checks.registry import gather

CHECKS = gather(workspace, data, training, models, images, staging, production, lineage)

__all__ = ["CHECKS"]
