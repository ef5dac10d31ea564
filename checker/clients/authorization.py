"""Who may do what on Azure: permissions of the signed-in identity, role assignments of another, budgets of a group.

Roles are told apart by the identifiers of the built-in ones, which are the same in every directory.
"""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from checker.clients.arm import ArmClient
from checker.clients.documents import last_segment, mapping, sequence, text, value

AUTHORIZATION_VERSION = "2022-04-01"
IDENTITIES_VERSION = "2023-01-31"
BUDGETS_VERSION = "2023-05-01"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
ROLE_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
ROLE_NAMES = {
    OWNER: "Owner",
    ACCESS_ADMINISTRATOR: "User Access Administrator",
    ROLE_ADMINISTRATOR: "Role Based Access Control Administrator",
    CONTRIBUTOR: "Contributor",
}
GIVES_ACCESS = frozenset({OWNER, ACCESS_ADMINISTRATOR, ROLE_ADMINISTRATOR})


@dataclass(frozen=True)
class Permission:
    """What one role lets do: patterns with `*`, less those that it does not."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]

    def allows(self, action: str) -> bool:
        return _matches(self.actions, action) and not _matches(self.not_actions, action)


@dataclass(frozen=True)
class Assignment:
    """A role of a principal at a scope. `role` is the GUID of the definition."""

    role: str
    scope: str

    @property
    def role_name(self) -> str:
        return ROLE_NAMES.get(self.role, f"role {self.role}")


@dataclass(frozen=True)
class ManagedIdentity:
    id: str
    name: str
    client: str
    principal: str


@dataclass(frozen=True)
class Budget:
    """`alerts` are the percentages at which somebody hears of it; a switched-off alert is none."""

    name: str
    amount: float
    alerts: tuple[float, ...]


class AuthorizationClient:
    """Roles and budgets of a subscription. Every method raises what `ArmClient.get` raises."""

    def __init__(self, arm: ArmClient) -> None:
        self._arm = arm

    def list_permissions(self, scope: str) -> list[Permission] | None:
        """What whoever is signed in may do at a scope, or None when there is no such scope."""
        found = self._arm.entries(self._url(f"{scope}/providers/Microsoft.Authorization/permissions"))
        return None if found is None else [permission(entry) for entry in found]

    def list_assignments(self, principal: str) -> list[Assignment]:
        """All roles of a principal in the subscription, at whatever scope, above it included."""
        path = f"{self._arm.subscription}/providers/Microsoft.Authorization/roleAssignments"
        query = {"$filter": f"principalId eq '{principal}'"}
        found = self._arm.entries(self._arm.url(path, AUTHORIZATION_VERSION, **query))
        return [assignment(entry) for entry in found or ()]

    def list_identities(self) -> list[ManagedIdentity]:
        """The user-assigned identities of the subscription."""
        path = f"{self._arm.subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
        found = self._arm.entries(self._arm.url(path, IDENTITIES_VERSION))
        return [identity(entry) for entry in found or ()]

    def list_budgets(self) -> list[Budget] | None:
        """The budgets of the group, or None when there is no group."""
        path = f"{self._arm.group}/providers/Microsoft.Consumption/budgets"
        found = self._arm.entries(self._arm.url(path, BUDGETS_VERSION), "Cost Management Reader")
        return None if found is None else [budget(entry) for entry in found]

    def _url(self, path: str) -> str:
        return self._arm.url(path, AUTHORIZATION_VERSION)


def allows(permissions: Iterable[Permission], action: str) -> bool:
    """Whether some role lets do it. Deny assignments, which are rare, are not looked at."""
    return any(one.allows(action) for one in permissions)


def permission(document: Any) -> Permission:
    return Permission(
        tuple(str(one) for one in sequence(document, "actions")),
        tuple(str(one) for one in sequence(document, "notActions")),
    )


def assignment(document: Any) -> Assignment:
    properties = mapping(document, "properties")
    return Assignment(last_segment(text(properties, "roleDefinitionId")).lower(), text(properties, "scope"))


def identity(document: Any) -> ManagedIdentity:
    properties = mapping(document, "properties")
    return ManagedIdentity(
        text(document, "id"), text(document, "name"), text(properties, "clientId"), text(properties, "principalId")
    )


def budget(document: Any) -> Budget:
    properties = mapping(document, "properties")
    notifications = mapping(properties, "notifications").values()
    heard = [one for one in notifications if value(one, "enabled") is True]
    thresholds = (value(one, "threshold") for one in heard)
    alerts = sorted(float(one) for one in thresholds if isinstance(one, int | float))
    amount = value(properties, "amount")
    return Budget(text(document, "name"), float(amount) if isinstance(amount, int | float) else 0.0, tuple(alerts))


def _matches(patterns: Iterable[str], action: str) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), one.lower()) for one in patterns)
