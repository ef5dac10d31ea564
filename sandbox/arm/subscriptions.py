"""The tenant and the one subscription of a state folder."""

from typing import Any

from sandbox.arm.names import LOCATIONS, SUBSCRIPTION
from sandbox.arm.switches import Switchboard
from sandbox.errors import NotFound, Unauthenticated
from sandbox.wire import Call, Operation, Reply


class Subscriptions:
    """Tenants, subscriptions and locations."""

    def __init__(self, subscription: str, tenant: str, switchboard: Switchboard) -> None:
        self.subscription = subscription
        self._tenant = tenant
        self._switchboard = switchboard

    def operations(self) -> list[Operation]:
        rows = [
            ("tenants_list", "GET", "/tenants", self.list_tenants),
            ("subscriptions_list", "GET", "/subscriptions", self.list_subscriptions),
            ("subscriptions_get", "GET", SUBSCRIPTION, self.get_subscription),
            ("locations_list", "GET", SUBSCRIPTION + "/locations", self.list_locations),
        ]
        return [Operation(*row) for row in rows]

    def list_tenants(self, call: Call) -> Reply:
        return Reply.json(
            {"value": [{"id": f"/tenants/{self._tenant}", "tenantId": self._tenant, "displayName": "Sandbox"}]}
        )

    def list_subscriptions(self, call: Call) -> Reply:
        """Those of the token's directory."""
        rows = [] if self._switchboard.get().directory else [self._answer()]
        return Reply.json({"value": rows, "count": {"type": "Total", "value": len(rows)}})

    def get_subscription(self, call: Call) -> Reply:
        self.require(call)
        return Reply.json(self._answer())

    def list_locations(self, call: Call) -> Reply:
        self.require(call)
        prefix = f"/subscriptions/{self.subscription}/locations"
        return Reply.json(
            {
                "value": [
                    {"id": f"{prefix}/{name}", "name": name, "displayName": title} for name, title in LOCATIONS.items()
                ]
            }
        )

    def require(self, call: Call) -> None:
        """Raises NotFound for a call about another subscription, Unauthenticated for a token of another directory."""
        asked = call.params["subscription"]
        if asked.lower() != self.subscription:
            raise NotFound("SubscriptionNotFound", f"The subscription '{asked}' could not be found.")
        other = self._switchboard.get().directory
        if other:
            raise Unauthenticated(
                "InvalidAuthenticationTokenTenant",
                f"The access token is from the wrong issuer 'https://sts.windows.net/{self._tenant}/'. It must match "
                f"the tenant 'https://sts.windows.net/{other}/' associated with this subscription.",
            )

    def _answer(self) -> dict[str, Any]:
        return {
            "id": f"/subscriptions/{self.subscription}",
            "subscriptionId": self.subscription,
            "tenantId": self._tenant,
            "displayName": "Sandbox",
            "state": "Enabled",
            "authorizationSource": "RoleBased",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "Sandbox",
                "spendingLimit": "Off",
            },
        }
