"""ManualValidation@0 and @1: a server job waits for a person."""

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError, StepStopped
from sandbox.pipelines.running.host import GateRequest
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "ManualValidation"
VERSIONS = ("0", "1")
INPUTS = (
    Input("notifyUsers"),
    Input("approvers"),
    Input("allowApproversToApproveTheirOwnRuns", default="true"),
    Input("instructions"),
    Input("onTimeout", default="reject"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Raises StepError when it is rejected, or by the rule for a timeout. A step's timeoutInMinutes is the time to
    answer in."""
    rule = inputs.choice("onTimeout", "reject", "resume")
    name = step.step.name or step.step.display_name or step.job.reference.job
    minutes = step.variables.expand(step.step.timeout_in_minutes).strip()
    seconds = float(minutes or "0") * step.run.request.patience.minute
    request = GateRequest(
        "validation", step.job.reference.stage, name, inputs.text("instructions"), seconds, inputs.text("approvers")
    )
    step.write(f"Waiting for a person: {name}", inputs.text("instructions"))
    answer = step.host.await_gate(request, step.run.cancellation)
    step.write(answer.reason)
    if step.job.canceled:
        raise StepStopped("The operation was canceled.", False)
    if answer.allowed or (answer.timed_out and rule == "resume"):
        return
    raise StepError(f"The validation '{name}' was not given. {answer.reason}")
