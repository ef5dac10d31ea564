"""Microsoft.ContainerService/managedClusters: the resource, so that a compute can be attached to it.

There is no Kubernetes API server behind it and no node: what is deployed to an attached compute runs as processes of
this machine. The kubeconfig says so, and names an address that never resolves.
"""

import base64
import re
from collections.abc import Callable
from typing import Any

from sandbox.clock import Clock
from sandbox.containers.context import GROUP, SUBSCRIPTION, check_name, collection_id, location_of, resource_id
from sandbox.errors import BadRequest, Conflict
from sandbox.ids import Ids, derived_guid
from sandbox.machines import Quota
from sandbox.store import Document, Store, begin_operation, finish_operation
from sandbox.store.resources import envelope, merge, not_found, require, require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.lro import accepted, result_url
from sandbox.wire.paging import page

NAMESPACE = "Microsoft.ContainerService"
PROVIDER = f"{NAMESPACE}/managedClusters"
POOL_TYPE = f"{PROVIDER}/agentPools"
KIND = PROVIDER.lower()
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
NAME_RULE = (
    "a cluster's name has letters, digits, dashes and underscores, at most 63, and a letter or digit at each end"
)
POOL_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
POOL_RULE = "a node pool's name has 1 to 12 of a-z and 0-9, a letter first"
VERSION = "1.33"  # of Kubernetes, where none is asked for
KUBECONFIG = """\
# The sandbox keeps this cluster as a resource only. There is no API server: kubectl cannot reach it.
apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: https://{name}.no-api-server.invalid:443
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {user}_{group}_{name}
current-context: {name}
users:
- name: {user}_{group}_{name}
  user: {{}}
"""


