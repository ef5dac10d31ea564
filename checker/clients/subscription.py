"""A subscription: what it is, which providers it may use, how many vCPUs, and which names are free.

Versions: what azure-mgmt-resource 26, azure-ai-ml 1.35 and azure-mgmt-containerregistry 15 send, or Azure's published
stable ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checker.clients.arm import ArmClient
from checker.clients.documents import moment, number, sequence, text, value

SUBSCRIPTIONS_VERSION = "2022-12-01"
PROVIDERS_VERSION = "2021-04-01"
LEARNING_VERSION = "2024-04-01"
COMPUTE_VERSION = "2024-07-01"
REGISTRIES_VERSION = "2023-07-01"
VAULTS_VERSION = "2023-07-01"
RESOURCES_VERSION = "2021-04-01"
LEARNING = "Microsoft.MachineLearningServices"
DEDICATED = "Cluster Dedicated vCPUs"  # ends the name of a family's usage; another ends with LowPriority


@dataclass(frozen=True)
class Subscription:
    """`tenant` is the directory that the subscription trusts."""

    id: str
    name: str
    state: str
    tenant: str


@dataclass(frozen=True)
class Size:
    """A size of virtual machines: `cores` count for the quota of its family."""

    name: str
    family: str
    cores: int


@dataclass(frozen=True)
class Usage:
    """vCPUs of a family, in use and at most."""

    name: str
    used: int
    limit: int

    @property
    def left(self) -> int:
        return max(self.limit - self.used, 0)


@dataclass(frozen=True)
class Resource:
    """Something in a group, with its tags."""

    name: str
    kind: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class DeletedVault:
    """A key vault in the recycle bin; `id` is what it was."""

    id: str
    name: str
    deleted: datetime


class SubscriptionClient:
    """One subscription. Every method is one request (one a page), and raises what `ArmClient.get` raises."""

    def __init__(self, arm: ArmClient) -> None:
        self._arm = arm

    def get_subscription(self) -> Subscription | None:
        document = self._arm.get(self._arm.url(self._arm.subscription, SUBSCRIPTIONS_VERSION))
        return None if document is None else subscription(document)

    def list_subscriptions(self) -> list[Subscription]:
        """Those that whoever is signed in may see, in the directory of the sign-in."""
        found = self._arm.entries(self._arm.url("/subscriptions", SUBSCRIPTIONS_VERSION))
        return [subscription(entry) for entry in found or ()]

    def list_providers(self) -> Mapping[str, str]:
        """The registration state of every provider, by its namespace in lower case."""
        found = self._arm.entries(self._arm.url(f"{self._arm.subscription}/providers", PROVIDERS_VERSION))
        return {text(entry, "namespace").lower(): text(entry, "registrationState") for entry in found or ()}

    def list_sizes(self, location: str) -> Mapping[str, Size]:
        """The sizes that Machine Learning offers at a location, by name in lower case."""
        found = self._arm.get(self._arm.url(f"{self._learning(location)}/vmSizes", LEARNING_VERSION))
        sizes = [size(entry) for entry in sequence(found, "value")]
        return {one.name.lower(): one for one in sizes}

    def list_training_usages(self, location: str) -> list[Usage]:
        """vCPUs of training clusters: a quota of its own, apart from Compute's."""
        found = self._arm.entries(self._arm.url(f"{self._learning(location)}/usages", LEARNING_VERSION))
        return [usage(entry) for entry in found or ()]

    def list_compute_usages(self, location: str) -> list[Usage]:
        """vCPUs of virtual machines, which the nodes of Kubernetes are. Names are families, as standardDSv5Family."""
        path = f"{self._arm.subscription}/providers/Microsoft.Compute/locations/{location}/usages"
        return [usage(entry) for entry in self._arm.entries(self._arm.url(path, COMPUTE_VERSION)) or ()]

    def why_registry_name_is_taken(self, name: str) -> str:
        """What the registry service says against a name, '' when it is free."""
        path = f"{self._arm.subscription}/providers/Microsoft.ContainerRegistry/checkNameAvailability"
        asked = {"name": name, "type": "Microsoft.ContainerRegistry/registries"}
        found = self._arm.post(self._arm.url(path, REGISTRIES_VERSION), asked, "Reader")
        if value(found, "nameAvailable") is True:
            return ""
        return text(found, "message") or text(found, "reason") or "the service does not say why"

    def list_deleted_vaults(self) -> list[DeletedVault]:
        """The key vaults in the recycle bin of the subscription."""
        path = f"{self._arm.subscription}/providers/Microsoft.KeyVault/deletedVaults"
        return [deleted_vault(entry) for entry in self._arm.entries(self._arm.url(path, VAULTS_VERSION)) or ()]

    def list_resources(self) -> list[Resource] | None:
        """Everything in the group, or None when there is no group."""
        found = self._arm.entries(self._arm.url(f"{self._arm.group}/resources", RESOURCES_VERSION))
        return None if found is None else [resource(entry) for entry in found]

    def _learning(self, location: str) -> str:
        return f"{self._arm.subscription}/providers/{LEARNING}/locations/{location}"


def subscription(document: Any) -> Subscription:
    return Subscription(
        text(document, "subscriptionId"),
        text(document, "displayName"),
        text(document, "state"),
        text(document, "tenantId"),
    )


def size(document: Any) -> Size:
    return Size(text(document, "name"), text(document, "family"), number(document, "vCPUs") or 0)


def usage(document: Any) -> Usage:
    return Usage(text(document, "name", "value"), number(document, "currentValue") or 0, number(document, "limit") or 0)


def deleted_vault(document: Any) -> DeletedVault:
    return DeletedVault(
        text(document, "properties", "vaultId"), text(document, "name"), moment(document, "properties", "deletionDate")
    )


def resource(document: Any) -> Resource:
    tags = value(document, "tags")
    given = {key: text(tags, key) for key in tags} if isinstance(tags, Mapping) else {}
    return Resource(text(document, "name"), text(document, "type"), given)


def family_key(name: str) -> str:
    """A family, as Compute writes it (standardDSv2Family) and as Machine Learning does (Standard DSv2 Family ...)."""
    return name.removesuffix(DEDICATED).replace(" ", "").lower()
