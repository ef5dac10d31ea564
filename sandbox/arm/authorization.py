"""Who may do what: role definitions, role assignments and permissions, at a subscription, a group and a resource.

Assignments are kept and reported; they refuse nothing here. Whoever signs in has the roles of the switch `roles`
on the whole subscription, shown as assignments like any other.
"""

import re
from collections.abc import Callable
from typing import Any

from sandbox.arm.names import GROUP, SUBSCRIPTION
from sandbox.arm.roles import ROLES, Role, definition_id, find_role, wire
from sandbox.arm.subscriptions import Subscriptions
from sandbox.arm.switches import Switchboard
from sandbox.errors import BadRequest, Conflict, NotFound, NotImplementedHere
from sandbox.ids import derived_guid
from sandbox.store import Store
from sandbox.store.resources import require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

KIND = "microsoft.authorization/roleassignments"
TYPE = "Microsoft.Authorization/roleAssignments"
PROVIDER = "/providers/Microsoft.Authorization"
RESOURCE = GROUP + "/providers/{namespace}/{type}/{name}"
SCOPES = (SUBSCRIPTION, GROUP, RESOURCE)
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
FILTER = re.compile(r"(?:principalId eq|assignedTo\()\s*'([^']*)'\)?", re.IGNORECASE)

Assignment = dict[str, Any]


