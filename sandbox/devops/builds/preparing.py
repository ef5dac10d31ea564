"""From a definition and a commit to a plan: facts, the YAML at that commit, its templates, and the run's number."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sandbox.devops import history
from sandbox.devops.builds.definitions import Definitions
from sandbox.devops.builds.sources import GitSources, RepositoryVersion
from sandbox.devops.capacity import POOLS
from sandbox.devops.context import ORGANIZATIONS, Context, organization_id
from sandbox.devops.repositories import Repositories, project_of
from sandbox.pipelines.binding.triggers import bind_trigger
from sandbox.pipelines.errors import LoadError, Problems
from sandbox.pipelines.loading import Loaded, LoadRequest, load
from sandbox.pipelines.model import Trigger, Variable
from sandbox.pipelines.planning import PlannedVariable
from sandbox.pipelines.running.variables import Variables
from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode, SequenceNode, compose
from sandbox.store import Document

HEADS = "refs/heads/"
RUN_TIME_ONLY = ("Build.Repository.", "Build.SourceVersionMessage", "System.PlanId", "System.TimelineId")


@dataclass(frozen=True)
class Version:
    """What a run is of: a repository's document at a ref and a commit; `title` is the commit message's first line."""

    repository: Document
    ref: str
    commit: str
    title: str
    message: str


@dataclass(frozen=True)
class Origin:
    """Why there is a run and for whom; `reason` in the spelling of builds, such as individualCI. `pull_request` holds
    the variables that runs of pull requests have more."""

    reason: str
    person: Mapping[str, str]
    variables: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, Any]
    skip: tuple[str, ...] = ()
    pull_request: Mapping[str, str] = field(default_factory=dict)


class MissingFile(Exception):
    """There is no YAML file at the commit. The message is the service's."""


