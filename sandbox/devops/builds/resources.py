"""Protected resources that a plan uses: service connections, environments and variable groups, stage by stage."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sandbox.devops.context import Context, organization_id
from sandbox.devops.endpoints import Endpoints
from sandbox.devops.environments import Environments
from sandbox.devops.variablegroups import GROUPS
from sandbox.pipelines.expressions.macros import expand_macros, expand_variables
from sandbox.pipelines.model import Step, VariableGroupReference
from sandbox.pipelines.planning import Plan, PlannedEntry, PlannedJob, PlannedStage, PlannedVariable
from sandbox.store import Document

CONNECTION_INPUTS = (
    "azuresubscription",
    "connectedservicenamearm",
    "connectedservicename",
    "azureresourcemanagerconnection",
    "azuresubscriptionconnection",
    "kubernetesserviceconnection",
    "containerregistry",
    "dockerregistryserviceconnection",
)
"""Inputs that name a service connection (azure-pipelines.md, 3), in lower case."""


@dataclass(frozen=True)
class Resource:
    """A resource as permissions and checks know it. `id` is empty for one that was not found."""

    kind: str
    id: str
    name: str


@dataclass(frozen=True)
class Use:
    """One mention in the file: by which job and, for a connection, by which step's input."""

    resource: Resource
    sentence: str


class Resources:
    """Finds the resources of plans."""

    def __init__(self, context: Context, endpoints: Endpoints, environments: Environments) -> None:
        self._store = context.store
        self._endpoints = endpoints
        self._environments = environments

    def of_stage(self, project: Document, plan: Plan, stage: PlannedStage, known: Mapping[str, str]) -> list[Resource]:
        """Each once, those that are there. `known` are variables of settings and queue time, by name."""
        found = dict.fromkeys(one.resource for one in self._uses(project, plan, stage, known))
        return [one for one in found if one.id]

    def missing(self, project: Document, plan: Plan, known: Mapping[str, str]) -> list[str]:
        """The service's sentences about resources that are not there, each once."""
        uses = (use for stage in plan.stages for use in self._uses(project, plan, stage, known))
        return list(dict.fromkeys(use.sentence for use in uses if not use.resource.id))

    def _uses(self, project: Document, plan: Plan, stage: PlannedStage, known: Mapping[str, str]) -> Iterator[Use]:
        yield from self._groups(project, plan.variables)
        yield from self._groups(project, stage.variables)
        for job in stage.jobs:
            yield from self._groups(project, job.variables)
            variables = _literals(known, plan.variables, stage.variables, job.variables)
            yield from self._environment(project, job, variables)
            for step in _steps(job):
                yield from self._connections(project, job, step, variables)

    def _groups(self, project: Document, entries: Iterable[PlannedEntry]) -> Iterator[Use]:
        listed = self._store.list(GROUPS, f"{organization_id(project.id.split('/')[2])}/variable-groups")
        mine = {one.body["name"].lower(): one for one in listed if project.body["id"] in one.body["projects"]}
        for entry in entries:
            if isinstance(entry, VariableGroupReference):
                found = mine.get(entry.name.lower())
                sentence = f"Variable group {entry.name} could not be found. The variable group does not exist or has "
                resource = Resource("variablegroup", str(found.body["id"]) if found else "", entry.name)
                yield Use(resource, sentence + "not been authorized for use.")

    def _environment(self, project: Document, job: PlannedJob, variables: Mapping[str, str]) -> Iterator[Use]:
        if job.job.deployment is None:
            return
        name = expand_macros(job.job.deployment.environment.name, variables)
        found = self._environments.find(project, name)
        sentence = f"Job {job.name}: Environment {name} could not be found. The environment does not exist or has not "
        resource = Resource("environment", str(found.body["id"]) if found else "", name)
        yield Use(resource, sentence + "been authorized for use.")

    def _connections(
        self, project: Document, job: PlannedJob, step: Step, variables: Mapping[str, str]
    ) -> Iterator[Use]:
        for key, written in step.inputs.items():
            name = expand_macros(written, variables)
            if key.lower() not in CONNECTION_INPUTS or not name or "$(" in name:
                continue
            found = self._endpoints.connection(project, name)
            sentence = (
                f"Job {job.name}: Step {step.task.name if step.task else step.kind} input {key} references service "
                f"connection {name} which could not be found. The service connection does not exist, has been "
                "disabled or has not been authorized for use."
            )
            yield Use(Resource("endpoint", found.id if found else "", name), sentence)


def _steps(job: PlannedJob) -> Iterator[Step]:
    return (planned.step for activity in job.activities for planned in activity.steps if planned.step.enabled)


def _literals(known: Mapping[str, str], *scopes: Iterable[PlannedEntry]) -> dict[str, str]:
    """Variables whose values the file says, the inner scopes' word last; keys are in lower case."""
    found = {name.lower(): value for name, value in known.items()}
    for scope in scopes:
        for entry in scope:
            if isinstance(entry, PlannedVariable) and entry.expression is None:
                found[entry.variable.name.lower()] = entry.variable.value
    return expand_variables(found)
