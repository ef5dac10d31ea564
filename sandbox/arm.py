"""Azure Resource Manager: subscriptions, resource groups, providers, deployments, generic resources, operation status.

Resources of a service that the sandbox implements belong to that service; the types listed in PROVIDERS that no
service claims are kept as they are sent. Any other type answers 501 with its name.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sandbox.clock import Clock
from sandbox.errors import BadRequest, Conflict, NotFound, NotImplementedHere
from sandbox.ids import Ids, derived_guid
from sandbox.store import Document, Store, begin_operation, finish_operation, get_operation
from sandbox.store.resources import GROUPS, envelope, group_id, merge, not_found, parse_id, require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.lro import accepted, result_url
from sandbox.wire.paging import page

REGISTRATION = "provider-registration"
DEPLOYMENTS = "microsoft.resources/deployments"
LOCATIONS = {
    "westeurope": "West Europe",
    "northeurope": "North Europe",
    "eastus": "East US",
    "swedencentral": "Sweden Central",
}
PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "Microsoft.MachineLearningServices": ("workspaces",),
    "Microsoft.ContainerRegistry": ("registries",),
    "Microsoft.ContainerInstance": ("containerGroups",),
    "Microsoft.ContainerService": ("managedClusters",),
    "Microsoft.Storage": ("storageAccounts",),
    "Microsoft.KeyVault": ("vaults",),
    "Microsoft.Insights": ("components",),
    "Microsoft.OperationalInsights": ("workspaces",),
    "Microsoft.ManagedIdentity": ("userAssignedIdentities",),
    "Microsoft.Authorization": ("roleAssignments",),
    "Microsoft.PolicyInsights": (),
    "Microsoft.Resources": ("resourceGroups", "deployments"),
}
GENERIC = (
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.Insights",
    "Microsoft.OperationalInsights",
    "Microsoft.ManagedIdentity",
)
SUBSCRIPTION = "/subscriptions/{subscription}"
GROUP = SUBSCRIPTION + "/resourceGroups/{group}"


class Deployer(Protocol):
    """Makes what a template's parameters ask for; returns the ids of what it made."""

    def __call__(self, call: Call, parameters: Mapping[str, Any]) -> list[str]: ...


