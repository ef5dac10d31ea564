"""Resource providers and their registration."""

from typing import Any

from sandbox.arm.names import LOCATIONS, PROVIDERS, SUBSCRIPTION, namespace_of
from sandbox.store import Store
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

KIND = "provider-registration"


class Providers:
    """The providers of the subscription."""

    def __init__(self, store: Store, subscription: str) -> None:
        self._store = store
        self._subscription = subscription

    def operations(self) -> list[Operation]:
        one = SUBSCRIPTION + "/providers/{namespace}"
        rows = [
            ("providers_list", "GET", SUBSCRIPTION + "/providers", self.list_providers),
            ("providers_get", "GET", one, self.get_provider),
            ("providers_register", "POST", one + "/register", self.register_provider),
        ]
        return [Operation(*row) for row in rows]

    def list_providers(self, call: Call) -> Reply:
        return page(call, [self._answer(namespace) for namespace in PROVIDERS])

    def get_provider(self, call: Call) -> Reply:
        return Reply.json(self._answer(namespace_of(call.params["namespace"])))

    def register_provider(self, call: Call) -> Reply:
        namespace = namespace_of(call.params["namespace"])
        self._store.put(KIND, namespace, {"state": "Registered"})
        return Reply.json(self._answer(namespace))

    def _answer(self, namespace: str) -> dict[str, Any]:
        """Every provider is registered from the start; a lesson can unregister one in the store."""
        found = self._store.get(KIND, namespace)
        types = [
            {
                "resourceType": one,
                "locations": list(LOCATIONS.values()),
                "apiVersions": ["2024-10-01-preview", "2023-05-01"],
            }
            for one in PROVIDERS[namespace]
        ]
        state = found.body["state"] if found else "Registered"
        return {
            "id": f"/subscriptions/{self._subscription}/providers/{namespace}",
            "namespace": namespace,
            "registrationState": state,
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": types,
        }
