"""Delay@1: a server job waits."""

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "Delay"
VERSIONS = ("1",)
INPUTS = (Input("delayForMinutes", default="0", required=True),)


def run(step: StepContext, inputs: Inputs) -> None:
    minutes = inputs.number("delayForMinutes")
    step.write(f"Waiting {minutes:g} minutes.")
    step.pause(minutes * step.run.request.patience.minute)