class ResourceManager:
    """The control plane's own resources."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        subscription: str,
        tenant: str,
        deploy_workspace: Deployer,
        before_delete: Sequence[Callable[[str], None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._subscription = subscription
        self._tenant = tenant
        self._deploy_workspace = deploy_workspace
        self._before_delete = before_delete

    def operations(self) -> list[Operation]:
        provider = GROUP + "/providers/{namespace}"
        deployments = GROUP + "/providers/Microsoft.Resources/deployments"
        rows = [
            ("tenants_list", "GET", "/tenants", self.list_tenants),
            ("subscriptions_list", "GET", "/subscriptions", self.list_subscriptions),
            ("subscriptions_get", "GET", SUBSCRIPTION, self.get_subscription),
            ("locations_list", "GET", SUBSCRIPTION + "/locations", self.list_locations),
            ("resource_groups_list", "GET", SUBSCRIPTION + "/resourceGroups", self.list_groups),
            ("resource_groups_create_or_update", "PUT", GROUP, self.put_group),
            ("resource_groups_update", "PATCH", GROUP, self.patch_group),
            ("resource_groups_get", "GET", GROUP, self.get_group),
            ("resource_groups_check_existence", "HEAD", GROUP, self.check_group),
            ("resource_groups_delete", "DELETE", GROUP, self.delete_group),
            ("resources_list", "GET", SUBSCRIPTION + "/resources", self.list_resources),
            ("resources_list_by_resource_group", "GET", GROUP + "/resources", self.list_resources),
            ("providers_list", "GET", SUBSCRIPTION + "/providers", self.list_providers),
            ("providers_get", "GET", SUBSCRIPTION + "/providers/{namespace}", self.get_provider),
            ("providers_register", "POST", SUBSCRIPTION + "/providers/{namespace}/register", self.register_provider),
            ("deployments_create_or_update", "PUT", deployments + "/{deployment}", self.put_deployment),
            ("deployments_get", "GET", deployments + "/{deployment}", self.get_deployment),
            ("deployments_list", "GET", deployments, self.list_deployments),
            # azure-ai-ml asks for the operations without a provider segment (azure-machine-learning.md, Q8).
            (
                "deployment_operations_list",
                "GET",
                GROUP + "/deployments/{deployment}/operations",
                self.list_deployment_operations,
            ),
            (
                "deployment_operations_list",
                "GET",
                deployments + "/{deployment}/operations",
                self.list_deployment_operations,
            ),
            ("generic_resources_create_or_update", "PUT", provider + "/{type}/{name}", self.put_resource),
            ("generic_resources_update", "PATCH", provider + "/{type}/{name}", self.patch_resource),
            ("generic_resources_get", "GET", provider + "/{type}/{name}", self.get_resource),
            ("generic_resources_delete", "DELETE", provider + "/{type}/{name}", self.delete_resource),
            ("generic_resources_list", "GET", provider + "/{type}", self.list_type),
            (
                "generic_resources_list_by_subscription",
                "GET",
                SUBSCRIPTION + "/providers/{namespace}/{type}",
                self.list_type,
            ),
            (
                "operation_status_get",
                "GET",
                SUBSCRIPTION + "/providers/{namespace}/locations/{location}/operationsStatus/{operation}",
                self.get_operation_status,
            ),
            (
                "operation_result_get",
                "GET",
                SUBSCRIPTION + "/providers/{namespace}/locations/{location}/operationResults/{operation}",
                self.get_operation_result,
            ),
        ]
        return [Operation(*row) for row in rows]

    # Subscriptions

    def list_tenants(self, call: Call) -> Reply:
        return Reply.json(
            {"value": [{"id": f"/tenants/{self._tenant}", "tenantId": self._tenant, "displayName": "Sandbox"}]}
        )

    def list_subscriptions(self, call: Call) -> Reply:
        return Reply.json({"value": [self._subscription_answer()], "count": {"type": "Total", "value": 1}})

    def get_subscription(self, call: Call) -> Reply:
        self._require_subscription(call)
        return Reply.json(self._subscription_answer())

    def list_locations(self, call: Call) -> Reply:
        self._require_subscription(call)
        prefix = f"/subscriptions/{self._subscription}/locations"
        return Reply.json(
            {
                "value": [
                    {"id": f"{prefix}/{name}", "name": name, "displayName": title} for name, title in LOCATIONS.items()
                ]
            }
        )

    def _subscription_answer(self) -> dict[str, Any]:
        return {
            "id": f"/subscriptions/{self._subscription}",
            "subscriptionId": self._subscription,
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

    def _require_subscription(self, call: Call) -> None:
        asked = call.params["subscription"]
        if asked.lower() != self._subscription:
            raise NotFound("SubscriptionNotFound", f"The subscription '{asked}' could not be found.")

    # Resource groups

    def list_groups(self, call: Call) -> Reply:
        self._require_subscription(call)
        return page(call, [_group_answer(group) for group in self._store.list(GROUPS)])

    def put_group(self, call: Call) -> Reply:
        self._require_subscription(call)
        body = call.json()
        if not body.get("location"):
            raise BadRequest("LocationRequired", "The location property is required for this definition.")
        with self._store.write() as change:
            found = change.get(GROUPS, group_id(call.params))
            if found and found.body["location"] != body["location"]:
                raise Conflict(
                    "InvalidResourceGroupLocation",
                    f"Invalid resource group location '{body['location']}'. The Resource group already exists in "
                    f"location '{found.body['location']}'.",
                )
            fields = {
                "location": body["location"],
                "tags": body.get("tags") or {},
                "properties": {"provisioningState": "Succeeded"},
            }
            group = change.put(GROUPS, group_id(call.params), fields)
        return Reply.json(_group_answer(group), 200 if found else 201)

    def patch_group(self, call: Call) -> Reply:
        with self._store.write() as change:
            found = require_group(change, call.params)
            group = change.put(GROUPS, found.id, merge(found.body, {"tags": call.json().get("tags", {})}))
        return Reply.json(_group_answer(group))

    def get_group(self, call: Call) -> Reply:
        self._require_subscription(call)
        return Reply.json(_group_answer(require_group(self._store, call.params)))

    def check_group(self, call: Call) -> Reply:
        return Reply(204 if self._store.get(GROUPS, group_id(call.params)) else 404)

    def delete_group(self, call: Call) -> Reply:
        """Everything in the group goes, processes first. Answers 202: clients expect to poll."""
        group = require_group(self._store, call.params)
        for hook in self._before_delete:
            hook(group.id)
        operation = self._ids.guid()
        with self._store.write() as change:
            change.delete_beneath(group.id)
            change.delete(GROUPS, group.id)
            begin_operation(self._store, operation, group.id)
            finish_operation(self._store, operation)
        url = result_url(
            call.base, call.params["subscription"], "Microsoft.Resources", group.body["location"], operation
        )
        return Reply(202, headers=accepted(url))

    # Resources of any type

    def list_resources(self, call: Call) -> Reply:
        """`$filter` by group, type, name and tag, joined by `and`; a filter that is not understood is refused."""
        self._require_subscription(call)
        scope = group_id(call.params) if "group" in call.params else f"/subscriptions/{self._subscription}"
        if "group" in call.params:
            require_group(self._store, call.params)
        with self._store.read() as view:
            tracked = [one for one in view.beneath(scope) if _is_tracked(one)]
        wanted = _filters(call.option("$filter"))
        return page(call, [_listed(one) for one in tracked if all(test(one) for test in wanted)])

    def put_resource(self, call: Call) -> Reply:
        type_name = _claimed(call)
        body = call.json()
        with self._store.write() as change:
            require_group(change, call.params)
            found = change.get(type_name.lower(), call.path)
            properties = {
                **body.get("properties", {}),
                **_given_properties(type_name, call),
                "provisioningState": "Succeeded",
            }
            stored = change.put(type_name.lower(), call.path, {**body, "properties": properties}, _collection(call))
        return Reply.json(envelope(stored, type_name), 200 if found else 201)

    def patch_resource(self, call: Call) -> Reply:
        type_name = _claimed(call)
        with self._store.write() as change:
            found = change.get(type_name.lower(), call.path)
            if found is None:
                raise not_found(call.path)
            stored = change.put(type_name.lower(), call.path, merge(found.body, call.json()), _collection(call))
        return Reply.json(envelope(stored, type_name))

    def get_resource(self, call: Call) -> Reply:
        type_name = _claimed(call)
        require_group(self._store, call.params)
        found = self._store.get(type_name.lower(), call.path)
        if found is None:
            raise not_found(call.path)
        return Reply.json(envelope(found, type_name))

    def delete_resource(self, call: Call) -> Reply:
        type_name = _claimed(call)
        for hook in self._before_delete:
            hook(call.path)
        return Reply(200 if self._store.delete(type_name.lower(), call.path) else 204)

    def list_type(self, call: Call) -> Reply:
        type_name = _claimed(call)
        parent = _collection(call) if "group" in call.params else None
        return page(call, [envelope(one, type_name) for one in self._store.list(type_name.lower(), parent)])

    # Providers

    def list_providers(self, call: Call) -> Reply:
        return page(call, [self._provider_answer(namespace) for namespace in PROVIDERS])

    def get_provider(self, call: Call) -> Reply:
        return Reply.json(self._provider_answer(_namespace(call.params["namespace"])))

    def register_provider(self, call: Call) -> Reply:
        namespace = _namespace(call.params["namespace"])
        self._store.put(REGISTRATION, namespace, {"state": "Registered"})
        return Reply.json(self._provider_answer(namespace))

    def _provider_answer(self, namespace: str) -> dict[str, Any]:
        """Every provider is registered from the start; a lesson can unregister one in the store."""
        found = self._store.get(REGISTRATION, namespace)
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

    # Deployments

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
        outputs = self._deploy_workspace(call, parameters)
        fields = {
            "provisioningState": "Succeeded",
            "mode": properties.get("mode", "Incremental"),
            "timestamp": self._clock.timestamp(),
            "duration": "PT0.1S",
            "correlationId": self._ids.guid(),
            "outputResources": [{"id": one} for one in outputs],
        }
        stored = self._store.put(DEPLOYMENTS, call.path, {"properties": fields}, _collection(call))
        return Reply.json(envelope(stored, "Microsoft.Resources/deployments"))

    def get_deployment(self, call: Call) -> Reply:
        found = self._store.get(DEPLOYMENTS, call.path)
        if found is None:
            raise NotFound("DeploymentNotFound", f"Deployment '{call.params['deployment']}' could not be found.")
        return Reply.json(envelope(found, "Microsoft.Resources/deployments"))

    def list_deployments(self, call: Call) -> Reply:
        found = self._store.list(DEPLOYMENTS, call.path)
        return page(call, [envelope(one, "Microsoft.Resources/deployments") for one in found])

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

    # Long-running operations of every service

    def get_operation_status(self, call: Call) -> Reply:
        found = get_operation(self._store, call.params["operation"])
        if found is None:
            raise NotFound("OperationNotFound", f"The operation '{call.params['operation']}' was not found.")
        answer: dict[str, Any] = {"id": call.path, "name": found.id, "status": found.status}
        if found.error:
            answer["error"] = found.error
        headers = {"x-ms-retry-after-ms": "250"} if found.status == "InProgress" else {}
        return Reply.json(answer, headers=headers)

    def get_operation_result(self, call: Call) -> Reply:
        found = get_operation(self._store, call.params["operation"])
        if found is None:
            raise NotFound("OperationNotFound", f"The operation '{call.params['operation']}' was not found.")
        if found.status == "InProgress":
            return Reply(202, headers=accepted(f"{call.base}{call.path}"))
        if found.error:
            raise Conflict(found.error["code"], found.error["message"])
        return Reply(200)


def _claimed(call: Call) -> str:
    """`Namespace/type` of a generic call, in the vendor's spelling. Raises NotImplementedHere for other types."""
    namespace, type_name = call.params["namespace"], call.params["type"]
    for known in GENERIC:
        for one in PROVIDERS[known]:
            if (known.lower(), one.lower()) == (namespace.lower(), type_name.lower()):
                return f"{known}/{one}"
    raise NotImplementedHere(
        "ResourceTypeNotImplemented", f"The sandbox does not emulate {call.method} of {namespace}/{type_name}."
    )


