"""Where Azure is: its resource manager, found by the metadata of the cloud."""

from urllib.parse import urlsplit

import requests

from journey.errors import JourneyError

PUBLIC = "https://management.azure.com"
PATIENCE = 60
LOGIN_HINT = "az login, or sign in as the sandbox says: sandbox env"


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
