"""Switches that make this Azure DevOps fail as the real one does (azure-devops.md, 8.7): one for each classic ticket.

They are stored with the rest of the state and changed while the server runs: `GET`, `PATCH` and `DELETE` on
`/_sandbox/devops/switches`, with the secret of the running server. A single call is failed or delayed by the faults
of `/_sandbox/faults` instead.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sandbox.devops.problems import invalid
from sandbox.switches import Board

REFUSALS = ("401", "203", "302")


@dataclass(frozen=True)
class Switches:
    """The state of every switch; the default is an organisation in good order.

    `refusal` is how refused credentials are answered, and `tokens_expired` treats every PAT as expired.
    `throttle` counts the calls that are still to be answered 429; `rate_delay` (seconds) makes each answer carry the
    headers of a delayed call. `import_error` is the reason with which imports fail. `directory` is the tenant that the
    organisation is connected to, where it is not the subscription's.
    """

    refusal: str = "401"
    tokens_expired: bool = False
    hosted_parallelism: bool = True
    throttle: int = 0
    rate_delay: float = 0.0
    default_branch: str = "main"
    import_error: str = ""
    endpoint_not_ready: bool = False
    closed_resources: bool = False
    implied_trigger_disabled: bool = False
    directory: str = ""


class Switchboard(Board[Switches]):
    """The switches of Azure DevOps."""

    KIND, ID = "devops/switches", "/devops-switches"
    ADDRESS, NAME = "/_sandbox/devops/switches", "sandbox_devops_switches"
    DIALECT = "devops"

    def default(self) -> Switches:
        return Switches()

    def read(self, body: Mapping[str, Any]) -> Switches:
        return Switches(**body)

    def wire(self, switches: Switches) -> dict[str, Any]:
        return asdict(switches)

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return _checked(values)

    def take_throttle(self) -> bool:
        """Whether this call is to be refused as one too many; counts down."""
        if not self.get().throttle:
            return False
        with self._store.write():
            left = self.get().throttle
            if left:
                self.update({"throttle": left - 1})
        return left > 0


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    types = {one.name: type(one.default) for one in fields(Switches)}
    for name, value in values.items():
        if name not in types:
            raise invalid(f"There is no switch '{name}'. The switches are {', '.join(types)}.")
        wanted = (int, float) if types[name] is float else types[name]
        if not isinstance(value, wanted) or (isinstance(value, bool) and types[name] is not bool):
            raise invalid(f"The switch '{name}' takes {types[name].__name__}; this is {value!r}.")
    if values.get("refusal", "401") not in REFUSALS:
        raise invalid(f"The switch 'refusal' is one of {', '.join(REFUSALS)}; this is {values['refusal']!r}.")
    return dict(values)
