"""Runs the release's image in staging: a container group on Azure Container Instances.

    python solution/deployment/staging.py [--key-file build/staging.key]

Needs the release's image; writes the section `staging` of the passport, and the scoring key to a file that only you can
read.

STAGING_KEY  optional: the key to deploy with, such as a secret variable of the pipeline; a new one by default
"""

import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import release
import workshop
from workshop import Workshop

if TYPE_CHECKING:
    from azure.mgmt.containerinstance import ContainerInstanceManagementClient
    from azure.mgmt.containerinstance.models import ContainerGroup, ImageRegistryCredential

PORT = 5001
CONTAINER = "scoring"
HEALTHY_SECONDS = 300
POLL_SECONDS = 2
LOG_LINES = 40


def container_client(settings: Workshop) -> "ContainerInstanceManagementClient":
    """Returns the client of Azure Container Instances."""
    from azure.mgmt.containerinstance import ContainerInstanceManagementClient

    return workshop.management_client(ContainerInstanceManagementClient, settings)


def registry_credentials(settings: Workshop, server: str) -> "ImageRegistryCredential":
    """Returns name and password of the registry. They are read when they are needed and kept nowhere."""
    from azure.mgmt.containerinstance.models import ImageRegistryCredential
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient

    registries = workshop.management_client(ContainerRegistryManagementClient, settings).registries
    found = registries.list_credentials(settings.names.resource_group, settings.names.registry)
    if not found.username or not found.passwords:
        raise workshop.StepError(f"Registry {settings.names.registry} has no admin user: run solution/provision.py.")
    return ImageRegistryCredential(server=server, username=found.username, password=found.passwords[0].value)


def scoring_key() -> str:
    """Returns the key that was given, else a new one. A variable that nobody set arrives as the text $(name)."""
    given = os.environ.get("STAGING_KEY", "")
    return given if given and not given.startswith("$(") else secrets.token_urlsafe(32)


def container_group(settings: Workshop, passport: dict[str, Any], key: str) -> "ContainerGroup":
    """Returns the group: one container of the image, by its digest, with a public address and a key of its own."""
    from azure.mgmt.containerinstance import models

    server, image = release.need(passport, "image", "registry"), release.need(passport, "image", "reference")
    container = models.Container(
        name=CONTAINER,
        image=image,
        resources=models.ResourceRequirements(requests=models.ResourceRequests(cpu=1, memory_in_gb=1.5)),
        ports=[models.ContainerPort(port=PORT)],
        environment_variables=[models.EnvironmentVariable(name="SCORING_KEY", secure_value=key)],
    )
    return models.ContainerGroup(
        location=settings.location,
        containers=[container],
        os_type="Linux",
        restart_policy="OnFailure",
        ip_address=models.IpAddress(type="Public", ports=[models.Port(port=PORT, protocol="TCP")]),
        image_registry_credentials=[registry_credentials(settings, server)],
        tags=settings.tags | tags(passport),
    )


def tags(passport: dict[str, Any]) -> dict[str, str]:
    """Returns what the group says about itself."""
    return {
        "model": f"{release.need(passport, 'model', 'name')}:{release.need(passport, 'model', 'version')}",
        "build": release.need(passport, "source", "build"),
        "commit": release.need(passport, "source", "commit"),
        "digest": release.need(passport, "image", "digest"),
    }


def wait_healthy(address: str, check: Callable[[], object]) -> None:
    """Waits until the model server answers its liveness probe. Raises StepError when it does not, or `check` raises."""
    import requests

    deadline = time.monotonic() + HEALTHY_SECONDS
    while time.monotonic() < deadline:
        # A server that is still starting refuses connections; whether it has ended is another question, for `check`.
        with suppress(requests.RequestException):
            if requests.get(address, timeout=10).ok:
                return
        check()
        time.sleep(POLL_SECONDS)
    raise workshop.StepError(f"{address} did not answer within {HEALTHY_SECONDS} seconds.")


def require_running(client: "ContainerInstanceManagementClient", settings: Workshop) -> "ContainerGroup":
    """Returns the group. Raises StepError when its container has ended: a server without its model stops."""
    group = client.container_groups.get(settings.names.resource_group, settings.names.staging)
    view = group.containers[0].instance_view
    state = view.current_state if view else None
    crashing = state and (state.state == "Terminated" or "CrashLoop" in (state.detail_status or ""))
    if group.provisioning_state == "Failed" or crashing:
        ended = (view and view.previous_state) or state  # a container that waits for its restart has its end behind it
        detail = f"container {ended.state}, exit code {ended.exit_code}" if ended else "no container state"
        raise workshop.StepError(f"Container group {settings.names.staging}: {group.provisioning_state}; {detail}.")
    return group


def print_log_tail(client: "ContainerInstanceManagementClient", settings: Workshop) -> None:
    """Prints the end of the container's log to the error stream, where there is one."""
    names = settings.names
    logs = workshop.existing(
        lambda: client.containers.list_logs(names.resource_group, names.staging, CONTAINER, tail=LOG_LINES)
    )
    print(f"--- the last lines of {names.staging} ---", file=sys.stderr)
    print((logs.content if logs else None) or "(no log)", file=sys.stderr)


def deploy(client: "ContainerInstanceManagementClient", settings: Workshop, wanted: "ContainerGroup") -> str:
    """Creates or replaces the group and waits until the model answers; returns its address, http://<ip>:<port>."""
    from azure.core.exceptions import HttpResponseError

    names = settings.names
    try:
        group = client.container_groups.begin_create_or_update(names.resource_group, names.staging, wanted).result()
        if not group.ip_address or not group.ip_address.ip:
            raise workshop.StepError(f"Container group {names.staging} has no address.")
        # A container group's public address is plain http: good enough to try a release on, not for patients' data.
        address = f"http://{group.ip_address.ip}:{PORT}"
        wait_healthy(f"{address}/", lambda: require_running(client, settings))
    except (workshop.StepError, HttpResponseError):
        print_log_tail(client, settings)
        raise
    return address


def main() -> int:
    """Deploys and records staging."""
    parser = release.parser(__doc__)
    parser.add_argument("--key-file", type=Path, default=Path("build/staging.key"), help="takes the key (%(default)s)")
    options = parser.parse_args()
    settings, passport = workshop.load(), release.read(options.release)
    key = scoring_key()
    group = container_group(settings, passport, key)
    client = container_client(settings)
    print(f"staging: {settings.names.staging} from {release.need(passport, 'image', 'reference')}")
    address = deploy(client, settings, group)
    release.write_key(options.key_file, key)
    section = {"group": settings.names.staging, "url": f"{address}/score", "digest": passport["image"]["digest"]}
    release.extend(options.release, "staging", section)
    print(f"healthy: {section['url']} (plain http; the key is in {options.key_file})")
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
