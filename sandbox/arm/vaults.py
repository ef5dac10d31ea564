"""Microsoft.KeyVault/deletedVaults: a deleted vault keeps its name until somebody purges it, 90 days at most."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sandbox.arm.names import SUBSCRIPTION
from sandbox.arm.subscriptions import Subscriptions
from sandbox.clock import Clock
from sandbox.errors import Conflict, NotFound, NotImplementedHere
from sandbox.store import Document, Store, Transaction
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

VAULTS = "microsoft.keyvault/vaults"
KIND = "microsoft.keyvault/deletedvaults"
TYPE = "Microsoft.KeyVault/deletedVaults"
RETENTION = timedelta(days=90)


class DeletedVaults:
    """The recycle bin of the subscription's key vaults. A vault keeps no secrets here."""

    def __init__(self, store: Store, clock: Clock, subscriptions: Subscriptions) -> None:
        self._store = store
        self._clock = clock
        self._subscriptions = subscriptions

    def operations(self) -> list[Operation]:
        provider = SUBSCRIPTION + "/providers/Microsoft.KeyVault"
        one = provider + "/locations/{location}/deletedVaults/{vault}"
        rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = [
            ("vaults_list_deleted", "GET", provider + "/deletedVaults", self.list_deleted),
            ("vaults_get_deleted", "GET", one, self.get),
            ("vaults_purge_deleted", "POST", one + "/purge", self.purge),
        ]
        return [Operation(*row) for row in rows]

    def keep(self, resource_id: str) -> None:
        """Before a delete: the vault of this id, or those beneath it, go into the bin."""
        with self._store.write() as change:
            found = change.get(VAULTS, resource_id)
            for one in [found] if found else change.beneath(resource_id):
                if one.kind == VAULTS:
                    self._keep(change, one)

    def _keep(self, change: Transaction, vault: Document) -> None:
        location, now = str(vault.body.get("location") or ""), self._clock.now()
        properties = {
            "vaultId": vault.id,
            "location": location,
            "deletionDate": now.isoformat(),
            "scheduledPurgeDate": (now + RETENTION).isoformat(),
            "tags": vault.body.get("tags") or {},
        }
        identifier = f"/subscriptions/{self._subscriptions.subscription}/providers/Microsoft.KeyVault"
        key = f"{identifier}/locations/{location}/deletedVaults/{vault.name}"
        change.put(KIND, key, {"properties": properties})

    def list_deleted(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        return page(call, [_wire(one) for one in self._kept()])

    def get(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        return Reply.json(_wire(self._require(call.path)))

    def purge(self, call: Call) -> Reply:
        self._subscriptions.require(call)
        found = self._require(call.path.rsplit("/", 1)[0])
        self._store.delete(KIND, found.id)
        return Reply(200)

    def is_kept(self, name: str) -> bool:
        """Whether a deleted vault holds this name: names are unique in all of Azure."""
        return any(one.name.lower() == name.lower() for one in self._kept())

    def check(self, call: Call) -> None:
        """Before a vault is made. Raises Conflict for the name of a deleted one."""
        if self._store.get(VAULTS, call.path) or not self.is_kept(call.params["name"]):
            return
        if (call.json().get("properties") or {}).get("createMode") == "recover":
            raise NotImplementedHere("RecoverNotImplemented", "The sandbox does not recover deleted key vaults.")
        raise Conflict(
            "ConflictError",
            "A vault with the same name already exists in deleted state. You need to either recover or purge existing "
            "key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft "
            "delete.",
        )

    def _kept(self) -> list[Document]:
        now = self._clock.now()
        found = self._store.list(KIND)
        return [one for one in found if now < datetime.fromisoformat(one.body["properties"]["scheduledPurgeDate"])]

    def _require(self, path: str) -> Document:
        found = self._store.get(KIND, path)
        if found is None:
            name = path.rsplit("/", 1)[-1]
            raise NotFound("DeletedVaultNotFound", f"The specified deleted vault '{name}' does not exist.")
        return found


def _wire(document: Document) -> dict[str, Any]:
    return {"id": document.id, "name": document.name, "type": TYPE, **document.body}
