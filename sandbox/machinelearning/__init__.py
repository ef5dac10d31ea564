"""Azure Machine Learning: one module a noun, composed in service.py."""

from sandbox.machinelearning.service import MachineLearning

__all__ = ["MachineLearning"]
