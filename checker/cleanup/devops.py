"""What the workshop made on Azure DevOps: read, never changed. Names are compared as the service does, without case."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from checker.cleanup.model import FREE, Item, Kind, Left, Manual, Scope
from checker.clients.devops import (
    BUILD_SCOPE,
    CODE_SCOPE,
    CONNECTION_SCOPE,
    ENVIRONMENT_SCOPE,
    PROJECT_SCOPE,
    RESOURCE_SCOPE,
)
from checker.clients.documents import last_segment, mapping, sequence, text, value
from checker.clients.organization import PREVIEW, VERSION
from checker.context import CheckContext

ASSIGNMENTS_VERSION = "2022-04-01"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class DevOpsFinding:
    items: tuple[Item, ...] = ()
    left: tuple[Left, ...] = ()
    manual: tuple[Manual, ...] = ()


def find_on_devops(context: CheckContext, scope: Scope) -> DevOpsFinding:
    """Everything of the attendee's in the project, and what its connection was given on Azure. Raises AccessError."""
    return _Search(context, scope).run()


class _Search:
    """One look at a project: each list once."""

    def __init__(self, context: CheckContext, scope: Scope) -> None:
        self._context = context
        self._organization = context.devops.organization
        self._wanted = context.settings.devops
        self._scope = scope
        self._left: list[Left] = []

    def run(self) -> DevOpsFinding:
        if self.project is None:
            return DevOpsFinding()
        items = [*self._pipelines(), *self._environments(), *self._connections()]
        manual = [_application(one) for one in self._mine(self.connections) if _application_id(one)]
        if self._scope.project:
            items += self._project(items)
        elif self._scope.repository:
            items += [_item(Kind.REPOSITORY, one) for one in self.repositories if self._is_my_repository(one)]
        return DevOpsFinding((*items, *self._assignments(items)), tuple(self._left), tuple(manual))

    # What there is

    @cached_property
    def project(self) -> Row | None:
        found = self._organization.get(f"_apis/projects/{self._wanted.project}", PROJECT_SCOPE)
        return None if found is None else mapping({"project": found}, "project")

    @cached_property
    def definitions(self) -> list[Row]:
        return self._entries("build/definitions", BUILD_SCOPE, includeAllProperties="true")

    @cached_property
    def environments(self) -> list[Row]:
        return self._entries("distributedtask/environments", ENVIRONMENT_SCOPE)

    @cached_property
    def connections(self) -> list[Row]:
        return self._entries("serviceendpoint/endpoints", CONNECTION_SCOPE, includeFailed="true")

    @cached_property
    def repositories(self) -> list[Row]:
        return self._entries("git/repositories", CODE_SCOPE)

    @cached_property
    def my_definitions(self) -> list[Row]:
        named = [one for one in self.definitions if _same(text(one, "name"), self._wanted.pipeline)]
        for one in named:
            if not self._is_of_my_repository(one):
                whose = text(one, "repository", "name")
                self._left.append(Left("pipeline", text(one, "name"), f"it runs the repository {whose}"))
        return [one for one in named if self._is_of_my_repository(one)]

    @cached_property
    def others(self) -> Mapping[str, str]:
        """The pipelines of the project that are not the attendee's: names by id."""
        mine = {text(one, "id") for one in self.my_definitions}
        return {text(one, "id"): text(one, "name") for one in self.definitions if text(one, "id") not in mine}

    def _is_of_my_repository(self, definition: Row) -> bool:
        return _same(text(definition, "repository", "name"), self._wanted.repository)

    def _is_my_repository(self, repository: Row) -> bool:
        return _same(text(repository, "name"), self._wanted.repository)

    def _mine(self, connections: list[Row]) -> list[Row]:
        """Of the name, and leading to the attendee's subscription."""
        subscription = self._context.settings.subscription.lower()
        named = [one for one in connections if _same(text(one, "name"), self._wanted.service_connection)]
        return [one for one in named if text(one, "data", "subscriptionId").lower() == subscription]

    # What is to go

    def _pipelines(self) -> list[Item]:
        found = []
        for one in self.my_definitions:
            state = text(one, "queueStatus")
            found.append(_item(Kind.PIPELINE, one, state="" if state == "enabled" else state))
        return found

    def _environments(self) -> list[Item]:
        """Of the names of workshop.toml, unless another pipeline of the project deploys to them."""
        wanted = (self._wanted.staging_environment, self._wanted.production_environment)
        found = []
        for one in self.environments:
            if any(_same(text(one, "name"), name) for name in wanted):
                users = self._other_users(
                    f"distributedtask/environments/{text(one, 'id')}/environmentdeploymentrecords"
                )
                found += self._unless_used(Kind.ENVIRONMENT, one, users)
        return found

    def _connections(self) -> list[Item]:
        mine = self._mine(self.connections)
        for one in self.connections:
            if _same(text(one, "name"), self._wanted.service_connection) and one not in mine:
                elsewhere = text(one, "data", "subscriptionId") or "no subscription"
                self._left.append(Left("service connection", text(one, "name"), f"it leads to {elsewhere}"))
        return [item for one in mine for item in self._unless_used(Kind.CONNECTION, one, self._permitted(one))]

    def _unless_used(self, kind: Kind, row: Row, users: list[str]) -> list[Item]:
        if users:
            self._left.append(Left(str(kind), text(row, "name"), f"the pipeline {users[0]} uses it as well"))
            return []
        application = text(row, "authorization", "parameters", "serviceprincipalid")
        return [_item(kind, row, project=text(self.project, "id"), application=application)]

    def _other_users(self, path: str) -> list[str]:
        """Names of pipelines of others that have deployed there. One that was deleted uses nothing any more."""
        rows = self._entries(path, ENVIRONMENT_SCOPE)
        ids = dict.fromkeys(text(one, "definition", "id") for one in rows)
        return [self.others[one] for one in ids if one in self.others]

    def _permitted(self, connection: Row) -> list[str]:
        """Names of pipelines of others that somebody has permitted to use it."""
        path = self._path(f"pipelines/pipelinePermissions/endpoint/{text(connection, 'id')}")
        found = self._organization.get(path, RESOURCE_SCOPE, PREVIEW)
        permitted = [one for one in sequence(found, "pipelines") if value(one, "authorized") is True]
        return [self.others[text(one, "id")] for one in permitted if text(one, "id") in self.others]

    def _assignments(self, items: list[Item]) -> list[Item]:
        """Roles that Azure DevOps gave to the connection's identity: on the attendee's group, or the one it notes."""
        going = {item.id for item in items if item.kind is Kind.CONNECTION}
        found = []
        for one in self.connections:
            principal, noted = text(one, "data", "spnObjectId"), text(one, "data", "azureSpnRoleAssignmentId")
            if text(one, "id") in going and principal:
                rows = [row for row in self._roles(principal) if self._is_mine(row, last_segment(noted))]
                found += [self._assignment(row, text(one, "name")) for row in rows]
        return found

    def _roles(self, principal: str) -> list[Row]:
        arm = self._context.arm
        path = f"{arm.subscription}/providers/Microsoft.Authorization/roleAssignments"
        query = {"$filter": f"principalId eq '{principal}'"}
        return list(arm.entries(arm.url(path, ASSIGNMENTS_VERSION, **query)) or ())

    def _is_mine(self, row: Row, noted: str) -> bool:
        scope, group = text(row, "properties", "scope").lower(), self._context.arm.group.lower()
        beneath = scope == group or scope.startswith(f"{group}/")
        return beneath or (bool(noted) and text(row, "name").lower() == noted.lower())

    def _assignment(self, row: Row, connection: str) -> Item:
        scope, reason = text(row, "properties", "scope"), f"of the connection {connection}"
        return Item(
            Kind.ASSIGNMENT, f"{last_segment(scope)}: {text(row, 'name')[:8]}", text(row, "id"), reason, "", FREE
        )

    def _project(self, items: list[Item]) -> list[Item]:
        """The project, unless it holds something that is not the workshop's."""
        mine = {(item.kind, item.id) for item in items}
        project = mapping({"project": self.project}, "project")
        own = (text(project, "name"), self._wanted.repository)
        rest = [
            *(_item(Kind.PIPELINE, one) for one in self.definitions),
            *(_item(Kind.ENVIRONMENT, one) for one in self.environments),
            *(_item(Kind.CONNECTION, one) for one in self.connections),
        ]
        strange = [f"{one.kind} {one.name}" for one in rest if (one.kind, one.id) not in mine]
        for one in self.repositories:
            if not any(_same(text(one, "name"), name) for name in own):
                strange.append(f"repository {text(one, 'name')}")
        if strange:
            self._left.append(Left("project", text(project, "name"), f"it holds {', '.join(strange)}"))
            return []
        return [_item(Kind.PROJECT, project)]

    # Calls

    def _path(self, rest: str) -> str:
        return f"{self._wanted.project}/_apis/{rest}"

    def _entries(self, path: str, scope: str, **query: str) -> list[Row]:
        return list(self._organization.entries(self._path(path), scope, VERSION, **query))


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _item(kind: Kind, row: Row, state: str = "", **facts: str) -> Item:
    return Item(kind, text(row, "name"), text(row, "id"), "named in workshop.toml", state, FREE, facts)


def _application_id(connection: Row) -> str:
    return text(connection, "authorization", "parameters", "serviceprincipalid")


def _application(connection: Row) -> Manual:
    """Entra ID is another service, which the checker has no token for."""
    application, name = _application_id(connection), text(connection, "name")
    if text(connection, "data", "creationMode").lower() == "automatic":
        how = f"It goes with the connection where Azure DevOps may delete it. Look: az ad app show --id {application}; "
        return Manual(f"app registration of {name}", how + f"remove: az ad app delete --id {application}")
    how = f"Whoever made it decides: az ad app delete --id {application}"
    return Manual(f"app registration {application}, which {name} was given", how)
