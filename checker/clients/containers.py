"""Container registry builds (the Tasks API) and container groups, over ARM.

Versions: azure-mgmt-containerregistrytasks 1.0.0b1 and azure-mgmt-containerinstance 10.1.0 send the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checker.clients.arm import ArmClient
from checker.clients.documents import mapping, moment, number, sequence, text, texts

REGISTRIES_VERSION = "2023-07-01"
TASKS_VERSION = "2025-03-01-preview"
GROUPS_VERSION = "2023-05-01"


@dataclass(frozen=True)
class Image:
    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def reference(self) -> str:
        return f"{self.registry}/{self.repository}@{self.digest}"


@dataclass(frozen=True)
class RegistryRun:
    """One run of the registry's build service."""

    name: str
    kind: str
    status: str
    images: tuple[Image, ...]
    created: datetime


@dataclass(frozen=True)
class ContainerGroup:
    """`instance` is the state of the running instance, `address` an IP or, without one, a host name."""

    name: str
    state: str
    instance: str
    image: str
    tags: Mapping[str, str]
    address: str
    port: int | None


def split_reference(image: str) -> tuple[str, str]:
    """`registry/repository` and the digest of an image reference; the digest is '' where there is a tag or nothing."""
    name, _, digest = image.partition("@")
    if digest:
        return name, digest
    head, _, tail = name.rpartition("/")
    return f"{head}/{tail.partition(':')[0]}".lstrip("/"), ""


class ContainersClient:
    """Registries and container groups of one resource group."""

    def __init__(self, arm: ArmClient) -> None:
        self._arm = arm
        self._registries = f"{arm.group}/providers/Microsoft.ContainerRegistry/registries"
        self._groups = f"{arm.group}/providers/Microsoft.ContainerInstance/containerGroups"

    def list_registry_runs(self, registry: str) -> list[RegistryRun] | None:
        """Runs, newest first, or None when the registry does not exist: one call tells both."""
        entries = self._arm.entries(self._arm.url(f"{self._registries}/{registry}/runs", TASKS_VERSION))
        if entries is None:
            return None
        return sorted((_run(entry) for entry in entries), key=lambda run: run.created, reverse=True)

    def list_registries(self) -> list[str]:
        return self._arm.names(self._registries, REGISTRIES_VERSION)

    def get_container_group(self, name: str) -> ContainerGroup | None:
        document = self._arm.get(self._arm.url(f"{self._groups}/{name}", GROUPS_VERSION))
        return None if document is None else _group(document)

    def list_container_groups(self) -> list[str]:
        return self._arm.names(self._groups, GROUPS_VERSION)


def _run(document: Mapping[str, Any]) -> RegistryRun:
    properties = mapping(document, "properties")
    images = tuple(
        Image(text(entry, "registry"), text(entry, "repository"), text(entry, "tag"), text(entry, "digest"))
        for entry in sequence(properties, "outputImages")
    )
    return RegistryRun(
        name=text(properties, "runId") or text(document, "name"),
        kind=text(properties, "runType"),
        status=text(properties, "status"),
        images=images,
        created=moment(properties, "createTime"),
    )


def _group(document: Mapping[str, Any]) -> ContainerGroup:
    properties = mapping(document, "properties")
    containers = sequence(properties, "containers")
    address = mapping(properties, "ipAddress")
    ports = sequence(address, "ports")
    return ContainerGroup(
        name=text(document, "name"),
        state=text(properties, "provisioningState"),
        instance=text(properties, "instanceView", "state"),
        image=text(containers[0], "properties", "image") if containers else "",
        tags=texts(document, "tags"),
        address=text(address, "ip") or text(address, "fqdn"),
        port=number(ports[0], "port") if ports else None,
    )
