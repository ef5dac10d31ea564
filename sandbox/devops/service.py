"""The service: builds every noun, wires them to each other, and says how the whole begins and ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.clock import Clock
from sandbox.devops.access import FULL, Access, Authenticate, Token, TokenLifecycle, User
from sandbox.devops.builds.host import AzureIdentity
from sandbox.devops.builds.service import BuildService, Neighbours
from sandbox.devops.capacity import Capacity
from sandbox.devops.commits import Commits
from sandbox.devops.context import Context, Work
from sandbox.devops.discovery import Discovery
from sandbox.devops.edits import Edits
from sandbox.devops.endpoints import Endpoints, Grant
from sandbox.devops.endpointtypes import EndpointTypes
from sandbox.devops.environments import Environments
from sandbox.devops.front import Action, Front
from sandbox.devops.git import Git
from sandbox.devops.imports import Imports
from sandbox.devops.items import Items
from sandbox.devops.organizations import create_organization, ensure_first_organization
from sandbox.devops.permissions import Permissions
from sandbox.devops.policies import Policies
from sandbox.devops.processes import Processes
from sandbox.devops.projects import Projects
from sandbox.devops.pullrequests.service import PullRequestService
from sandbox.devops.pushes import Pushes
from sandbox.devops.refs import Refs
from sandbox.devops.repositories import PushListener, RefUpdate, Repositories, project_of
from sandbox.devops.switches import Switchboard
from sandbox.devops.transport import Transport
from sandbox.devops.variablegroups import VariableGroups
from sandbox.devops.workitems import WorkItems
from sandbox.ids import Ids
from sandbox.store import Document, Store
from sandbox.switches import Guard
from sandbox.wire import Call, Operation, Reply

TOKENS = "/{organization}/_apis/tokens/pats"


@dataclass(frozen=True)
class _Nouns:
    """Every noun of an organisation."""

    repositories: Repositories
    pushes: Pushes
    endpoints: Endpoints
    imports: Imports
    projects: Projects
    transport: Transport
    groups: VariableGroups
    items: WorkItems
    capacity: Capacity
    environments: Environments
    permissions: Permissions
    policies: Policies


class DevOps:
    """Azure DevOps: organisations beneath the server's address, with everything in them.

    `authenticate` checks bearer tokens, `guard` the secret of the running server, `tenant` is the directory that
    service connections name, and `bundle` holds the roots that imports trust. `address` is the server's own base
    address, `azure` the identity by which AzureCLI steps sign in, and `grant` gives the principal of an automatic
    connection its role in Azure. Pushes start runs; set `listener` to hear of them
    instead.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        state_folder: Path,
        authenticate: Authenticate,
        guard: Guard,
        tenant: str,
        bundle: Path | None = None,
        address: str = "https://127.0.0.1",
        azure: AzureIdentity | None = None,
        grant: Grant | None = None,
    ) -> None:
        self._store = store
        self._ids = ids
        self.switchboard = Switchboard(store, guard)
        self.access = Access(store, clock, ids, authenticate, self.switchboard)
        self.organization = ensure_first_organization(store, ids)
        folder = state_folder / "devops"
        git = Git(folder / "git-home", folder / "processes", bundle)
        self.context = Context(store, clock, ids, folder, self.access, self.switchboard, git, Work(store))
        self._front = Front(store, clock, ids, self.access, self.switchboard, tenant)
        self._nouns = self._build(tenant, grant)
        self._discovery = Discovery(self.context, self._front)
        nouns = self._nouns
        neighbours = Neighbours(
            nouns.repositories, nouns.endpoints, nouns.environments, nouns.permissions, nouns.groups
        )
        self.builds = BuildService(self.context, neighbours, address, azure)
        self.pull_requests = PullRequestService(
            self.context, nouns.repositories, nouns.pushes, nouns.policies, self.builds.validations
        )
        self.builds.validated = self.pull_requests.on_validated
        self.listener: PushListener = self.builds

    def _build(self, tenant: str, grant: Grant | None) -> _Nouns:
        context = self.context
        repositories = Repositories(context)
        pushes, policies = Pushes(context, repositories, self._announce), Policies(context)
        endpoints, capacity = Endpoints(context, tenant, grant), Capacity(context)
        groups, items = VariableGroups(context), WorkItems(context)
        imports = Imports(context, repositories, pushes, self._git_credentials)
        forget = (self._forget_builds, endpoints.forget_project, groups.forget_project, items.forget_project)
        parts = _ProjectParts(repositories, capacity, forget)
        return _Nouns(
            repositories,
            pushes,
            endpoints,
            imports,
            Projects(context, parts),
            Transport(context, repositories, pushes, policies),
            groups,
            items,
            capacity,
            Environments(context),
            Permissions(context),
            policies,
        )

    def _forget_builds(self, project: Document) -> None:
        self.builds.forget_project(project)

    def _announce(self, document: Document, updates: Sequence[RefUpdate], pusher: dict[str, str], moment: str) -> None:
        repository = self._nouns.repositories.view(document)
        self.pull_requests.on_push(repository, updates)
        self.listener.on_push(repository, updates, pusher, moment)

    def _git_credentials(self, document: Document, endpoint_id: str) -> tuple[str, str] | None:
        found = self._nouns.endpoints.connection(project_of(self._store, document), endpoint_id)
        if found is None or found.type.lower() != "git":
            return None
        return str(found.parameters.get("username") or ""), str(found.parameters.get("password") or "")

    def operations(self) -> list[Operation]:
        """Everything that is mounted: the actions, discovery over them, git, tokens and the switches."""
        actions = self._actions()
        return [
            *self._front.operations(actions),
            *self._discovery.operations(actions),
            *self._nouns.transport.operations(),
            *self._token_operations(),
            *self.switchboard.operations(),
        ]

    def _actions(self) -> list[Action]:
        context, nouns = self.context, self._nouns
        repositories, pushes = nouns.repositories, nouns.pushes
        sources = (
            self._discovery,
            Processes(),
            nouns.projects,
            repositories,
            nouns.imports,
            Refs(context, repositories, pushes, nouns.policies),
            pushes,
            Edits(context, repositories, pushes, nouns.policies),
            Commits(context, repositories, pushes),
            Items(context, repositories),
            EndpointTypes(),
            nouns.endpoints,
            nouns.permissions,
            nouns.environments,
            nouns.groups,
            nouns.capacity,
            nouns.items,
            nouns.policies,
            self.pull_requests,
            self.builds,
        )
        return [action for source in sources for action in source.actions()]

    def _token_operations(self) -> list[Operation]:
        tokens = TokenLifecycle(self.access)
        rows: list[tuple[str, str, Callable[[Call], Reply]]] = [
            ("tokens_pats_list", "GET", tokens.list),
            ("tokens_pats_create", "POST", tokens.create),
            ("tokens_pats_revoke", "DELETE", tokens.revoke),
        ]
        return [
            Operation(name, method, TOKENS, handler, dialect="devops", anonymous=True) for name, method, handler in rows
        ]

    def recover(self) -> None:
        """Remove what a killed server left half-done, and tell of the pushes that were not told yet."""
        self.context.git.recover()
        self._nouns.repositories.recover()
        self._nouns.transport.recover()
        self._nouns.imports.recover()
        self._nouns.projects.recover()
        self.builds.recover()
        self.pull_requests.recover()
        self._nouns.pushes.recover()

    def close(self) -> None:
        self.builds.close()
        self.context.git.close()
        self.context.work.close()

    def before_delete(self, resource_id: str) -> None:
        """Nothing of Azure DevOps lies in a resource group: connections outlive what they point to, as on Azure."""

    # For the lead and for tests

    def create_organization(self, name: str) -> None:
        """Raises BadRequest for its name and Conflict for one that is taken."""
        create_organization(self._store, self._ids, name)

    def create_user(self, display_name: str, unique_name: str) -> User:
        return self.access.create_user(display_name, unique_name)

    def create_token(self, user: User, display_name: str, scope: str = FULL, valid_to: datetime | None = None) -> Token:
        return self.access.create_token(user, display_name, scope, valid_to)


@dataclass(frozen=True)
class _ProjectParts:
    """What is made and removed with a project."""

    repositories: Repositories
    capacity: Capacity
    forget: tuple[Callable[[Document], None], ...]

    def create_for(self, organization: str, project: Document) -> None:
        self.repositories.make(project, project.body["name"])
        self.capacity.make_queues(project)

    def delete_for(self, project: Document) -> None:
        self.repositories.remove_all(project)
        for forget in self.forget:
            forget(project)