def _collection(call: Call) -> str:
    """The path that lists a resource's siblings: the parent of generic documents."""
    return call.path.rsplit("/", 1)[0] if "name" in call.params or "deployment" in call.params else call.path


def _given_properties(type_name: str, call: Call) -> dict[str, Any]:
    """What the service adds to a few types because clients read it back."""
    if type_name == "Microsoft.ManagedIdentity/userAssignedIdentities":
        return {"principalId": derived_guid("principal", call.path), "clientId": derived_guid("client", call.path)}
    return {}


def _namespace(asked: str) -> str:
    for namespace in PROVIDERS:
        if namespace.lower() == asked.lower():
            return namespace
    raise NotFound("InvalidResourceNamespace", f"The resource namespace '{asked}' is invalid.")


def _group_answer(group: Document) -> dict[str, Any]:
    return {"id": group.id, "name": group.name, "type": "Microsoft.Resources/resourceGroups", **group.body}


def _is_tracked(document: Document) -> bool:
    parts = parse_id(document.id)
    return parts is not None and len(parts.names) == 1 and document.kind == parts.type.lower() != DEPLOYMENTS


def _listed(document: Document) -> dict[str, Any]:
    parts = parse_id(document.id)
    shown = ("location", "tags", "kind", "sku", "identity")
    fields = {name: document.body[name] for name in shown if name in document.body}
    type_name = parts.type if parts else ""
    return {"id": document.id, "name": document.name, "type": type_name, **fields, "createdTime": document.created}


Test = Callable[[Document], bool]


def _filters(text: str) -> list[Test]:
    return [_filter(part.strip()) for part in text.split(" and ")] if text else []


def _filter(part: str) -> Test:
    field, separator, value = part.partition(" eq ")
    value = value.strip().strip("'")
    tests: dict[str, Test] = {
        "resourcegroup": lambda one: f"/resourcegroups/{value.lower()}/" in one.key,
        "resourcetype": lambda one: one.kind == value.lower(),
        "name": lambda one: one.name.lower() == value.lower(),
        "location": lambda one: one.body.get("location") == value,
        "tagname": lambda one: value in (one.body.get("tags") or {}),
        "tagvalue": lambda one: value in (one.body.get("tags") or {}).values(),
    }
    if not separator or field.strip().lower() not in tests:
        raise NotImplementedHere("FilterNotImplemented", f"The sandbox does not implement the filter '{part}'.")
    return tests[field.strip().lower()]
