"""Whether a name that is unique in all of Azure is free: storage accounts and key vaults."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.arm.names import SUBSCRIPTION
from sandbox.arm.subscriptions import Subscriptions
from sandbox.store import Store
from sandbox.wire import Call, Operation, Reply

ACCOUNTS = "microsoft.storage/storageaccounts"
VAULTS = "microsoft.keyvault/vaults"
ACCOUNT_NAME = re.compile(r"[a-z0-9]{3,24}")
VAULT_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9]|-(?!-)){1,22}[A-Za-z0-9]")


class Availability:
    """Names across the subscription, which is all of Azure here."""

    def __init__(self, store: Store, subscriptions: Subscriptions, is_deleted_vault: Callable[[str], bool]) -> None:
        self._is_deleted_vault = is_deleted_vault
        self._store = store
        self._subscriptions = subscriptions

    def operations(self) -> list[Operation]:
        storage = SUBSCRIPTION + "/providers/Microsoft.Storage/checkNameAvailability"
        vaults = SUBSCRIPTION + "/providers/Microsoft.KeyVault/checkNameAvailability"
        return [
            Operation("storage_accounts_check_name_availability", "POST", storage, self.check_account),
            Operation("vaults_check_name_availability", "POST", vaults, self.check_vault),
        ]

    def check_account(self, call: Call) -> Reply:
        name = self._name(call)
        if not ACCOUNT_NAME.fullmatch(name):
            rule = "Storage account name must be between 3 and 24 characters in length and use numbers and lower-case "
            return _refused("AccountNameInvalid", f"{name} is not a valid storage account name. {rule}letters only.")
        if self._is_taken(ACCOUNTS, name):
            return _refused("AlreadyExists", f"The storage account named {name} is already taken.")
        return Reply.json({"nameAvailable": True})

    def check_vault(self, call: Call) -> Reply:
        name = self._name(call)
        if not VAULT_NAME.fullmatch(name):
            return _refused("AccountNameInvalid", f"The vault name '{name}' is invalid.")
        if self._is_taken(VAULTS, name) or self._is_deleted_vault(name):
            return _refused("AlreadyExists", f"The vault name '{name}' is already in use.")
        return Reply.json({"nameAvailable": True})

    def _name(self, call: Call) -> str:
        self._subscriptions.require(call)
        return str(call.json().get("name", ""))

    def _is_taken(self, kind: str, name: str) -> bool:
        return any(one.name.lower() == name.lower() for one in self._store.list(kind))


def _refused(reason: str, message: str) -> Reply:
    answer: dict[str, Any] = {"nameAvailable": False, "reason": reason, "message": message}
    return Reply.json(answer)
