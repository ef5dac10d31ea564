"""Registries with their builds, container groups that really run, and managed clusters as resources."""

from sandbox.containers.clusters import Clusters
from sandbox.containers.extensions import Extensions
from sandbox.containers.groups import Groups
from sandbox.containers.registries import Registries

__all__ = ["Clusters", "Extensions", "Groups", "Registries"]
