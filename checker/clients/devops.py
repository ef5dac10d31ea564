"""A project of Azure DevOps: what the checks read there, one method a call. Shapes: azure-devops.md, 3.

Names and identifiers are compared by whoever asks: the service itself does not tell upper from lower case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from checker.clients.documents import mapping, moment, number, sequence, text, value
from checker.clients.organization import PREVIEW, VERSION, Organization

HEADS = "refs/heads/"
RUNS_READ = 100  # newest runs of the project, whichever pipeline they are of
RECORDS_READ = 20  # newest deployments of an environment
FROM_YAML = 2  # settingsSourceType: the YAML decides; 1 is an override in the portal
APPROVAL = "8c6f20a7-a545-4486-9777-f762fafe0d4d"  # the check type Approval
GOOD = frozenset({"succeeded", "partiallySucceeded", "succeededWithIssues"})

PROJECT_SCOPE = "Project and Team (Read)"
CODE_SCOPE = "Code (Read)"
CONNECTION_SCOPE = "Service Connections (Read)"
BUILD_SCOPE = "Build (Read)"
ENVIRONMENT_SCOPE = "Environment (Read & manage)"
RESOURCE_SCOPE = "Pipeline Resources (Use)"


@dataclass(frozen=True)
class Project:
    name: str
    state: str
    process: str
    source_control: str
    visibility: str


@dataclass(frozen=True)
class Workplace:
    """The organisation at its address, and the attendee's project in it. `user` is whose token it is, if it is told."""

    exists: bool
    user: str
    project: Project | None


@dataclass(frozen=True)
class Repository:
    """`branch` is the default branch without refs/heads/, '' while the repository is empty."""

    id: str
    name: str
    branch: str


@dataclass(frozen=True)
class Connection:
    """A service connection. `state` is Ready, InProgress or Failed; `issuer` and `subject` are a federation's.

    `application` is the client id that a run signs in with, `principal` its object id, where the service noted it.
    """

    id: str
    name: str
    kind: str
    scheme: str
    ready: bool
    state: str
    message: str
    subscription: str
    issuer: str
    subject: str
    application: str = ""
    principal: str = ""


@dataclass(frozen=True)
class Definition:
    """A pipeline. `yaml` has no leading slash, `branch` no refs/heads/; `overridden` is a trigger set in the portal."""

    id: str
    name: str
    repository: str
    repository_name: str
    branch: str
    yaml: str
    state: str
    overridden: bool


@dataclass(frozen=True)
class Run:
    """A run, which the build API calls a build. `problems` are what the service says about it as a whole, `changed` is
    when something in it changed last, as the service writes it.
    """

    id: str
    number: str
    definition: str
    status: str
    result: str
    reason: str
    branch: str
    commit: str
    message: str
    queued: datetime
    changed: str
    problems: tuple[str, ...]

    @property
    def succeeded(self) -> bool:
        return self.status == "completed" and self.result in GOOD


@dataclass(frozen=True)
class Record:
    """One record of a run's timeline: a stage, a checkpoint, a job, a task. `errors` are its issues of that type."""

    id: str
    parent: str
    kind: str
    name: str
    identifier: str
    order: int
    state: str
    result: str
    finished: datetime
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Environment:
    id: str
    name: str


@dataclass(frozen=True)
class Deployment:
    """A deployment job's record on an environment; `result` is '' while it runs."""

    definition: str
    run: str
    run_number: str
    stage: str
    result: str
    queued: datetime


@dataclass(frozen=True)
class Approval:
    """An approval check. `minutes` is how long a run waits for it; `requester_may` is whether who asks may approve."""

    approvers: tuple[str, ...]
    minutes: int | None
    requester_may: bool


