"""Errors of a run.

PipelineError
├── StepError       a step fails, with the sentence that its log shows
├── StepStopped     a step was stopped: its time is over, or the job is being canceled
└── RunRefused      the run cannot start at all
"""

from sandbox.pipelines.errors import PipelineError


class StepError(PipelineError):
    """Ends a step as Failed; the message is logged as an error."""


class StepStopped(PipelineError):
    """Ends a step before its own end. `timed_out`: by its own time limit, which is a failure; else by a cancel."""

    def __init__(self, message: str, timed_out: bool) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class RunRefused(PipelineError):
    """Nothing is run: something that the run needs, such as a variable group, is not there."""
