"""Switches that make this Azure DevOps fail as the real one does (azure-devops.md, 8.7): one for each classic ticket.

They are stored with the rest of the state and changed while the server runs: `GET`, `PATCH` and `DELETE` on
`/_sandbox/devops/switches`, with the secret of the running server. A single call is failed or delayed by the faults
of `/_sandbox/faults` instead.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sandbox.devops.problems import invalid
from sandbox.store import Store
from sandbox.wire import Call, Operation, Reply

KIND = "devops/switches"
ID = "/devops-switches"
REFUSALS = ("401", "203", "302")
ADDRESS = "/_sandbox/devops/switches"

Guard = Callable[[Call], None]
"""Lets the owner of the running server pass and raises Unauthenticated for anybody else."""


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


class Switchboard:
    """Reads and changes the switches. Every call looks at them, so memory keeps what this only writer wrote."""

    def __init__(self, store: Store, guard: Guard) -> None:
        self._store = store
        self._guard = guard
        found = store.get(KIND, ID)
        self._current = Switches(**found.body) if found else Switches()

    def get(self) -> Switches:
        return self._current

    def update(self, values: Mapping[str, Any]) -> Switches:
        """Set some switches. Raises BadRequest for an unknown name or a value of another type."""
        checked = _checked(values)
        with self._store.write() as change:
            after = replace(self._current, **checked)
            change.put(KIND, ID, asdict(after))
            self._current = after
        return after

    def reset(self) -> None:
        with self._store.write() as change:
            change.delete(KIND, ID)
            self._current = Switches()

    def take_throttle(self) -> bool:
        """Whether this call is to be refused as one too many; counts down."""
        if not self._current.throttle:
            return False
        with self._store.write():
            left = self._current.throttle
            if left:
                self.update({"throttle": left - 1})
        return left > 0

    def operations(self) -> list[Operation]:
        rows: list[tuple[str, str, Callable[[Call], Reply]]] = [
            ("sandbox_devops_switches_get", "GET", self._read),
            ("sandbox_devops_switches_update", "PATCH", self._patch),
            ("sandbox_devops_switches_reset", "DELETE", self._delete),
        ]
        return [
            Operation(name, method, ADDRESS, handler, dialect="devops", anonymous=True)
            for name, method, handler in rows
        ]

    def _read(self, call: Call) -> Reply:
        self._guard(call)
        return Reply.json(asdict(self.get()))

    def _patch(self, call: Call) -> Reply:
        self._guard(call)
        return Reply.json(asdict(self.update(call.json())))

    def _delete(self, call: Call) -> Reply:
        self._guard(call)
        self.reset()
        return Reply(204)


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
