"""The front of Azure DevOps: what each call goes through before and after its handler.

Throttling -> authentication -> organisation -> scope -> api-version -> handler -> headers. An action is a method on
a location; the routes are made from the locations' templates.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sandbox.clock import Clock
from sandbox.devops.access import Access, User, check_scope
from sandbox.devops.context import require_organization
from sandbox.devops.locations import Location, templates
from sandbox.devops.problems import SERVICES
from sandbox.devops.switches import Switchboard
from sandbox.devops.versions import check_version
from sandbox.errors import ApiError, Unauthenticated
from sandbox.ids import Ids
from sandbox.store import Store
from sandbox.wire import Call, Operation, Principal, Reply
from sandbox.wire.routing import Handler

TOO_MANY = 429
RETRY_SECONDS = 1
LIMIT = 200  # TSTU in a sliding five minutes (azure-devops.md, 1.6)
RESOURCE = "Services/WebApi"


@dataclass(frozen=True, slots=True)
class Action:
    """A method on a location. `one` is the form with the location's trailing values, else the collection."""

    name: str
    method: str
    location: Location
    handler: Handler
    one: bool = False


class Front:
    """Turns actions into operations of the router."""

    def __init__(
        self, store: Store, clock: Clock, ids: Ids, access: Access, switchboard: Switchboard, tenant: str
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._access = access
        self._switchboard = switchboard
        self._tenant = tenant

    def operations(self, actions: Iterable[Action]) -> list[Operation]:
        found: dict[tuple[str, str], Operation] = {}
        for action in actions:
            handler = self._through(action)
            for template in templates(action.location, action.one):
                made = Operation(action.name, action.method, template, handler, dialect="devops", anonymous=True)
                found.setdefault((action.method, template.lower()), made)
        return list(found.values())

    def _through(self, action: Action) -> Handler:
        def answer(call: Call) -> Reply:
            self._check_rate()
            try:
                user, scope = self._access.identify(call.headers)
                check_scope(scope, action.location.area, call.method)
            except Unauthenticated as error:
                return self._access.refusal(error)
            organization = require_organization(self._store, call)
            version = check_version(action.location, call)
            params = {**call.params, "organization": organization.body["name"]}
            reply = action.handler(replace(call, params=params, principal=_principal(user)))
            return self._dressed(call, reply, user, version)

        return answer

    def unversioned(self, handler: Callable[[Call], Reply]) -> Handler:
        """For discovery, which takes part in everything but the version."""

        def answer(call: Call) -> Reply:
            self._check_rate()
            try:
                user, _ = self._access.identify(call.headers)
            except Unauthenticated as error:
                return self._access.refusal(error)
            return self._dressed(call, handler(replace(call, principal=_principal(user))), user, "")

        return answer

    def _check_rate(self) -> None:
        if self._switchboard.take_throttle():
            raise ApiError(
                f"{SERVICES}.RequestBlockedException",
                "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource "
                f"'{RESOURCE}' in namespace 'User'.",
                {"retry-after": str(RETRY_SECONDS), **self._rate_headers(0.0)},
                status=TOO_MANY,
            )

    def _rate_headers(self, remaining: float) -> dict[str, str]:
        reset = int(self._clock.now().timestamp()) + 300
        return {
            "x-ratelimit-resource": RESOURCE,
            "x-ratelimit-limit": str(LIMIT),
            "x-ratelimit-remaining": str(int(remaining)),
            "x-ratelimit-reset": str(reset),
        }

    def _dressed(self, call: Call, reply: Reply, user: User, version: str) -> Reply:
        """The answer with the headers that every answer has; JSON names its version (1.2)."""
        headers = {
            "activityid": self._ids.guid(),
            "x-tfs-session": call.headers.get("x-tfs-session") or self._ids.guid(),
            "x-vss-userdata": f"{user.id}:{user.unique_name}",
            "x-vss-resourcetenant": self._switchboard.get().directory or self._tenant,
            "cache-control": "no-cache, no-store, must-revalidate",
            **reply.headers,
        }
        if version and headers.get("content-type", "").startswith("application/json"):
            headers["content-type"] = f"application/json; charset=utf-8; api-version={version}"
        delay = self._switchboard.get().rate_delay
        if delay:
            slow = {"retry-after": str(max(1, int(delay))), "x-ratelimit-delay": f"{delay:.3f}"}
            headers |= {**self._rate_headers(LIMIT / 10), **slow}
        return replace(reply, headers=headers)


def _principal(user: User) -> Principal:
    return Principal(user.id, "", "", "", user.display_name)
