"""Microsoft.ContainerRegistry/registries: the resource, its admin credentials and its usage.

There is no registry v2 API: images come from builds (`runs.py`) and are found by their reference.
"""

import hmac
import re
from collections.abc import Callable
from typing import Any

from sandbox.clock import Clock
from sandbox.compute.images import Image, Images
from sandbox.containers.builds import Builder
from sandbox.containers.context import (
    GROUP,
    SUBSCRIPTION,
    BlobStore,
    SharedAccess,
    check_name,
    collection_id,
    location_of,
    resource_id,
)
from sandbox.containers.repositories import REGISTRIES, SUFFIX, Repositories, find_registry, parse_reference
from sandbox.containers.runs import Runs
from sandbox.containers.workers import Workers
from sandbox.errors import BadRequest, Conflict
from sandbox.ids import Ids
from sandbox.store import Document, Store, Transaction
from sandbox.store.resources import envelope, merge, require, require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

PROVIDER = "Microsoft.ContainerRegistry/registries"
CREDENTIALS = "registry-credentials"
NAME = re.compile(r"[A-Za-z0-9]{5,50}")
NAME_RULE = "a registry's name has 5 to 50 letters and digits"
SIZES = {"Basic": 10, "Standard": 100, "Premium": 500}  # GiB that each SKU includes
PASSWORDS = ("password", "password2")
DEFAULTS = {
    "adminUserEnabled": False,
    "publicNetworkAccess": "Enabled",
    "networkRuleBypassOptions": "AzureServices",
    "zoneRedundancy": "Disabled",
    "anonymousPullEnabled": False,
    "dataEndpointEnabled": False,
    "roleAssignmentMode": "LegacyRegistryPermissions",
    "encryption": {"status": "disabled"},
}