class Authorization:
    """Roles of the subscription. `signed_in` is the object id of whoever signs in to this sandbox."""

    def __init__(self, store: Store, subscriptions: Subscriptions, switchboard: Switchboard, signed_in: str) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._switchboard = switchboard
        self._signed_in = signed_in

    def operations(self) -> list[Operation]:
        rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = []
        for scope in SCOPES:
            many, definitions = f"{scope}{PROVIDER}/roleAssignments", f"{scope}{PROVIDER}/roleDefinitions"
            rows += [
                ("role_assignments_list_for_scope", "GET", many, self.list_assignments),
                ("role_assignments_create", "PUT", many + "/{assignment}", self.put_assignment),
                ("role_assignments_get", "GET", many + "/{assignment}", self.get_assignment),
                ("role_assignments_delete", "DELETE", many + "/{assignment}", self.delete_assignment),
                ("role_definitions_list", "GET", definitions, self.list_definitions),
                ("role_definitions_get", "GET", definitions + "/{definition}", self.get_definition),
                ("permissions_list", "GET", f"{scope}{PROVIDER}/permissions", self.list_permissions),
            ]
        return [Operation(*row) for row in rows]

    def grant(self, scope: str, principal: str, role_name: str) -> str:
        """Assign a role as another service does for its user; returns the assignment's name."""
        role = next(one for one in ROLES if one.name == role_name)
        name = derived_guid("grant", scope.lower(), principal, role.id)
        self._put(scope, name, role, {"principalId": principal, "principalType": "ServicePrincipal"})
        return name

    def list_assignments(self, call: Call) -> Reply:
        """At the scope, above it and beneath it; `$filter` takes atScope() and a principal, joined by `and`."""
        scope = self._scope(call)
        asked = call.option("$filter")
        parts = [one.strip() for one in asked.split(" and ")] if asked else []
        found = [one for one in self._all() if _related(one["properties"]["scope"], scope)]
        for part in parts:
            match = FILTER.fullmatch(part)
            if part.lower() == "atscope()":
                found = [one for one in found if _covers(one["properties"]["scope"], scope)]
            elif match:
                found = [one for one in found if one["properties"]["principalId"].lower() == match[1].lower()]
            else:
                raise NotImplementedHere("FilterNotImplemented", f"The sandbox does not implement the filter '{part}'.")
        return page(call, found)

    def put_assignment(self, call: Call) -> Reply:
        scope, name = self._scope(call), call.params["assignment"]
        properties = call.json().get("properties") or {}
        role, principal = find_role(str(properties.get("roleDefinitionId") or "")), str(properties.get("principalId"))
        if not GUID.fullmatch(name):
            raise BadRequest("InvalidRoleAssignmentId", f"The role assignment id '{name}' is not valid: it is a GUID.")
        if role is None:
            asked = properties.get("roleDefinitionId")
            raise BadRequest("RoleDefinitionDoesNotExist", f"The specified role definition '{asked}' does not exist.")
        if not GUID.fullmatch(principal):
            raise BadRequest("InvalidPrincipalId", f"A valid principal ID must be provided; this is '{principal}'.")
        same = (scope.lower(), role.id, principal.lower())
        if any(_identity(one) == same and one["name"].lower() != name.lower() for one in self._all()):
            raise Conflict("RoleAssignmentExists", "The role assignment already exists.")
        kept = {"principalId": principal, "principalType": properties.get("principalType") or "ServicePrincipal"}
        return Reply.json(self._put(scope, name, role, kept), 201)

    def _put(self, scope: str, name: str, role: Role, principal: dict[str, str]) -> Assignment:
        path = f"{scope}{PROVIDER}/roleAssignments/{name}"
        definition = definition_id(self._subscriptions.subscription, role)
        body = {"properties": {"roleDefinitionId": definition, **principal, "scope": scope}}
        stored = self._store.put(KIND, path, body, f"{scope}{PROVIDER}/roleAssignments")
        return {"id": stored.id, "name": name, "type": TYPE, **stored.body}

    def get_assignment(self, call: Call) -> Reply:
        self._scope(call)
        return Reply.json(self._require(call))

    def delete_assignment(self, call: Call) -> Reply:
        """204 where there is none. What a switch gives to whoever is signed in cannot be taken away."""
        self._scope(call)
        found = self._store.get(KIND, call.path)
        if found is None:
            return Reply(204)
        self._store.delete(KIND, found.id)
        return Reply.json({"id": found.id, "name": found.name, "type": TYPE, **found.body})

    def list_definitions(self, call: Call) -> Reply:
        self._scope(call)
        asked = call.option("$filter")
        match = re.fullmatch(r"roleName eq '([^']*)'", asked.strip(), re.IGNORECASE)
        if asked and not match:
            raise NotImplementedHere("FilterNotImplemented", f"The sandbox does not implement the filter '{asked}'.")
        found = [role for role in ROLES if not match or role.name.lower() == match[1].lower()]
        return page(call, [wire(self._subscriptions.subscription, role) for role in found])

    def get_definition(self, call: Call) -> Reply:
        self._scope(call)
        role = find_role(call.params["definition"])
        if role is None:
            asked = call.params["definition"]
            raise NotFound(
                "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{asked}' does not exist."
            )
        return Reply.json(wire(self._subscriptions.subscription, role))

    def list_permissions(self, call: Call) -> Reply:
        """What the caller may do at the scope, by the assignments there and above."""
        scope = self._scope(call)
        mine = call.principal.object_id if call.principal else ""
        held = [
            one["properties"]["roleDefinitionId"]
            for one in self._all()
            if one["properties"]["principalId"] == mine and _covers(one["properties"]["scope"], scope)
        ]
        roles = [role for role in map(find_role, held) if role]
        return Reply.json({"value": [role.permission() for role in roles]})

    def _require(self, call: Call) -> Assignment:
        wanted = call.path.rstrip("/").lower()
        for one in self._all():
            if one["id"].lower() == wanted:
                return one
        raise NotFound("RoleAssignmentNotFound", f"The role assignment '{call.params['assignment']}' is not found.")

    def _all(self) -> list[Assignment]:
        given = [{"id": one.id, "name": one.name, "type": TYPE, **one.body} for one in self._store.list(KIND)]
        return [*self._of_the_signed_in(), *given]

    def _of_the_signed_in(self) -> list[Assignment]:
        subscription = self._subscriptions.subscription
        scope, wanted = f"/subscriptions/{subscription}", self._switchboard.get().roles
        found = []
        for role in (one for one in ROLES if one.name in wanted):
            name = derived_guid("signed in", self._signed_in, role.id)
            properties = {
                "roleDefinitionId": definition_id(subscription, role),
                "principalId": self._signed_in,
                "principalType": "ServicePrincipal",
                "scope": scope,
            }
            identifier = f"{scope}{PROVIDER}/roleAssignments/{name}"
            found.append({"id": identifier, "name": name, "type": TYPE, "properties": properties})
        return found

    def _scope(self, call: Call) -> str:
        """The scope that a call names. Raises NotFound for a group that there is not."""
        self._subscriptions.require(call)
        if "group" in call.params:
            require_group(self._store, call.params)
        end = call.path.lower().rindex(PROVIDER.lower() + "/")
        return call.path[:end]


def _covers(scope: str, other: str) -> bool:
    """Whether an assignment at `scope` holds at `other`: the same, or above it."""
    return f"{other.lower()}/".startswith(f"{scope.lower().rstrip('/')}/")


def _related(scope: str, other: str) -> bool:
    return _covers(scope, other) or _covers(other, scope)


def _identity(one: Assignment) -> tuple[str, str, str]:
    properties = one["properties"]
    role = str(properties["roleDefinitionId"]).rsplit("/", 1)[-1]
    return str(properties["scope"]).lower(), role, str(properties["principalId"]).lower()
