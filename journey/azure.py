"""The two things that the journey itself asks Azure: a resource group, and the versions of the model."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from journey.attendee import Attendee
from journey.errors import JourneyError

PUBLIC = "https://management.azure.com"
API_VERSION = "2024-11-01"
PATIENCE = 60
LOGIN_HINT = "az login, or sign in as the sandbox says: sandbox env"


@dataclass(frozen=True)
class Version:
    """One registered version of the model, with the tags that say where it comes from."""

    number: int
    tags: dict[str, str]


def resource_manager(metadata_url: str | None) -> str:
    """The resource manager's address: that of the cloud whose metadata ARM_CLOUD_METADATA_URL names, else Azure's."""
    if not metadata_url:
        return PUBLIC
    document = requests.get(metadata_url, timeout=PATIENCE).json()
    clouds = document if isinstance(document, list) else [document]
    host = urlsplit(metadata_url).netloc
    for cloud in clouds:
        address = str(cloud.get("resourceManager", "")).rstrip("/")
        if urlsplit(address).netloc == host:
            return address
    raise JourneyError(metadata_url, f"no cloud at {host} among {len(clouds)}", "its resource manager")


def create_resource_group(attendee: Attendee) -> None:
    """Makes the attendee's resource group, so that the connection can be confined to it. Raises JourneyError."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import DefaultAzureCredential

    address = resource_manager(attendee.metadata_url)
    try:
        token = DefaultAzureCredential().get_token(f"{address}/.default").token
    except ClientAuthenticationError as error:
        raise JourneyError("the sign-in to Azure", error.message, "an identity", LOGIN_HINT) from error
    group = attendee.names["resource_group"]
    answer = requests.put(
        f"{address}/subscriptions/{attendee.subscription}/resourceGroups/{group}",
        params={"api-version": API_VERSION},
        json={"location": attendee.location},
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE,
    )
    if not answer.ok:
        raise JourneyError(f"resource group {group}", f"status {answer.status_code}: {answer.text[:300]}", "created")


def list_versions(attendee: Attendee) -> list[Version]:
    """The versions of the attendee's model, oldest first, read with Azure's own SDK."""
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    names = attendee.names
    client: Any = MLClient(DefaultAzureCredential(), attendee.subscription, names["resource_group"], names["workspace"])
    found = [Version(int(one.version), dict(one.tags or {})) for one in client.models.list(name=names["model"])]
    return sorted(found, key=lambda version: version.number)