class Registries:
    """The registries of the subscription, and what other services ask them for."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        images: Images,
        blobs: BlobStore,
        shared: SharedAccess,
        builder: Builder,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._repositories = Repositories(store, images)
        self._workers = Workers()
        self._runs = Runs(store, clock, ids, blobs, shared, builder, self._repositories, self._workers)

    def operations(self) -> list[Operation]:
        many = GROUP + "/providers/" + PROVIDER
        one = many + "/{registry}"
        check = SUBSCRIPTION + "/providers/Microsoft.ContainerRegistry/checkNameAvailability"
        rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = [
            ("registries_check_name_availability", "POST", check, self.check_name_availability),
            ("registries_create", "PUT", one, self.put),
            ("registries_update", "PATCH", one, self.patch),
            ("registries_get", "GET", one, self.get),
            ("registries_delete", "DELETE", one, self.delete),
            ("registries_list_by_resource_group", "GET", many, self.list),
            ("registries_list", "GET", SUBSCRIPTION + "/providers/" + PROVIDER, self.list_all),
            ("registries_list_credentials", "POST", one + "/listCredentials", self.list_credentials),
            ("registries_regenerate_credential", "POST", one + "/regenerateCredential", self.regenerate_credential),
            ("registries_list_usages", "GET", one + "/listUsages", self.list_usages),
        ]
        return [*(Operation(*row) for row in rows), *self._runs.operations()]

    # What other services ask

    def resolve(self, reference: str) -> Image | None:
        """The image of `name.azurecr.io/repository:tag` or `...@sha256:...`, or None."""
        parts = parse_reference(reference)
        registry = find_registry(self._store, parts.server) if parts else None
        return self._repositories.resolve(registry.id, parts) if registry and parts else None

    def registry_of(self, reference: str) -> str | None:
        """The name of the registry that a reference is about, or None when it is not one of this sandbox."""
        server = reference.partition("/")[0].lower()
        found = find_registry(self._store, server) if server.endswith(SUFFIX) else None
        return found.name if found else None

    def credentials_match(self, registry: str, username: str, password: str) -> bool:
        """Whether the admin user is enabled and these are its name and one of its passwords."""
        found = find_registry(self._store, registry)
        if found is None or not found.body["properties"]["adminUserEnabled"]:
            return False
        secrets = require(self._store, CREDENTIALS, _credentials_id(found.id)).body
        right = [hmac.compare_digest(password.encode(), str(secrets[name]).encode()) for name in PASSWORDS]
        return username.lower() == found.name.lower() and any(right)

    def recover(self) -> None:
        """Builds that a killed server left are Failed."""
        self._runs.recover()

    def before_delete(self, resource_group: str) -> None:
        """Ends the builds of the group's registries and removes their images and uploads."""
        prefix = resource_group.lower() + "/"
        for registry in (one for one in self._store.list(REGISTRIES) if one.key.startswith(prefix)):
            self._runs.delete_all(registry.id)
        self._repositories.discard_beneath(resource_group)

    def close(self) -> None:
        self._workers.close()

    # The resource

    def check_name_availability(self, call: Call) -> Reply:
        name = str(call.json().get("name", ""))
        if not NAME.fullmatch(name):
            return Reply.json({"nameAvailable": False, "reason": "Invalid", "message": f"{NAME_RULE.capitalize()}."})
        if find_registry(self._store, name):
            message = f"The registry {name} is already in use."
            return Reply.json({"nameAvailable": False, "reason": "AlreadyExists", "message": message})
        return Reply.json({"nameAvailable": True})

    def put(self, call: Call) -> Reply:
        name, body = call.params["registry"], call.json()
        check_name(name, NAME, NAME_RULE)
        with self._store.write() as change:
            location = location_of(change, call, body)
            found = change.get(REGISTRIES, resource_id(call, PROVIDER, name))
            taken = find_registry(change, name)
            if taken and not found:
                raise Conflict("AlreadyInUse", f"The registry DNS name {name.lower()}{SUFFIX} is already in use.")
            fields = {**body, "location": location, "tags": body.get("tags") or {}, "sku": _sku(body)}
            fields["properties"] = self._properties(name, body.get("properties") or {}, found)
            stored = self._save(change, resource_id(call, PROVIDER, name), fields, collection_id(call, PROVIDER))
        return Reply.json(envelope(stored, PROVIDER), 200 if found else 201)

    def _properties(self, name: str, given: dict[str, Any], found: Document | None) -> dict[str, Any]:
        old = found.body["properties"] if found else {}
        return {
            **DEFAULTS,
            **given,
            "loginServer": f"{name.lower()}{SUFFIX}",
            "creationDate": old.get("creationDate") or self._clock.timestamp(),
            "provisioningState": "Succeeded",
        }

    def _save(self, change: Transaction, registry: str, fields: dict[str, Any], parent: str) -> Document:
        """The registry, and its passwords where it has none yet: in a document of their own, never in an answer."""
        if change.get(CREDENTIALS, _credentials_id(registry)) is None:
            secrets = {name: self._ids.secret() for name in PASSWORDS}
            change.put(CREDENTIALS, _credentials_id(registry), secrets, registry)
        return change.put(REGISTRIES, registry, fields, parent)

    def patch(self, call: Call) -> Reply:
        with self._store.write() as change:
            found = require(change, REGISTRIES, resource_id(call, PROVIDER, call.params["registry"]))
            fields = merge(found.body, call.json())
            fields = {**fields, "sku": _sku(fields)}
            stored = change.put(REGISTRIES, found.id, fields, found.parent)
        return Reply.json(envelope(stored, PROVIDER))

    def get(self, call: Call) -> Reply:
        return Reply.json(envelope(self._require(call), PROVIDER))

    def delete(self, call: Call) -> Reply:
        require_group(self._store, call.params)
        found = self._store.get(REGISTRIES, resource_id(call, PROVIDER, call.params["registry"]))
        if found is None:
            return Reply(204)
        self._runs.delete_all(found.id)
        self._repositories.delete(found.id)
        with self._store.write() as change:
            change.delete_beneath(found.id)
            change.delete(REGISTRIES, found.id)
        return Reply(200)

    def list(self, call: Call) -> Reply:
        require_group(self._store, call.params)
        found = self._store.list(REGISTRIES, collection_id(call, PROVIDER))
        return page(call, [envelope(one, PROVIDER) for one in found])

    def list_all(self, call: Call) -> Reply:
        return page(call, [envelope(one, PROVIDER) for one in self._store.list(REGISTRIES)])

    def _require(self, call: Call) -> Document:
        require_group(self._store, call.params)
        return require(self._store, REGISTRIES, resource_id(call, PROVIDER, call.params["registry"]))

    # Credentials and usage

    def list_credentials(self, call: Call) -> Reply:
        registry = self._require_admin(call)
        return Reply.json(_credentials(registry, require(self._store, CREDENTIALS, _credentials_id(registry.id))))

    def regenerate_credential(self, call: Call) -> Reply:
        registry = self._require_admin(call)
        name = str(call.json().get("name", ""))
        if name not in PASSWORDS:
            raise BadRequest("InvalidPasswordName", f"A password's name is {' or '.join(PASSWORDS)}; this is '{name}'.")
        with self._store.write() as change:
            secrets = require(change, CREDENTIALS, _credentials_id(registry.id))
            body = {**secrets.body, name: self._ids.secret()}
            stored = change.put(CREDENTIALS, secrets.id, body, registry.id)
        return Reply.json(_credentials(registry, stored))

    def _require_admin(self, call: Call) -> Document:
        registry = self._require(call)
        if not registry.body["properties"]["adminUserEnabled"]:
            raise BadRequest(
                "UnAuthorizedForCredentialOperations",
                f"Cannot perform credential operations for {registry.id} as admin user is disabled.",
            )
        return registry

    def list_usages(self, call: Call) -> Reply:
        registry = self._require(call)
        limit = SIZES[registry.body["sku"]["name"]] * 1024**3
        size = self._repositories.size(registry.id)
        return Reply.json({"value": [{"name": "Size", "limit": limit, "currentValue": size, "unit": "Bytes"}]})


def _sku(body: dict[str, Any]) -> dict[str, str]:
    """Raises BadRequest for a SKU that there is not."""
    name = str((body.get("sku") or {}).get("name", ""))
    for known in SIZES:
        if known.lower() == name.lower():
            return {"name": known, "tier": known}
    raise BadRequest("InvalidSku", f"The SKU of a registry is {', '.join(SIZES)}; this is '{name}'.")


def _credentials(registry: Document, secrets: Document) -> dict[str, Any]:
    passwords = [{"name": name, "value": secrets.body[name]} for name in PASSWORDS]
    return {"username": registry.name, "passwords": passwords}


def _credentials_id(registry: str) -> str:
    return f"{registry}/credentials"
