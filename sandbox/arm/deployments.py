"""Template deployments: the one that azure-ai-ml makes a workspace with."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sandbox.arm.names import GROUP
from sandbox.clock import Clock
from sandbox.errors import NotFound, NotImplementedHere
from sandbox.ids import Ids, derived_guid
from sandbox.store import Store
from sandbox.store.resources import envelope, group_id, require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

DEPLOYMENTS = "microsoft.resources/deployments"
TYPE = "Microsoft.Resources/deployments"


class Deployer(Protocol):
    """Makes what a template's parameters ask for; returns the ids of what it made."""

    def __call__(self, call: Call, parameters: Mapping[str, Any]) -> list[str]: ...


class Deployments:
    """Deployments of a resource group."""

    def __init__(
        self, store: Store, clock: Clock, ids: Ids, deploy_workspace: Deployer, require_deployable: Callable[[], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._deploy_workspace = deploy_workspace
        self._require_deployable = require_deployable

    def operations(self) -> list[Operation]:
        many = f"{GROUP}/providers/{TYPE}"
        one = many + "/{deployment}"
        # azure-ai-ml asks for the operations without a provider segment (azure-machine-learning.md, Q8).
        bare = GROUP + "/deployments/{deployment}/operations"
        rows = [
            ("deployments_create_or_update", "PUT", one, self.put_deployment),
            ("deployments_get", "GET", one, self.get_deployment),
            ("deployments_list", "GET", many, self.list_deployments),
            ("deployment_operations_list", "GET", one + "/operations", self.list_deployment_operations),
            ("deployment_operations_list", "GET", bare, self.list_deployment_operations),
        ]
        return [Operation(*row) for row in rows]

    def put_deployment(self, call: Call) -> Reply:
        """azure-ai-ml makes a workspace by a template of 16 resources; its parameters say all that is needed (b.1-b.3).

        200 with Succeeded and no operation header: the SDK's poller then ends at once (Q1).
        """
        require_group(self._store, call.params)
        properties = call.json().get("properties", {})
        parameters = {name: entry.get("value") for name, entry in (properties.get("parameters") or {}).items()}
        if not parameters.get("workspaceName"):
            raise NotImplementedHere(
                "DeploymentTemplateNotImplemented",
                "The sandbox deploys the workspace template of azure-ai-ml. It does not evaluate other templates.",
            )
        self._require_deployable()
        outputs = self._deploy_workspace(call, parameters)
        fields = {
            "provisioningState": "Succeeded",
            "mode": properties.get("mode", "Incremental"),
            "timestamp": self._clock.timestamp(),
            "duration": "PT0.1S",
            "correlationId": self._ids.guid(),
            "outputResources": [{"id": one} for one in outputs],
        }
        stored = self._store.put(DEPLOYMENTS, call.path, {"properties": fields}, call.path.rsplit("/", 1)[0])
        return Reply.json(envelope(stored, TYPE))

    def get_deployment(self, call: Call) -> Reply:
        found = self._store.get(DEPLOYMENTS, call.path)
        if found is None:
            raise NotFound("DeploymentNotFound", f"Deployment '{call.params['deployment']}' could not be found.")
        return Reply.json(envelope(found, TYPE))

    def list_deployments(self, call: Call) -> Reply:
        found = self._store.list(DEPLOYMENTS, call.path)
        return page(call, [envelope(one, TYPE) for one in found])

    def list_deployment_operations(self, call: Call) -> Reply:
        path = f"{group_id(call.params)}/providers/Microsoft.Resources/deployments/{call.params['deployment']}"
        found = self._store.get(DEPLOYMENTS, path)
        made = found.body["properties"]["outputResources"] if found else []
        rows = [
            {
                "id": f"{path}/operations/{derived_guid(path, one['id'])}",
                "operationId": derived_guid(path, one["id"]),
                "properties": {"provisioningState": "Succeeded", "targetResource": {"id": one["id"]}},
            }
            for one in made
        ]
        return page(call, rows)
