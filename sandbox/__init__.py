"""A local Azure and Azure DevOps: one process, one state folder, loopback only."""

from importlib.metadata import version

__version__ = version("mlops-workshop-kit")
