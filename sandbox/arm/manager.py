"""The nouns of Azure Resource Manager, put together."""

from collections.abc import Callable, Sequence

from sandbox.arm.deployments import Deployer, Deployments
from sandbox.arm.groups import ResourceGroups
from sandbox.arm.providers import Providers
from sandbox.arm.resources import Resources
from sandbox.arm.status import OperationStatus
from sandbox.arm.subscriptions import Subscriptions
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
        deploy_workspace: Deployer,
        before_delete: Sequence[Callable[[str], None]],
    ) -> None:
        self._nouns = (
            subscriptions,
            ResourceGroups(store, ids, subscriptions, before_delete),
            Resources(store, subscriptions, before_delete),
            Providers(store, subscriptions.subscription),
            Deployments(store, clock, ids, deploy_workspace),
            OperationStatus(store),
        )

    def operations(self) -> list[Operation]:
        return [operation for noun in self._nouns for operation in noun.operations()]
