"""What a stage waits for before it starts: a person, for a manual stage; checks of the environments it deploys to."""

from dataclasses import dataclass

from sandbox.pipelines.events import GateAnswered, StageWaiting
from sandbox.pipelines.planning import PlannedStage
from sandbox.pipelines.running.context import RunState
from sandbox.pipelines.running.host import GateAnswer, GateRequest
from sandbox.pipelines.running.variables import Expanded


@dataclass(frozen=True, slots=True)
class Gate:
    request: GateRequest

    def ask(self, run: RunState) -> GateAnswer:
        """Blocks until there is an answer."""
        what = f"{self.request.kind} {self.request.name}"
        run.emit(StageWaiting(run.host.now(), self.request.stage, what))
        answer = run.host.await_gate(self.request, run.cancellation)
        reason = run.everything.mask(answer.reason)
        run.emit(GateAnswered(run.host.now(), self.request.stage, what, answer.allowed, reason))
        return answer


def list_gates(stage: PlannedStage, run: RunState, variables: Expanded) -> tuple[Gate, ...]:
    """A manual stage first, then each environment once; or the one checkpoint of a host that looks at all by itself.
    Names of environments may hold macros of the stage's variables."""
    if run.request.checkpoints:
        return (Gate(GateRequest("checkpoint", stage.name, stage.name)),)
    found = []
    if stage.stage.trigger == "manual":
        found.append(GateRequest("manual", stage.name, stage.name))
    deployments = [job.job.deployment for job in stage.jobs if job.job.deployment is not None]
    names = dict.fromkeys(variables.expand(one.environment.name) for one in deployments)
    found += [GateRequest("environment", stage.name, name) for name in names]
    return tuple(Gate(one) for one in found)
