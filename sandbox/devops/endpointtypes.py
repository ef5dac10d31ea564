"""The types of service connections that the sandbox knows, and their ways to authenticate (3.3)."""

from collections.abc import Mapping
from typing import Any

from sandbox.devops.context import collection
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import ENDPOINT, invalid
from sandbox.wire import Call, Reply

FEDERATION = "WorkloadIdentityFederation"
PRINCIPAL = "ServicePrincipal"
SCHEMES = {
    "azurerm": (FEDERATION, PRINCIPAL, "ManagedServiceIdentity"),
    "git": ("UsernamePassword", "Token", "None"),
    "generic": ("UsernamePassword", "None"),
}
NAMES = {"azurerm": "AzureRM", "git": "git", "generic": "generic"}
TITLES = {"azurerm": "Azure Resource Manager", "git": "Other Git", "generic": "Generic"}


class EndpointTypes:
    """Read-only."""

    def actions(self) -> list[Action]:
        return [Action("serviceendpoint_types_list", "GET", location("serviceendpoint", "types"), self.list)]

    def list(self, call: Call) -> Reply:
        wanted = call.option("type").lower()
        return collection(_wire(kind) for kind in SCHEMES if not wanted or kind == wanted)


def _wire(kind: str) -> dict[str, Any]:
    return {
        "name": NAMES[kind],
        "displayName": TITLES[kind],
        "description": f"A connection to {TITLES[kind]}.",
        "authenticationSchemes": [{"scheme": one, "displayName": one} for one in SCHEMES[kind]],
    }


def checked_type(body: Mapping[str, Any]) -> tuple[str, str]:
    """The type of a connection in lower case, and its scheme in the vendor's spelling. Raises BadRequest."""
    kind = str(body.get("type") or "").lower()
    if kind not in SCHEMES:
        known = ", ".join(NAMES.values())
        raise invalid(f"The sandbox knows service connections of type {known}; this is '{body.get('type')}'.", ENDPOINT)
    asked = str((body.get("authorization") or {}).get("scheme") or "")
    for scheme in SCHEMES[kind]:
        if scheme.lower() == asked.lower():
            return kind, scheme
    schemes = ", ".join(SCHEMES[kind])
    raise invalid(f"A connection of type {NAMES[kind]} has the scheme {schemes}; this is '{asked}'.", ENDPOINT)