class Preparing:
    """Loads the pipelines of definitions. `address` is the server's own base address, for variables of runs."""

    def __init__(self, context: Context, definitions: Definitions, repositories: Repositories, address: str) -> None:
        self._context = context
        self._store = context.store
        self._definitions = definitions
        self._repositories = repositories
        self._address = address

    # Versions

    def version(self, definition: Document, ref: str = "", commit: str = "") -> Version | None:
        """The version of a run; the default branch where no ref is given. None where there is no such ref or commit."""
        repository = self._definitions.repository(definition)
        ref = full_ref(ref) or definition.body["defaultBranch"] or repository.body["defaultBranch"] or ""
        folder = self._repositories.folder(repository)
        found = history.commits(self._context.git, folder, [commit or ref], "--max-count=1") if commit or ref else []
        if not found:
            return None
        return Version(repository, ref, found[0].id, found[0].title, found[0].message)

    def repository_version(self, version: Version) -> RepositoryVersion:
        folder = self._repositories.folder(version.repository)
        branch = version.ref.removeprefix(HEADS)
        return RepositoryVersion(folder, version.commit, version.repository.body["name"], branch)

    def others(self, definition: Document, text: str) -> dict[str, Document]:
        """The repositories of `resources.repositories` that are here, by alias in lower case."""
        project = project_of(self._store, definition)
        listed = self._store.list("devops/repositories", f"{project.id}/repositories")
        by_name = {one.body["name"].lower(): one for one in listed}
        found = {}
        for alias, (name, _) in declared_repositories(text).items():
            where, _, short = name.rpartition("/")
            if where.lower() in ("", project.body["name"].lower()) and short.lower() in by_name:
                found[alias.lower()] = by_name[short.lower()]
        return found

    # Loading

    def text(self, definition: Document, version: Version) -> str:
        """The YAML. Raises MissingFile, and LoadError where it is not text."""
        sources = GitSources(self._context.git, self.repository_version(version), {})
        found = sources.read("self", definition.body["yaml"].lstrip("/"))
        if found is None:
            raise MissingFile(f"File {definition.body['yaml']} not found in repository {sources.describe('self')}.")
        return found

    def load(self, definition: Document, version: Version, origin: Origin, text: str | None = None) -> Loaded:
        """The pipeline, planned. Raises MissingFile and LoadError."""
        text = self.text(definition, version) if text is None else text
        refs = {alias.lower(): ref for alias, (_, ref) in declared_repositories(text).items()}
        others = {}
        for alias, document in self.others(definition, text).items():
            found = self.tip(document, refs.get(alias, ""))
            if found:
                others[alias] = found
        sources = GitSources(self._context.git, self.repository_version(version), others)
        facts = {
            name: value
            for name, value in self.facts(definition, version, origin).items()
            if not name.startswith(RUN_TIME_ONLY)
        }
        known = {one.name: one.value for one in self.variables(definition, origin) if not one.secret}
        parameters = {name: parameter_text(value) for name, value in origin.parameters.items()}
        request = LoadRequest(parameters, {**facts, **known}, origin.skip)
        return load(text, definition.body["yaml"].lstrip("/"), sources, request)

    def tip(self, repository: Document, ref: str) -> RepositoryVersion | None:
        branch = full_ref(ref) or repository.body["defaultBranch"] or ""
        folder = self._repositories.folder(repository)
        commit = history.commit_of(self._context.git, folder, branch) if branch else None
        if commit is None:
            return None
        return RepositoryVersion(folder, commit, repository.body["name"], branch.removeprefix(HEADS))

    def trigger(self, definition: Document, version: Version) -> Trigger:
        """The trigger of a file that may be wrong elsewhere. Raises MissingFile; a file whose trigger cannot be read
        counts as one without."""
        try:
            root = compose(self.text(definition, version), definition.body["yaml"])
        except LoadError:
            return Trigger()
        return bind_trigger(root.get("trigger") if isinstance(root, MappingNode) else None, Problems())

    # What a run knows beforehand

    def facts(self, definition: Document, version: Version, origin: Origin) -> dict[str, str]:
        """Predefined variables by name (azure-pipelines.md, 2.9)."""
        project, body = project_of(self._store, definition), definition.body
        organization = self._organization(definition)
        person, repository = origin.person, version.repository
        uri = f"{self._address}/{organization['name']}/"
        web = f"{uri}{quote(project.body['name'])}/_git/{quote(repository.body['name'])}"
        return {
            "Build.DefinitionName": body["name"],
            "Build.DefinitionVersion": str(body["revision"]),
            "Build.QueuedBy": person["displayName"],
            "Build.QueuedById": person["id"],
            "Build.Reason": origin.reason[0].upper() + origin.reason[1:],
            "Build.RequestedFor": person["displayName"],
            "Build.RequestedForId": person["id"],
            "Build.RequestedForEmail": person["uniqueName"],
            "Build.SourceBranch": version.ref,
            "Build.SourceBranchName": version.ref.rpartition("/")[2],
            "Build.SourceVersion": version.commit,
            "Build.SourceVersionMessage": version.title,
            "Build.Repository.ID": repository.body["id"],
            "Build.Repository.Name": repository.body["name"],
            "Build.Repository.Provider": "TfsGit",
            "Build.Repository.Uri": web,
            "System.CollectionId": organization["id"],
            "System.CollectionUri": uri,
            "System.TeamFoundationCollectionUri": uri,
            "System.TeamFoundationServerUri": uri,
            "System.TaskDefinitionsUri": uri,
            "System.DefinitionId": str(body["id"]),
            "System.DefinitionName": body["name"],
            "System.HostType": "build",
            "System.TeamProject": project.body["name"],
            "System.TeamProjectId": project.body["id"],
            "System.PullRequest.IsFork": "False",
            **origin.pull_request,
        }

    def _organization(self, definition: Document) -> Mapping[str, str]:
        found = self._store.get(ORGANIZATIONS, organization_id(definition.id.split("/")[2]))
        assert found is not None, "a definition lies beneath its organisation"
        return found.body

    def variables(self, definition: Document, origin: Origin) -> tuple[Variable, ...]:
        """Those of the pipeline's settings, and over them those of queue time."""
        settings = definition.body["variables"]
        found = [_variable(name, one) for name, one in settings.items()]
        for name, one in origin.variables.items():
            secret = bool(one.get("isSecret") or (settings.get(name) or {}).get("isSecret"))
            found.append(_variable(name, {"value": one.get("value"), "isSecret": secret}))
        return tuple(found)

    def number_variables(self, definition: Document, version: Version, origin: Origin, loaded: Loaded) -> Variables:
        """What a run's number may name, as far as it is known before the run."""
        variables = Variables()
        for name, value in self.facts(definition, version, origin).items():
            variables.define(name, value)
        for one in self.variables(definition, origin):
            variables.define(one.name, one.value, secret=one.secret)
        for entry in loaded.plan.variables:
            if isinstance(entry, PlannedVariable) and entry.expression is None:
                variables.define(entry.variable.name, entry.variable.value)
        return variables


def full_ref(name: str) -> str:
    """`main` is `refs/heads/main`; a full ref stays."""
    return name if not name or name.startswith("refs/") else f"{HEADS}{name}"


def parameter_text(value: Any) -> str:
    """A queue-time parameter as text, which the library converts to the parameter's type."""
    if isinstance(value, str):
        return value
    return json.dumps(value)


def declared_repositories(text: str) -> dict[str, tuple[str, str]]:
    """Name and ref of each `resources.repositories` entry by alias. Nothing where the file cannot be read: loading
    says what is wrong with it."""
    try:
        root = compose(text, "")
    except LoadError:
        return {}
    listed = _member(_member(root, "resources"), "repositories")
    found = {}
    for item in listed.items if isinstance(listed, SequenceNode) else ():
        alias = _scalar(item, "repository")
        if alias:
            found[alias] = (_scalar(item, "name"), _scalar(item, "ref"))
    return found


def _member(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, MappingNode) else None


def _scalar(node: Node, key: str) -> str:
    found = _member(node, key)
    return found.text if isinstance(found, ScalarNode) else ""


def _variable(name: str, fields: Mapping[str, Any]) -> Variable:
    return Variable(name, str(fields.get("value") or ""), secret=bool(fields.get("isSecret")))


def hosted_names() -> frozenset[str]:
    """The pools that the free-tier blocker concerns, in lower case."""
    return frozenset(str(one["name"]).lower() for one in POOLS if one["isHosted"])