class DevOpsClient:
    """One project. Every method is one request (one a page), and raises what `Organization.get` raises."""

    def __init__(self, organization: Organization, project: str) -> None:
        self.organization = organization
        self._project_path = f"_apis/projects/{project}"
        self._beneath = f"{project}/_apis"

    def get_workplace(self) -> Workplace:
        """Organisation, token and project in one look: a project's 404 names its type, an organisation's does not."""
        reply = self.organization.look(self._project_path, PROJECT_SCOPE, includeCapabilities="true")
        user = reply.headers.get("x-vss-userdata", "").partition(":")[2]
        if reply.status == 200:
            return Workplace(True, user, project(reply.json()))
        is_json = "json" in reply.headers.get("content-type", "")
        return Workplace(is_json and text(reply.json(), "typeKey").startswith("ProjectDoesNotExist"), user, None)

    def list_projects(self) -> list[str]:
        return [text(entry, "name") for entry in self.organization.entries("_apis/projects", PROJECT_SCOPE)]

    def list_repositories(self) -> list[Repository]:
        return [repository(entry) for entry in self._entries("git/repositories", CODE_SCOPE)]

    def list_failed_imports(self, repository_id: str) -> list[str]:
        """The addresses of imports that failed, newest first (3.1)."""
        found = self._entries(f"git/repositories/{repository_id}/importRequests", CODE_SCOPE, includeAbandoned="true")
        broken = [one for one in found if text(one, "status").lower() == "failed"]
        broken.sort(key=lambda one: number(one, "importRequestId") or 0, reverse=True)
        return [text(one, "parameters", "gitSource", "url") for one in broken]

    def get_file(self, repository_id: str, path: str, branch: str) -> str | None:
        """The text of a file on a branch, or None when the branch has none of that path."""
        query = {"path": f"/{path}", "includeContent": "true", "$format": "json", **_version(branch)}
        found = self._get(f"git/repositories/{repository_id}/items", CODE_SCOPE, **query)
        return None if found is None else text(found, "content")

    def list_files(self, repository_id: str, branch: str) -> list[str]:
        """The paths of all files of a branch, without a leading slash."""
        query = {"scopePath": "/", "recursionLevel": "full", "$format": "json", **_version(branch)}
        found = self._entries(f"git/repositories/{repository_id}/items", CODE_SCOPE, **query)
        return [text(entry, "path").lstrip("/") for entry in found if not value(entry, "isFolder")]

    def list_connections(self) -> list[Connection]:
        """All of the project, those whose making failed included: a filter on the name would hide its neighbours."""
        found = self._entries("serviceendpoint/endpoints", CONNECTION_SCOPE, includeFailed="true")
        return [connection(entry) for entry in found]

    def is_open_to_all(self, connection_id: str) -> bool:
        """Whether every pipeline of the project may use a service connection (3.4)."""
        path = f"pipelines/pipelinePermissions/endpoint/{connection_id}"
        return value(self._get(path, RESOURCE_SCOPE, PREVIEW), "allPipelines", "authorized") is True

    def list_definitions(self) -> list[Definition]:
        found = self._entries("build/definitions", BUILD_SCOPE, includeAllProperties="true")
        return [definition(entry) for entry in found]

    def list_runs(self) -> list[Run]:
        """The newest runs of the project, newest first. Steady polling needs this call and no other."""
        query = {"$top": str(RUNS_READ), "queryOrder": "queueTimeDescending"}
        found = self._get("build/builds", BUILD_SCOPE, **query)
        runs = [run(entry) for entry in sequence(found, "value")]
        return sorted(runs, key=lambda entry: entry.queued, reverse=True)

    def get_timeline(self, run_id: str) -> list[Record]:
        """The records, by their order; none while the run has no plan."""
        found = self._get(f"build/builds/{run_id}/timeline", BUILD_SCOPE)
        return sorted((record(entry) for entry in sequence(found, "records")), key=lambda entry: entry.order)

    def list_artifacts(self, run_id: str) -> list[str]:
        return [text(entry, "name") for entry in self._entries(f"build/builds/{run_id}/artifacts", BUILD_SCOPE)]

    def list_environments(self) -> list[Environment]:
        found = self._entries("distributedtask/environments", ENVIRONMENT_SCOPE)
        return [Environment(text(entry, "id"), text(entry, "name")) for entry in found]

    def list_deployments(self, environment_id: str) -> list[Deployment]:
        """The newest records of an environment, newest first: the service's own order is not documented (3.7, INF)."""
        path = f"distributedtask/environments/{environment_id}/environmentdeploymentrecords"
        found = self._get(path, ENVIRONMENT_SCOPE, top=str(RECORDS_READ))  # `top`, not `$top`, there (1.5)
        records = [deployment(entry) for entry in sequence(found, "value")]
        return sorted(records, key=lambda entry: entry.queued, reverse=True)

    def list_approvals(self, environment_id: str) -> list[Approval]:
        """The approval checks of an environment that are not switched off."""
        query = {"resourceType": "environment", "resourceId": environment_id, "$expand": "settings"}
        found = self._entries("pipelines/checks/configurations", ENVIRONMENT_SCOPE, PREVIEW, **query)
        mine = (entry for entry in found if text(entry, "type", "id").lower() == APPROVAL)
        return [approval(entry) for entry in mine if value(entry, "isDisabled") is not True]

    def list_approvers(self, approval_id: str) -> list[str]:
        """Who has approved, by display name and by sign-in name. The id is that of the checkpoint's record (3.7)."""
        found = self._get(f"pipelines/approvals/{approval_id}", ENVIRONMENT_SCOPE, **{"$expand": "steps"})
        steps = [step for step in sequence(found, "steps") if text(step, "status") == "approved"]
        names = (text(step, "actualApprover", key) for step in steps for key in ("displayName", "uniqueName"))
        return list(filter(None, names))

    def _get(self, path: str, scope: str, version: str = VERSION, /, **query: str) -> Any | None:
        return self.organization.get(f"{self._beneath}/{path}", scope, version, **query)

    def _entries(self, path: str, scope: str, version: str = VERSION, /, **query: str) -> list[Mapping[str, Any]]:
        return list(self.organization.entries(f"{self._beneath}/{path}", scope, version, **query))


