"""Everything about pipelines and builds, built and wired to each other."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.devops.builds.agents import Agents
from sandbox.devops.builds.approvals import Approvals
from sandbox.devops.builds.artifacts import Artifacts
from sandbox.devops.builds.attachments import Attachments
from sandbox.devops.builds.builds import Builds
from sandbox.devops.builds.checkpoints import Guards
from sandbox.devops.builds.checks import Checks
from sandbox.devops.builds.counters import Counters
from sandbox.devops.builds.definitions import Definitions
from sandbox.devops.builds.deployments import Deployments
from sandbox.devops.builds.execution import Executions
from sandbox.devops.builds.host import AzureIdentity, Facilities
from sandbox.devops.builds.leases import Leases
from sandbox.devops.builds.locks import Locks
from sandbox.devops.builds.logs import BuildLogs
from sandbox.devops.builds.outfit import Workshop
from sandbox.devops.builds.pipelines import Pipelines
from sandbox.devops.builds.preparing import Preparing
from sandbox.devops.builds.pushes import PushRuns
from sandbox.devops.builds.queueing import Queueing
from sandbox.devops.builds.recording import Books
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.builds.resources import Resources
from sandbox.devops.builds.signal import Bell
from sandbox.devops.builds.stages import Stages
from sandbox.devops.builds.testruns import TestRuns
from sandbox.devops.builds.timeline import Timelines
from sandbox.devops.builds.validations import Validations
from sandbox.devops.context import Context
from sandbox.devops.endpoints import Endpoints
from sandbox.devops.environments import Environments
from sandbox.devops.front import Action
from sandbox.devops.permissions import Permissions
from sandbox.devops.repositories import RefUpdate, Repositories, Repository
from sandbox.devops.variablegroups import VariableGroups
from sandbox.store import Document


@dataclass(frozen=True)
class Neighbours:
    """The nouns of the organisation that pipelines use."""

    repositories: Repositories
    endpoints: Endpoints
    environments: Environments
    permissions: Permissions
    groups: VariableGroups


class BuildService:
    """Definitions, builds, runs, checks, approvals, tests. `address` is the server's own base address, by which runs
    reach it; `azure` is the identity of service connections; `validated` hears of the end of runs of pull requests."""

    def __init__(self, context: Context, neighbours: Neighbours, address: str, azure: AzureIdentity | None) -> None:
        self._context = context
        self._neighbours = neighbours
        self._address = address
        self._azure = azure
        self._records = BuildRecords(context)
        self._definitions = Definitions(context, neighbours.repositories)
        self._preparing = Preparing(context, self._definitions, neighbours.repositories, address)
        self._counters = Counters(context)
        self._timelines = Timelines(context, self._records)
        self._logs = BuildLogs(context, self._records)
        self._artifacts = Artifacts(context, self._records)
        self._attachments = Attachments(context, self._records)
        self._tests = TestRuns(context, self._records)
        self._checks = Checks(context)
        self._bell = Bell()
        self._approvals = Approvals(context, self._bell)
        self._deployments = Deployments(context, self._records, self._definitions)
        self._resources = Resources(context, neighbours.endpoints, neighbours.environments)
        self._executions = Executions(self._workshop())
        self._queueing = self._make_queueing()
        self._stages = Stages(context, self._definitions, self._records, self._queueing, neighbours.permissions)
        self._pushes = PushRuns(
            context, self._definitions, self._records, self._preparing, self._queueing, self._stages
        )
        self.validations = Validations(self._definitions, self._records, self._preparing, self._queueing)
        self.validated: Callable[[Document], None] = _nobody
        self._executions.finished = self._on_finished

    def _workshop(self) -> Workshop:
        context, neighbours = self._context, self._neighbours
        books = Books(
            context,
            self._records,
            self._timelines,
            self._logs,
            self._artifacts,
            self._attachments,
            self._deployments,
            neighbours.environments,
        )
        guards = Guards(
            context,
            self._records,
            self._timelines,
            neighbours.permissions,
            self._checks,
            self._approvals,
            self._resources,
            Locks(),
            self._bell,
        )
        facilities = Facilities(
            context,
            Agents(context.folder / "agents"),
            self._artifacts,
            self._attachments,
            self._tests,
            self._counters,
            neighbours.endpoints,
            neighbours.permissions,
            neighbours.groups,
            self._azure,
        )
        return Workshop(
            context,
            self._records,
            self._definitions,
            neighbours.repositories,
            self._preparing,
            books,
            guards,
            facilities,
            self._approvals,
            self._address,
        )

    def _make_queueing(self) -> Queueing:
        return Queueing(
            self._context,
            self._definitions,
            self._records,
            self._preparing,
            self._counters,
            self._resources,
            self._executions,
        )

    def actions(self) -> list[Action]:
        context, repositories = self._context, self._neighbours.repositories
        builds = Builds(context, self._definitions, self._records, repositories, self._queueing)
        pipelines = Pipelines(
            context,
            self._definitions,
            self._records,
            self._preparing,
            self._queueing,
            self._logs,
            self._artifacts,
        )
        sources: Sequence[Callable[[], list[Action]]] = (
            self._definitions.actions,
            builds.actions,
            Leases(context, self._definitions, self._records).actions,
            pipelines.actions,
            self._stages.actions,
            self._timelines.actions,
            self._logs.actions,
            self._artifacts.actions,
            self._attachments.actions,
            self._deployments.actions,
            self._checks.actions,
            self._approvals.actions,
            self._tests.actions,
        )
        return [action for source in sources for action in source()]

    def on_push(
        self, repository: Repository, updates: Sequence[RefUpdate], pusher: dict[str, str], moment: str
    ) -> None:
        self._pushes.on_push(repository, updates, pusher, moment)

    def _on_finished(self, build: Document) -> None:
        self._pushes.on_finished(build)
        if build.body.get("pullRequest"):
            self.validated(build)

    def recover(self) -> None:
        self._logs.recover()
        self._artifacts.recover()
        self._executions.recover()
        self._pushes.recover()

    def close(self) -> None:
        self._executions.close()

    def forget_project(self, project: Document) -> None:
        """End the runs of a project that goes, and remove the files of its builds; its records go with it."""
        self._executions.end_of_project(project)
        organization, guid = project.id.split("/")[2], project.body["id"]
        shutil.rmtree(self._context.folder / "builds" / organization / guid, ignore_errors=True)


def _nobody(build: Document) -> None:
    """Who waits for validating runs is wired by the service above."""
