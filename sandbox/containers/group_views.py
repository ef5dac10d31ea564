"""What an answer shows of a container group: its address, its state, its containers' states and logs."""

from pathlib import Path
from typing import Any

from sandbox.store import Document
from sandbox.store.resources import envelope

LOG_BYTES = 4 * 1024 * 1024  # the service answers with at most 4 MB of a log

Views = dict[str, dict[str, Any]]


def show_group(group: Document, type_name: str, runtime: Document | None, live: Views | None) -> dict[str, Any]:
    """The group with what its containers do now (`live`), or were last seen to do."""
    views: Views = live or (runtime.body["views"] if runtime else {})
    properties = dict(group.body["properties"])
    properties["containers"] = [_shown_container(one, views.get(one["name"])) for one in properties["containers"]]
    if runtime and "ipAddress" in properties:
        properties["ipAddress"] = _shown_address(properties["ipAddress"], runtime.body["host"])
    state = _group_state(properties["provisioningState"], runtime, views)
    properties["instanceView"] = {"events": [], "state": state}
    return {**envelope(group, type_name), "properties": properties}


def _shown_container(container: dict[str, Any], view: dict[str, Any] | None) -> dict[str, Any]:
    return {**container, "properties": {**container["properties"], "instanceView": view}} if view else container


def _shown_address(address: dict[str, Any], host: str) -> dict[str, Any]:
    """With the address that answers. The name of a DNS label would lead to the internet: `fqdn` is the address, too."""
    return {**address, "ip": host, **({"fqdn": host} if "dnsNameLabel" in address else {})}


def _group_state(provisioning: str, runtime: Document | None, views: Views) -> str:
    if provisioning == "Failed":
        return "Failed"
    if provisioning == "Creating" or runtime is None:
        return "Pending"
    if runtime.body["wanted"] == "Stopped":
        return "Stopped"
    if runtime.body["wanted"] == "Ended":
        codes = [view["currentState"].get("exitCode") for view in views.values()]
        return "Succeeded" if all(code == 0 for code in codes) else "Failed"
    return "Running" if views else "Pending"


def newest(log: Path) -> str:
    if not log.is_file():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - LOG_BYTES))
        return stream.read().decode("utf-8", errors="replace")
