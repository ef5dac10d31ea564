"""The surroundings of a run on this server: what the pipelines library asks for while it runs."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sandbox.devops.builds.agents import Agents
from sandbox.devops.builds.artifacts import Artifacts
from sandbox.devops.builds.attachments import Attachments
from sandbox.devops.builds.counters import Counters
from sandbox.devops.builds.testruns import TestRuns
from sandbox.devops.context import Context
from sandbox.devops.endpoints import Connection, Endpoints
from sandbox.devops.permissions import Permissions
from sandbox.devops.variablegroups import VariableGroups
from sandbox.pipelines.running.checkouts import fetch_commit
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.running.host import (
    Cancellation,
    CheckoutRequest,
    Coverage,
    Execute,
    GateAnswer,
    GateRequest,
    ServiceConnection,
    StoredArtifact,
    TestRunResults,
    VariableGroup,
)
from sandbox.pipelines.running.pythons import find_interpreter, make_environment
from sandbox.store import Document

PRIVATE = (
    "AZURE_",
    "AZUREML_",
    "ARM_",
    "MSI_",
    "IDENTITY_",
    "GIT_",
    "SANDBOX_",
    "SYSTEM_",
    "BUILD_",
    "AGENT_",
    "MLFLOW_",
)
"""Variables of this process by which a step would find somebody else's identity or settings."""
CREDENTIALS = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_SUBSCRIPTION_ID")
NO_VALIDATION = (
    "ManualValidation is answered in the web portal of Azure DevOps only, and is not implemented here. Use an approval "
    "on an environment instead."
)
NO_IDENTITY = "This sandbox was built without an Azure identity for pipelines: AzureCLI steps cannot sign in."


class AzureIdentity(Protocol):
    """The identity that service connections stand for."""

    def environment(self) -> Mapping[str, str]:
        """AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_TENANT_ID, AZURE_SUBSCRIPTION_ID, and how the cloud is found:
        its metadata address, the roots to trust."""


@dataclass(frozen=True)
class Facilities:
    """What hosts are made of."""

    context: Context
    agents: Agents
    artifacts: Artifacts
    attachments: Attachments
    tests: TestRuns
    counters: Counters
    endpoints: Endpoints
    permissions: Permissions
    groups: VariableGroups
    azure: AzureIdentity | None


@dataclass(frozen=True)
class Source:
    """A repository that a run may check out: a bare one at a commit. `url` is where its clones push to."""

    name: str
    folder: Path
    commit: str
    url: str


@dataclass(frozen=True)
class RunFacts:
    """What is particular to one run. `sources` are by alias in lower case, `self` among them."""

    build: Document
    project: Document
    definition: Document
    folder: Path
    sources: Mapping[str, Source]
    person: dict[str, str]
    access_token: str
    checkpoint: Callable[[str, Cancellation], GateAnswer]


