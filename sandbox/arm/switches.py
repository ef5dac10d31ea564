"""Switches that make this Azure refuse as a subscription does that is not ready for the workshop.

They are stored with the rest of the state and changed while the server runs: `GET`, `PATCH` and `DELETE` on
`/_sandbox/azure/switches`, with the secret of the running server. A single call is failed by `/_sandbox/faults`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sandbox.arm.names import PROVIDERS, namespace_of
from sandbox.arm.roles import ROLES
from sandbox.errors import BadRequest
from sandbox.machines import FAMILIES, SWITCHES, SWITCHES_ID
from sandbox.switches import Board


@dataclass(frozen=True)
class Switches:
    """The state of every switch; the default is a subscription that carries the workshop.

    `unregistered` are namespaces of providers. `quota` is the limit in vCPUs of families of virtual machines.
    `roles` are the built-in roles that whoever is signed in has on the subscription: they are reported, and refuse
    nothing but to register a provider. `directory` is the tenant of the subscription, where it is not the one that
    gave the token; every look at the subscription itself is then refused.
    """

    unregistered: tuple[str, ...] = ()
    quota: Mapping[str, int] | None = None
    roles: tuple[str, ...] = ("Owner",)
    directory: str = ""


class Switchboard(Board[Switches]):
    """The switches of the subscription."""

    KIND, ID, ADDRESS, NAME = SWITCHES, SWITCHES_ID, "/_sandbox/azure/switches", "sandbox_azure_switches"

    def default(self) -> Switches:
        return Switches()

    def read(self, body: Mapping[str, Any]) -> Switches:
        return Switches(tuple(body["unregistered"]), dict(body["quota"]), tuple(body["roles"]), body["directory"])

    def wire(self, switches: Switches) -> dict[str, Any]:
        return {
            **asdict(switches),
            "unregistered": list(switches.unregistered),
            "quota": dict(switches.quota or {}),
            "roles": list(switches.roles),
        }

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return _checked(values)


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    known = [one.name for one in fields(Switches)]
    readers: Mapping[str, Callable[[Any], Any]] = {
        "unregistered": lambda value: tuple(
            namespace_of(one) for one in _texts("unregistered", value, list(PROVIDERS))
        ),
        "quota": _limits,
        "roles": lambda value: tuple(_texts("roles", value, [role.name for role in ROLES])),
        "directory": _directory,
    }
    for name in values:
        if name not in readers:
            raise _invalid(f"There is no switch '{name}'. The switches are {', '.join(known)}.")
    return {name: readers[name](value) for name, value in values.items()}


def _texts(name: str, value: Any, known: list[str]) -> list[str]:
    names = {one.lower(): one for one in known}
    if not isinstance(value, list) or any(not isinstance(one, str) or one.lower() not in names for one in value):
        raise _invalid(f"The switch '{name}' takes a list of some of {', '.join(known)}; this is {value!r}.")
    return [names[one.lower()] for one in value]


def _limits(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or any(
        one not in FAMILIES or type(limit) is not int for one, limit in value.items()
    ):
        raise _invalid(f"The switch 'quota' takes vCPUs by family, of {', '.join(FAMILIES)}; this is {value!r}.")
    return dict(value)


def _directory(value: Any) -> str:
    if not isinstance(value, str):
        raise _invalid(f"The switch 'directory' takes the id of a tenant, or ''; this is {value!r}.")
    return value


def _invalid(message: str) -> BadRequest:
    return BadRequest("InvalidSwitch", message)
