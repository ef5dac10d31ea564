"""Resource providers, their registration, and what is refused while one is not registered."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.arm.names import LOCATIONS, PROVIDERS, SUBSCRIPTION, namespace_of
from sandbox.arm.subscriptions import Subscriptions
from sandbox.arm.switches import Switchboard
from sandbox.errors import Conflict, Forbidden
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

IN_A_GROUP = re.compile(r"^/subscriptions/\{subscription\}/resourceGroups/\{group\}/providers/(Microsoft\.\w+)/", re.I)
ALWAYS = frozenset({"Microsoft.Resources", "Microsoft.Authorization", "Microsoft.Consumption"})
REGISTRARS = frozenset({"Owner", "Contributor"})
DEPLOYED = (
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.Insights",
    "Microsoft.OperationalInsights",
)
"""What the template of a workspace makes."""


class Providers:
    """The providers of the subscription."""

    def __init__(self, subscriptions: Subscriptions, switchboard: Switchboard) -> None:
        self._subscriptions = subscriptions
        self._switchboard = switchboard

    def operations(self) -> list[Operation]:
        one = SUBSCRIPTION + "/providers/{namespace}"
        rows = [
            ("providers_list", "GET", SUBSCRIPTION + "/providers", self.list_providers),
            ("providers_get", "GET", one, self.get_provider),
            ("providers_register", "POST", one + "/register", self.register_provider),
            ("providers_unregister", "POST", one + "/unregister", self.unregister_provider),
        ]
        return [Operation(*row) for row in rows]

    def list_providers(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        return page(call, [self._answer(namespace) for namespace in PROVIDERS])

    def get_provider(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        return Reply.json(self._answer(namespace_of(call.params["namespace"])))

    def register_provider(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        namespace = namespace_of(call.params["namespace"])
        self._check_may_register(namespace)
        left = [one for one in self._switchboard.get().unregistered if one != namespace]
        self._switchboard.update({"unregistered": left})
        return Reply.json(self._answer(namespace))

    def unregister_provider(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        namespace = namespace_of(call.params["namespace"])
        self._check_may_register(namespace)
        if namespace in ALWAYS:
            raise Conflict("CannotUnregister", f"The provider '{namespace}' is always registered.")
        known = self._switchboard.get().unregistered
        self._switchboard.update({"unregistered": [*known, *([] if namespace in known else [namespace])]})
        return Reply.json(self._answer(namespace))

    def _check_may_register(self, namespace: str) -> None:
        """Raises Forbidden for a role on the subscription that does not reach so far.

        It matters to more than who asks: the management clients answer a missing registration by registering.
        """
        if not REGISTRARS & set(self._switchboard.get().roles):
            raise Forbidden(
                "AuthorizationFailed",
                f"The client does not have authorization to perform action '{namespace}/register/action' over scope "
                f"'/subscriptions/{self._subscriptions.subscription}' or the scope is invalid.",
            )

    def require_deployable(self) -> None:
        """Raises Conflict while a provider of the workspace's template is not registered.

        On the service a deployment registers what it needs where its identity may. One that is confined to its group,
        as the workshop's is, meets this refusal.
        """
        for namespace in DEPLOYED:
            self.require(namespace)

    def require(self, namespace: str) -> None:
        """Raises Conflict, in the service's words, for a provider that is not registered."""
        if namespace_of(namespace) in self._switchboard.get().unregistered:
            raise Conflict(
                "MissingSubscriptionRegistration",
                f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found "
                "for how to register subscriptions.",
            )

    def guarded(self, operation: Operation) -> Operation:
        """An operation of any service that makes a resource in a group, refused while its provider is unregistered."""
        found = IN_A_GROUP.match(operation.template)
        if operation.method != "PUT" or found is None or found[1] in ALWAYS:
            return operation
        namespace, handler = found[1], operation.handler

        def answer(call: Call) -> Reply:
            self.require(namespace)
            return handler(call)

        return replace(operation, handler=answer)

    def _answer(self, namespace: str) -> Mapping[str, Any]:
        """Every provider is registered from the start; a switch, or whoever asks for it, unregisters one."""
        types = [
            {
                "resourceType": one,
                "locations": list(LOCATIONS.values()),
                "apiVersions": ["2024-10-01-preview", "2023-05-01"],
            }
            for one in PROVIDERS[namespace]
        ]
        missing = namespace in self._switchboard.get().unregistered
        return {
            "id": f"/subscriptions/{self._subscriptions.subscription}/providers/{namespace}",
            "namespace": namespace,
            "registrationState": "NotRegistered" if missing else "Registered",
            "registrationPolicy": "RegistrationFree" if namespace in ALWAYS else "RegistrationRequired",
            "resourceTypes": types,
        }