def _version(branch: str) -> Mapping[str, str]:
    return {"versionDescriptor.version": branch, "versionDescriptor.versionType": "branch"}


def short_branch(name: str) -> str:
    """A branch without refs/heads/: definitions give it with and without (3.6)."""
    return name.removeprefix(HEADS)


def project(document: Any) -> Project:
    capabilities = mapping(document, "capabilities")
    return Project(
        name=text(document, "name"),
        state=text(document, "state"),
        process=text(capabilities, "processTemplate", "templateName"),
        source_control=text(capabilities, "versioncontrol", "sourceControlType"),
        visibility=text(document, "visibility"),
    )


def repository(document: Mapping[str, Any]) -> Repository:
    return Repository(text(document, "id"), text(document, "name"), short_branch(text(document, "defaultBranch")))


def connection(document: Mapping[str, Any]) -> Connection:
    parameters = {key.lower(): entry for key, entry in mapping(document, "authorization", "parameters").items()}
    return Connection(
        id=text(document, "id"),
        name=text(document, "name"),
        kind=text(document, "type"),
        scheme=text(document, "authorization", "scheme"),
        ready=value(document, "isReady") is True,
        state=text(document, "operationStatus", "state"),
        message=text(document, "operationStatus", "statusMessage"),
        subscription=text(document, "data", "subscriptionId"),
        issuer=text(parameters, "workloadidentityfederationissuer"),
        subject=text(parameters, "workloadidentityfederationsubject"),
        application=text(parameters, "serviceprincipalid"),
        principal=text(document, "data", "spnObjectId"),
    )


def definition(document: Mapping[str, Any]) -> Definition:
    triggers = sequence(document, "triggers")
    sources = [number(one, "settingsSourceType") for one in triggers if _is_push_trigger(one)]
    return Definition(
        id=text(document, "id"),
        name=text(document, "name"),
        repository=text(document, "repository", "id"),
        repository_name=text(document, "repository", "name"),
        branch=short_branch(text(document, "repository", "defaultBranch")),
        yaml=text(document, "process", "yamlFilename").lstrip("/"),
        state=text(document, "queueStatus"),
        overridden=bool(sources) and FROM_YAML not in sources,
    )


def _is_push_trigger(document: Any) -> bool:
    return text(document, "triggerType").lower() == "continuousintegration"


def run(document: Any) -> Run:
    said = (text(entry, "message") for entry in sequence(document, "validationResults"))
    return Run(
        id=text(document, "id"),
        number=text(document, "buildNumber"),
        definition=text(document, "definition", "id"),
        status=text(document, "status"),
        result=text(document, "result"),
        reason=text(document, "reason"),
        branch=short_branch(text(document, "sourceBranch")),
        commit=text(document, "sourceVersion"),
        message=text(document, "triggerInfo", "ci.message"),
        queued=moment(document, "queueTime"),
        changed=text(document, "lastChangedDate"),
        problems=tuple(filter(None, said)),
    )


def record(document: Any) -> Record:
    issues = sequence(document, "issues")
    errors = (text(entry, "message") for entry in issues if text(entry, "type").lower() == "error")
    return Record(
        id=text(document, "id"),
        parent=text(document, "parentId"),
        kind=text(document, "type"),
        name=text(document, "name"),
        identifier=text(document, "identifier"),
        order=number(document, "order") or 0,
        state=text(document, "state"),
        result=text(document, "result"),
        finished=moment(document, "finishTime"),
        errors=tuple(filter(None, errors)),
    )


def deployment(document: Any) -> Deployment:
    return Deployment(
        definition=text(document, "definition", "id"),
        run=text(document, "owner", "id"),
        run_number=text(document, "owner", "name"),
        stage=text(document, "stageName"),
        result=text(document, "result"),
        queued=moment(document, "queueTime"),
    )


def approval(document: Mapping[str, Any]) -> Approval:
    settings = mapping(document, "settings")
    approvers = (text(entry, "displayName") or text(entry, "id") for entry in sequence(settings, "approvers"))
    return Approval(
        approvers=tuple(filter(None, approvers)),
        minutes=number(document, "timeout"),
        requester_may=value(settings, "requesterCannotBeApprover") is not True,
    )


def run_page(address: str, project_name: str, run_id: str) -> str:
    """Where a person looks at a run."""
    return f"{address}/{quote(project_name)}/_build/results?buildId={run_id}"