class BuildHost:
    """A RunHost for one run."""

    def __init__(self, facilities: Facilities, facts: RunFacts) -> None:
        self._facilities = facilities
        self._facts = facts
        self._environment = self._surroundings()

    @property
    def folder(self) -> Path:
        return self._facts.folder

    def now(self) -> datetime:
        return self._facilities.context.clock.now()

    def environment(self) -> Mapping[str, str]:
        return self._environment

    def _surroundings(self) -> dict[str, str]:
        """This machine's variables without anybody's identity, and how to reach the cloud of this sandbox."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
        return {**kept, **{name: value for name, value in self._azure().items() if name not in CREDENTIALS}}

    def _azure(self) -> Mapping[str, str]:
        azure = self._facilities.azure
        return azure.environment() if azure else {}

    def counter(self, prefix: str, seed: int) -> int:
        return self._facilities.counters.count(self._facts.definition, self._facts.build, prefix, seed)

    def revision(self, number: str) -> int:
        return self._facilities.counters.revision(self._facts.definition, self._facts.build, number)

    def variable_group(self, name: str) -> VariableGroup | None:
        found = self._facilities.groups.values(self._facts.project, name)
        if found is None:
            return None
        values = {member: str(one.get("value") or "") for member, one in found.items()}
        return VariableGroup(values, frozenset(member for member, one in found.items() if one.get("isSecret")))

    def service_connection(self, name: str) -> ServiceConnection | None:
        """Raises StepError for a connection that is there and of no use."""
        found = self._facilities.endpoints.connection(self._facts.project, name)
        pipeline = int(self._facts.build.body["definition"])
        allowed = self._facilities.permissions.is_authorized
        if found is None or not allowed(self._facts.project, "endpoint", found.id, pipeline):
            return None
        if not found.ready:
            raise StepError(
                f"The service connection '{found.name}' is not ready: its app registration does not exist yet. Look at "
                "operationStatus of the service connection."
            )
        if found.type.lower() != "azurerm":
            raise StepError(f"The service connection '{found.name}' is of type {found.type}; this task needs AzureRM.")
        if self._facilities.azure is None:
            raise StepError(NO_IDENTITY)
        return _connection(found, self._azure())

    # Sources

    def repository_name(self, alias: str) -> str:
        return self._source(alias).name

    def _source(self, alias: str) -> Source:
        found = self._facts.sources.get(alias.lower())
        if found is None:
            known = ", ".join(self._facts.sources)
            raise StepError(f"The repository '{alias}' is not in this project; the run knows {known}.")
        return found

    def checkout(self, request: CheckoutRequest) -> None:
        source = self._source(request.repository)
        environment = self._facilities.context.git.environment({})
        request.write(f"Syncing repository: {source.name} (Git) at {source.commit}")
        fetch_commit(request, source.folder.absolute().as_uri(), source.commit, environment)
        commands = [["git", "remote", "set-url", "origin", source.url]]
        if request.persist_credentials:
            header = f"AUTHORIZATION: bearer {self._facts.access_token}"
            commands.append(["git", "config", "--local", f"http.{source.url}.extraheader", header])
        for command in commands:
            if request.execute(command, request.folder, environment):
                raise StepError(f"{' '.join(command[:3])} failed.")

    # Waiting

    def await_gate(self, request: GateRequest, cancellation: Cancellation) -> GateAnswer:
        """A stage's checkpoint. A ManualValidation task waits for an answer that no public call gives: it says so."""
        if request.kind == "checkpoint":
            return self._facts.checkpoint(request.stage, cancellation)
        return GateAnswer(False, f"{NO_VALIDATION} Asked for: {request.name}.")

    # What a run leaves

    def publish_artifact(self, name: str, source: Path, kind: str) -> StoredArtifact:
        made = self._facilities.artifacts.publish(self._facts.build, name, source, kind)
        if made is None:
            raise StepError(f"Artifact {name} already exists for build {self._facts.build.body['id']}.")
        return self._stored(made)

    def list_artifacts(self) -> Sequence[StoredArtifact]:
        return [self._stored(one) for one in self._facilities.artifacts.of_build(self._facts.build)]

    def _stored(self, artifact: Document) -> StoredArtifact:
        folder = self._facilities.artifacts.folder_of(self._facts.build, artifact.body["id"])
        return StoredArtifact(artifact.body["name"], artifact.body["type"], folder)

    def attach(self, kind: str, name: str, source: Path) -> Path:
        return self._facilities.attachments.keep(self._facts.build, source)

    def publish_test_results(self, results: TestRunResults) -> None:
        self._facilities.tests.publish(self._facts.build, results, self._facts.person)

    def publish_coverage(self, coverage: Coverage, report: Path) -> None:
        self._facilities.tests.publish_coverage(self._facts.build, coverage)

    def agent(self) -> AbstractContextManager[Path]:
        return self._facilities.agents.lease()

    def find_python(self, version: str, tools: Path, execute: Execute) -> Path | None:
        """A virtual environment of an installed Python, in the agent's tools folder."""
        found = find_interpreter(version, self._environment)
        return make_environment(found, tools, execute, self._environment) if found else None


def _connection(found: Connection, azure: Mapping[str, str]) -> ServiceConnection:
    """The sandbox's own service principal in the place of the connection's; the subscription is the connection's."""
    tenant = str(found.parameters.get("tenantid") or azure.get("AZURE_TENANT_ID", ""))
    subscription = str(found.data.get("subscriptionId") or azure.get("AZURE_SUBSCRIPTION_ID", ""))
    client, key = azure.get("AZURE_CLIENT_ID", ""), azure.get("AZURE_CLIENT_SECRET", "")
    environment = {**azure, "AZURE_SUBSCRIPTION_ID": subscription}
    return ServiceConnection(
        found.name, tenant, subscription, client, key, "", environment, _login(azure, tenant, subscription), (key,)
    )


def _login(azure: Mapping[str, str], tenant: str, subscription: str) -> tuple[tuple[str, ...], ...]:
    """How `az` signs in to a cloud that is not the public one (azure-cli.md)."""
    cloud, metadata = azure.get("AZUREML_CURRENT_CLOUD", ""), azure.get("ARM_CLOUD_METADATA_URL", "")
    register: list[tuple[str, ...]] = []
    if cloud and metadata:
        address = metadata.partition("/metadata/")[0]
        register = [
            ("cloud", "register", "-n", cloud, "--endpoint-resource-manager", address),
            ("cloud", "set", "-n", cloud),
        ]
    client, key = azure.get("AZURE_CLIENT_ID", ""), azure.get("AZURE_CLIENT_SECRET", "")
    sign_in = ("login", "--service-principal", "-u", client, f"-p={key}", "--tenant", tenant, "--output", "none")
    return (*register, sign_in, ("account", "set", "--subscription", subscription))


def clear_work(folder: Path) -> None:
    """The workspaces of a run that is over; its logs stay."""
    shutil.rmtree(folder / "_work", ignore_errors=True)
