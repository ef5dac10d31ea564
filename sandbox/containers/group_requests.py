"""A container group as it is PUT: checked, and split into what an answer shows and what must stay secret.

What the sandbox does not carry out is refused by its name: it is never ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.errors import BadRequest, NotImplementedHere

POLICIES = ("Always", "OnFailure", "Never")
CONTAINER_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
GROUP_OPTIONS = (
    "volumes",
    "subnetIds",
    "initContainers",
    "diagnostics",
    "dnsConfig",
    "encryptionProperties",
    "extensions",
    "confidentialComputeProperties",
)
CONTAINER_OPTIONS = ("volumeMounts", "livenessProbe", "readinessProbe", "securityContext")


@dataclass(frozen=True)
class Credential:
    """Name and password for one registry, by its login server."""

    server: str
    username: str
    password: str


@dataclass(frozen=True)
class GroupRequest:
    """`properties` is what answers show. `environments` has, per container, plain and secure values together."""

    properties: dict[str, Any]
    environments: dict[str, dict[str, str]]
    credentials: tuple[Credential, ...]


def parse_group(body: Mapping[str, Any]) -> GroupRequest:
    """Raises BadRequest in the service's codes, and NotImplementedHere."""
    given = dict(body.get("properties") or {})
    _refuse(given, GROUP_OPTIONS, "container groups")
    containers = given.get("containers") or []
    if not containers:
        raise BadRequest("InvalidContainers", "A container group needs at least one container.")
    names = [str(one.get("name", "")) for one in containers]
    _check_names(names)
    policy = _one_of(str(given.get("restartPolicy") or "Always"), POLICIES, "restartPolicy")
    system = _one_of(str(given.get("osType") or ""), ("Linux", "Windows"), "osType")
    if system == "Windows":
        raise NotImplementedHere("OsTypeNotImplemented", "The sandbox runs Linux containers only.")
    credentials = tuple(_credential(one) for one in given.get("imageRegistryCredentials") or ())
    shown = {
        **{name: given[name] for name in ("priority",) if given.get(name)},
        "sku": given.get("sku") or "Standard",
        "containers": [_shown_container(one) for one in containers],
        "imageRegistryCredentials": [{"server": one.server, "username": one.username} for one in credentials],
        "restartPolicy": policy,
        "osType": system,
    }
    if given.get("ipAddress"):
        shown["ipAddress"] = _address(given["ipAddress"], shown["containers"])
    environments = {name: _environment(one) for name, one in zip(names, containers, strict=True)}
    return GroupRequest(shown, environments, credentials)


def _check_names(names: list[str]) -> None:
    for name in names:
        if not CONTAINER_NAME.fullmatch(name):
            raise BadRequest(
                "InvalidContainerName",
                f"'{name}' is not a container's name: a-z, 0-9 and dashes are expected, at most 63 characters.",
            )
    if len(set(names)) < len(names):
        raise BadRequest("DuplicateContainerName", f"Two containers have one name: {', '.join(names)}.")


def _shown_container(container: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(container.get("properties") or {})
    _refuse(given, CONTAINER_OPTIONS, "containers")
    name = container["name"]
    if not given.get("image"):
        raise BadRequest("InvalidImage", f"Container '{name}' names no image.")
    requests = (given.get("resources") or {}).get("requests") or {}
    if not requests.get("cpu") or not requests.get("memoryInGB"):
        raise BadRequest(
            "ResourceSomeRequestsNotSpecified", f"Container '{name}' needs resources.requests with cpu and memoryInGB."
        )
    if requests.get("gpu"):
        raise NotImplementedHere("GpuNotImplemented", "The sandbox has no GPU for containers.")
    variables = [
        {"name": one["name"], **({"value": one["value"]} if one.get("value") is not None else {})}
        for one in given.get("environmentVariables") or ()
    ]
    ports = [{"protocol": one.get("protocol") or "TCP", "port": int(one["port"])} for one in given.get("ports") or ()]
    shown = {
        "image": str(given["image"]),
        "command": [str(word) for word in given.get("command") or ()],
        "ports": ports,
        "environmentVariables": variables,
        "resources": given["resources"],
    }
    return {"name": name, "properties": shown}


def _environment(container: Mapping[str, Any]) -> dict[str, str]:
    variables = (container.get("properties") or {}).get("environmentVariables") or ()
    return {str(one["name"]): str(one.get("secureValue") or one.get("value") or "") for one in variables}


def _address(given: Mapping[str, Any], containers: list[dict[str, Any]]) -> dict[str, Any]:
    """The requested address; every port of it must be a port of a container."""
    kind = _one_of(str(given.get("type") or ""), ("Public", "Private"), "ipAddress.type")
    if kind == "Private":
        raise NotImplementedHere("PrivateAddressNotImplemented", "The sandbox has no virtual networks.")
    exposed = {port["port"] for one in containers for port in one["properties"]["ports"]}
    ports = [{"protocol": one.get("protocol") or "TCP", "port": int(one["port"])} for one in given.get("ports") or ()]
    missing = [str(one["port"]) for one in ports if one["port"] not in exposed]
    if missing or not ports:
        raise BadRequest(
            "MissingContainerPorts" if missing else "MissingIpAddressPorts",
            f"The ports {', '.join(missing)} of 'ipAddress' are not exposed by a container of the group."
            if missing
            else "The 'ipAddress' of a container group needs at least one port.",
        )
    label = given.get("dnsNameLabel")
    return {"type": kind, "ports": ports, **({"dnsNameLabel": str(label)} if label else {})}


def _credential(given: Mapping[str, Any]) -> Credential:
    if given.get("identity"):
        raise NotImplementedHere("IdentityPullNotImplemented", "The sandbox pulls with a username and password only.")
    server, username = str(given.get("server") or ""), str(given.get("username") or "")
    if not server or not username or not given.get("password"):
        raise BadRequest(
            "InvalidImageRegistryCredentials", "imageRegistryCredentials need server, username and password."
        )
    return Credential(server.lower(), username, str(given["password"]))


def _refuse(given: Mapping[str, Any], options: tuple[str, ...], what: str) -> None:
    for option in options:
        if given.get(option):
            raise NotImplementedHere(
                "ContainerOptionNotImplemented", f"The sandbox does not implement '{option}' of {what}."
            )


def _one_of(value: str, known: tuple[str, ...], field: str) -> str:
    """The known value in the service's spelling. Raises BadRequest."""
    for one in known:
        if one.lower() == value.lower():
            return one
    raise BadRequest("InvalidRequestContent", f"'{field}' is {' or '.join(known)}; this is '{value}'.")
