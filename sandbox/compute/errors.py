"""What can go wrong in the compute library, as plain exceptions; the services turn them into wire errors."""

from __future__ import annotations


class ComputeError(Exception):
    """Anything the compute library refuses or cannot do; `str()` is a message for a person."""


class ExecutableNotFoundError(ComputeError):
    """The program of a command is neither a file nor on the PATH the child would have."""


class ProcessesClosedError(ComputeError):
    """A child was asked for while the sandbox is stopping."""


class RuntimeNotUsableError(ComputeError):
    """The runtime environment's Python is missing or cannot be asked what is installed."""


class RequirementsError(ComputeError):
    """An environment definition (conda file or requirements file) cannot be read."""


class EnvironmentBuildError(ComputeError):
    """A virtual environment could not be made; the message ends with the log's last lines."""


class TrainingError(ComputeError):
    """A training job's definition cannot be run, for instance because a placeholder has no value."""


class ServerError(ComputeError):
    """A model server cannot be started."""


class ImageNotFoundError(ComputeError):
    """No image with that digest is stored."""


class BuildError(ComputeError):
    """An image build stopped. Carries the Dockerfile's name and the line (1-based; 0 for the whole file)."""

    def __init__(self, message: str, file: str = "Dockerfile", line: int = 0) -> None:
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}")
        self.file = file
        self.line = line
