"""The nouns of Azure Resource Manager, put together."""

from collections.abc import Callable, Sequence

from sandbox.arm.authorization import Authorization
from sandbox.arm.availability import Availability
from sandbox.arm.budgets import Budgets
from sandbox.arm.deployments import Deployer, Deployments
from sandbox.arm.groups import ResourceGroups
from sandbox.arm.providers import Providers
from sandbox.arm.resources import Resources
from sandbox.arm.status import OperationStatus
from sandbox.arm.subscriptions import Subscriptions
from sandbox.arm.switches import Switchboard
from sandbox.arm.usages import Usages
from sandbox.arm.vaults import DeletedVaults
from sandbox.clock import Clock
from sandbox.ids import Ids
from sandbox.store import Store
from sandbox.wire import Operation


class ResourceManager:
    """The control plane's own resources."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        subscriptions: Subscriptions,
        switchboard: Switchboard,
        signed_in: str,
        deploy_workspace: Deployer,
        before_delete: Sequence[Callable[[str], None]],
    ) -> None:
        self._providers = Providers(subscriptions, switchboard)
        self._authorization = Authorization(store, subscriptions, switchboard, signed_in)
        vaults = DeletedVaults(store, clock, subscriptions)
        hooks = (vaults.keep, *before_delete)
        self._nouns = (
            switchboard,
            subscriptions,
            ResourceGroups(store, ids, subscriptions, hooks),
            Resources(store, subscriptions, hooks, self._providers.require, vaults.check),
            vaults,
            self._providers,
            Deployments(store, clock, ids, deploy_workspace, self._providers.require_deployable),
            self._authorization,
            Budgets(store, subscriptions),
            Usages(store, subscriptions),
            Availability(store, subscriptions, vaults.is_kept),
            OperationStatus(store),
        )

    def operations(self) -> list[Operation]:
        return [operation for noun in self._nouns for operation in noun.operations()]

    def guarded(self, operation: Operation) -> Operation:
        """An operation of any service, as the control plane in front of it lets it pass."""
        return self._providers.guarded(operation)

    def grant(self, scope: str, principal: str, role: str) -> str:
        """Assign a built-in role by its name, for another service; returns the assignment's name."""
        return self._authorization.grant(scope, principal, role)