class Clusters:
    """The managed clusters of the subscription."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, tenant: str = "") -> None:
        self._store = store
        self._quota = Quota(store)
        self._ids = ids
        self._tenant = tenant

    def operations(self) -> list[Operation]:
        many = GROUP + "/providers/" + PROVIDER
        one = many + "/{name}"
        rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = [
            ("managed_clusters_list", "GET", SUBSCRIPTION + "/providers/" + PROVIDER, self.list_all),
            ("managed_clusters_list_by_resource_group", "GET", many, self.list),
            ("managed_clusters_create_or_update", "PUT", one, self.put),
            ("managed_clusters_get", "GET", one, self.get),
            ("managed_clusters_update_tags", "PATCH", one, self.patch),
            ("managed_clusters_delete", "DELETE", one, self.delete),
            ("managed_clusters_start", "POST", one + "/start", self.start),
            ("managed_clusters_stop", "POST", one + "/stop", self.stop),
            ("managed_clusters_list_user_credentials", "POST", one + "/listClusterUserCredential", self.list_user),
            ("managed_clusters_list_admin_credentials", "POST", one + "/listClusterAdminCredential", self.list_admin),
            ("agent_pools_list", "GET", one + "/agentPools", self.list_pools),
            ("agent_pools_get", "GET", one + "/agentPools/{pool}", self.get_pool),
        ]
        return [Operation(*row) for row in rows]

    def put(self, call: Call) -> Reply:
        """Succeeded at once and without an operation: there is nothing to wait for here."""
        name, body = call.params["name"], call.json()
        check_name(name, NAME, NAME_RULE)
        with self._store.write() as change:
            location = location_of(change, call, body)
            found = change.get(KIND, resource_id(call, PROVIDER, name))
            if found and found.body["location"] != location:
                raise Conflict("InvalidResourceLocation", f"Cluster '{name}' is in '{found.body['location']}'.")
            fields = {
                **body,
                "location": location,
                "tags": body.get("tags") or {},
                "sku": body.get("sku") or {"name": "Base", "tier": "Free"},
                "identity": self._identity(call.path, body.get("identity")),
                "properties": _properties(call, location, body.get("properties") or {}, found),
            }
            identifier = resource_id(call, PROVIDER, name)
            self._quota.check_pools(fields["properties"]["agentPoolProfiles"], location, identifier)
            stored = change.put(KIND, identifier, fields, collection_id(call, PROVIDER))
        return Reply.json(envelope(stored, PROVIDER), 200 if found else 201)

    def _identity(self, path: str, given: dict[str, Any] | None) -> dict[str, Any]:
        identity = given or {"type": "SystemAssigned"}
        if identity.get("type") != "SystemAssigned":
            return identity
        known = {"tenantId": self._tenant} if self._tenant else {}
        return {**identity, "principalId": derived_guid("principal", path), **known}

    def get(self, call: Call) -> Reply:
        return Reply.json(envelope(self._require(call), PROVIDER))

    def patch(self, call: Call) -> Reply:
        """Tags, as on the service."""
        with self._store.write() as change:
            found = require(change, KIND, resource_id(call, PROVIDER, call.params["name"]))
            stored = change.put(KIND, found.id, {**found.body, "tags": call.json().get("tags") or {}}, found.parent)
        return Reply.json(envelope(stored, PROVIDER))

    def delete(self, call: Call) -> Reply:
        require_group(self._store, call.params)
        found = self._store.get(KIND, resource_id(call, PROVIDER, call.params["name"]))
        if found is None:
            return Reply(204)
        with self._store.write() as change:
            change.delete_beneath(found.id)
            change.delete(KIND, found.id)
        return Reply(202, headers=self._accepted(call, found))

    def list(self, call: Call) -> Reply:
        require_group(self._store, call.params)
        found = self._store.list(KIND, collection_id(call, PROVIDER))
        return page(call, [envelope(one, PROVIDER) for one in found])

    def list_all(self, call: Call) -> Reply:
        return page(call, [envelope(one, PROVIDER) for one in self._store.list(KIND)])

    def start(self, call: Call) -> Reply:
        return self._set_power(call, "Running")

    def stop(self, call: Call) -> Reply:
        return self._set_power(call, "Stopped")

    def _set_power(self, call: Call, code: str) -> Reply:
        with self._store.write() as change:
            found = require(change, KIND, resource_id(call, PROVIDER, call.params["name"]))
            change.put(KIND, found.id, merge(found.body, {"properties": {"powerState": {"code": code}}}), found.parent)
        return Reply(202, headers=self._accepted(call, found))

    def _accepted(self, call: Call, cluster: Document) -> dict[str, str]:
        """Headers of a 202 whose work is done already."""
        operation = self._ids.guid()
        begin_operation(self._store, operation, cluster.id)
        finish_operation(self._store, operation)
        subscription, location = call.params["subscription"], cluster.body["location"]
        return dict(accepted(result_url(call.base, subscription, NAMESPACE, location, operation)))

    def list_user(self, call: Call) -> Reply:
        return self._kubeconfig(call, "clusterUser")

    def list_admin(self, call: Call) -> Reply:
        return self._kubeconfig(call, "clusterAdmin")

    def _kubeconfig(self, call: Call, user: str) -> Reply:
        cluster = self._require(call)
        text = KUBECONFIG.format(name=cluster.name, group=call.params["group"], user=user)
        value = base64.b64encode(text.encode()).decode()
        return Reply.json({"kubeconfigs": [{"name": user, "value": value}]})

    def list_pools(self, call: Call) -> Reply:
        cluster = self._require(call)
        return page(call, [_pool(cluster, one) for one in cluster.body["properties"]["agentPoolProfiles"]])

    def get_pool(self, call: Call) -> Reply:
        cluster, name = self._require(call), call.params["pool"]
        for profile in cluster.body["properties"]["agentPoolProfiles"]:
            if profile["name"] == name.lower():
                return Reply.json(_pool(cluster, profile))
        raise not_found(f"{cluster.id}/agentPools/{name}")

    def _require(self, call: Call) -> Document:
        require_group(self._store, call.params)
        return require(self._store, KIND, resource_id(call, PROVIDER, call.params["name"]))


def _properties(call: Call, location: str, given: dict[str, Any], found: Document | None) -> dict[str, Any]:
    """What was asked for, and the defaults that the service fills in and clients read back."""
    name = call.params["name"]
    old = found.body["properties"] if found else {}
    version = str(given.get("kubernetesVersion") or old.get("kubernetesVersion") or VERSION)
    prefix = str(given.get("dnsPrefix") or old.get("dnsPrefix") or f"{name}-dns")
    return {
        "enableRBAC": True,
        "maxAgentPools": 100,
        "servicePrincipalProfile": {"clientId": "msi"},
        "nodeResourceGroup": f"MC_{call.params['group']}_{name}_{location}",
        **given,
        "kubernetesVersion": version,
        "currentKubernetesVersion": version,
        "dnsPrefix": prefix,
        "fqdn": f"{prefix}-{derived_guid('fqdn', call.path)[:8]}.hcp.{location}.azmk8s.io".lower(),
        "agentPoolProfiles": _pools(given.get("agentPoolProfiles") or old.get("agentPoolProfiles") or [], version),
        "powerState": old.get("powerState") or {"code": "Running"},
        "provisioningState": "Succeeded",
    }


def _pools(given: list[dict[str, Any]], version: str) -> list[dict[str, Any]]:
    """Raises BadRequest where there is no system pool, or a name is not one."""
    for one in given:
        check_name(str(one.get("name", "")), POOL_NAME, POOL_RULE)
    pools = [
        {
            "count": 1,
            "vmSize": "Standard_DS2_v2",
            "osType": "Linux",
            "type": "VirtualMachineScaleSets",
            "mode": "System" if len(given) == 1 else "User",
            "orchestratorVersion": version,
            **{name: value for name, value in one.items() if value is not None},
            "currentOrchestratorVersion": version,
            "provisioningState": "Succeeded",
            "powerState": {"code": "Running"},
        }
        for one in given
    ]
    if not any(one["mode"] == "System" for one in pools):
        raise BadRequest("InvalidParameter", "A managed cluster needs at least one node pool of mode System.")
    return pools


def _pool(cluster: Document, profile: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in profile.items() if name != "name"}
    resource = f"{cluster.id}/agentPools/{profile['name']}"
    return {"id": resource, "name": profile["name"], "type": POOL_TYPE, "properties": rest}
