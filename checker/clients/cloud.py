"""Which cloud is looked at: public Azure, or the one that ARM_CLOUD_METADATA_URL names."""

import ipaddress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from checker.clients.documents import text
from checker.clients.http import HttpClient, Request
from checker.errors import NothingListens, ServiceFault

PUBLIC_SUFFIXES = (".azure.com", ".azure.us", ".azure.cn", ".usgovcloudapi.net", ".chinacloudapi.cn")
MACHINE_LEARNING_SUFFIXES = (".azureml.ms", ".ml.azure.us", ".ml.azure.cn")


@dataclass(frozen=True)
class Cloud:
    """Addresses of one cloud. `login` is None on public Azure: azure-identity knows it."""

    name: str
    resource_manager: str
    storage_suffix: str
    login: str | None = None

    @property
    def scope(self) -> str:
        return f"{self.resource_manager}/.default"

    @property
    def host(self) -> str:
        return urlsplit(self.resource_manager).hostname or ""

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def is_public(self) -> bool:
        return self.host.endswith(PUBLIC_SUFFIXES)

    def takes_token(self, url: str) -> bool:
        """Whether an Azure token may be sent there: the resource manager, or a machine learning host of Azure."""
        parts = urlsplit(url)
        if parts.scheme != "https":
            return False
        same = f"{parts.scheme}://{parts.netloc}".lower() == self.resource_manager.lower()
        return same or (self.is_public and (parts.hostname or "").endswith(MACHINE_LEARNING_SUFFIXES))


PUBLIC = Cloud("AzureCloud", "https://management.azure.com", "core.windows.net")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def get_cloud(http: HttpClient, metadata_url: str | None) -> Cloud:
    """The cloud the metadata document describes (azure-machine-learning.md, b.0); public Azure without an address.

    Raises NothingListens, ServiceFault or another AccessError.
    """
    if metadata_url is None:
        return PUBLIC
    try:
        reply = http.send(Request("GET", metadata_url))
    except NothingListens as error:
        raise _nothing_there(error) from error
    if reply.status != 200:
        raise _not_a_cloud(metadata_url, f"status {reply.status}")
    return _parse(reply.json(), metadata_url)


def _parse(document: Any, metadata_url: str) -> Cloud:
    """One object or a list of them: the resource manager is on the host that was asked, as azure-ai-ml requires."""
    entries = document if isinstance(document, list) else [document]
    asked = urlsplit(metadata_url).netloc
    for entry in entries:
        manager = text(entry, "resourceManager").rstrip("/")
        if urlsplit(manager).scheme == "https" and urlsplit(manager).netloc == asked:
            return Cloud(
                text(entry, "name"),
                manager,
                text(entry, "suffixes", "storage") or PUBLIC.storage_suffix,
                text(entry, "authentication", "loginEndpoint").rstrip("/") or None,
            )
    raise _not_a_cloud(metadata_url, f"no entry with a resourceManager on {asked}")


def _nothing_there(error: NothingListens) -> NothingListens:
    return NothingListens(
        f"ARM_CLOUD_METADATA_URL ({error.looked_at})",
        f"{error.seen}: the sandbox is not running, or it runs on another port",
        "the cloud's metadata document",
        (
            "sandbox status",
            "sandbox up --detach",
            'eval "$(sandbox env)"',
            "unset ARM_CLOUD_METADATA_URL    (for public Azure)",
        ),
    )


def _not_a_cloud(url: str, seen: str) -> ServiceFault:
    return ServiceFault(
        f"ARM_CLOUD_METADATA_URL ({url.split('?', 1)[0]})",
        f"{seen}; another program may have this port",
        "a cloud's metadata document",
        ("sandbox status", 'eval "$(sandbox env)"'),
    )
