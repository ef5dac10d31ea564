"""The nouns of Azure Machine Learning, put together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Runtime
from sandbox.machinelearning.assets import Assets
from sandbox.machinelearning.codes import Codes
from sandbox.machinelearning.computes import Computes
from sandbox.machinelearning.context import Context
from sandbox.machinelearning.datastores import Datastores
from sandbox.machinelearning.deployments import Deployments
from sandbox.machinelearning.endpoints import Endpoints
from sandbox.machinelearning.execution import Execution, Machine
from sandbox.machinelearning.jobs import Jobs
from sandbox.machinelearning.kinds import asset_kinds
from sandbox.machinelearning.launch import ImageStore, Launcher
from sandbox.machinelearning.mlflow import Mlflow
from sandbox.machinelearning.mlflow_registry import MlflowRegistry
from sandbox.machinelearning.runhistory import RunHistory
from sandbox.machinelearning.runtimes import Runtimes
from sandbox.machinelearning.schedules import Schedules
from sandbox.machinelearning.scoring import Scoring
from sandbox.machinelearning.serving import Serving
from sandbox.machinelearning.usages import Usages
from sandbox.machinelearning.variables import JobIdentity, job_variables
from sandbox.machinelearning.workspaces import Workspaces
from sandbox.store import Document
from sandbox.wire import Call, Operation


@dataclass(frozen=True)
class Surroundings:
    """What the machine offers: processes, the runtime environment, folders, images, identity."""

    processes: Processes
    runtime: Runtime | None
    build_environments: bool
    state: Path
    base: str
    images: ImageStore
    identity: JobIdentity
    authenticate: Callable[[Mapping[str, str]], Any]


class Noun(Protocol):
    """One module's operations."""

    def operations(self) -> list[Operation]: ...


class MachineLearning:
    """Workspaces and everything in them."""

    def __init__(self, context: Context, surroundings: Surroundings) -> None:
        state, processes = surroundings.state, surroundings.processes
        runtimes = Runtimes(
            context.store, surroundings.runtime, processes, state / "environments", surroundings.build_environments
        )
        work = state / "work"

        def variables(workspace: str, job: Document) -> Mapping[str, str]:
            return job_variables(surroundings.base, workspace, job, runtimes.default, surroundings.identity)

        self._execution = Execution(context, Machine(processes, runtimes, work, variables))
        launcher = Launcher(
            context, surroundings.images, runtimes, processes, work, surroundings.identity.server_variables
        )
        self._serving = Serving(context, launcher, processes, state / "logs" / "deployments")
        self._workspaces = Workspaces(context, self.before_delete)
        kinds = asset_kinds(context)
        models = next(kind for kind in kinds if kind.segment == "models")
        data = next(kind for kind in kinds if kind.segment == "data")
        self._nouns: tuple[Noun, ...] = (
            self._workspaces,
            Computes(context),
            Usages(context),
            Datastores(context),
            *(Assets(context, kind) for kind in kinds),
            Codes(context),
            Jobs(context, self._execution),
            RunHistory(context),
            Mlflow(context),
            MlflowRegistry(context, models),
            Schedules(context),
            Endpoints(context, self._serving),
            Deployments(context, self._serving, data),
            Scoring(context, self._serving, surroundings.authenticate),
        )

    def operations(self) -> list[Operation]:
        return [operation for noun in self._nouns for operation in noun.operations()]

    def deploy_workspace(self, call: Call, parameters: Mapping[str, Any]) -> list[str]:
        """Make a workspace from the parameters of azure-ai-ml's deployment."""
        return self._workspaces.deploy(call, parameters)

    def before_delete(self, resource_id: str) -> None:
        """End what runs beneath a resource that is going to be deleted; workspaces beneath it stay in the bin."""
        self._workspaces.keep_beneath(resource_id)
        self._execution.stop_beneath(resource_id)
        self._serving.stop_beneath(resource_id)

    def recover(self) -> None:
        self._execution.recover()
        self._serving.recover()

    def close(self) -> None:
        self._execution.close()
        self._serving.close()
