"""What can stop the checker from looking. None of these says anything about the attendee's work.

    CheckerError                  carries what was looked at, seen, expected, and what to type next
    ├── UsageError                an unknown module, check code or format
    └── AccessError               could not look: UNKNOWN in a run, exit code 3 outside one
        ├── NotSignedIn           no credential gave a token
        ├── TokenRefused          401: expired, other tenant, other cloud
        ├── Forbidden             403: names the role to grant
        ├── Throttled             429: names when to ask again
        ├── Unreachable           no connection, or it broke, or it took too long
        │   └── NothingListens    the host refused the connection: nothing has that port
        ├── ServiceFault          5xx, or an answer that cannot be read
        └── AddressRefused        the checker declines to send something to that address

A configuration file that cannot be used is `settings.ConfigurationError`; a check that looked and disagrees raises
`model.Fail` or `model.Waiting`.
"""


class CheckerError(Exception):
    """Something a person can act on: what was looked at, seen and expected, and the next commands."""

    def __init__(self, looked_at: str, seen: str, expected: str, commands: tuple[str, ...] = ()) -> None:
        super().__init__(f"{looked_at}: {seen}")
        self.looked_at = looked_at
        self.seen = seen
        self.expected = expected
        self.commands = commands


class UsageError(CheckerError):
    """The command line names something that does not exist."""


class AccessError(CheckerError):
    """The checker could not look; nothing is known about the work."""


class NotSignedIn(AccessError):
    """No credential of azure-identity gave a token."""


class TokenRefused(AccessError):
    """The service answered 401 to the token."""


class Forbidden(AccessError):
    """The service answered 403: the identity may not look."""


class Throttled(AccessError):
    """The service answered 429 longer than the retry budget lasts."""


class Unreachable(AccessError):
    """The connection could not be made, broke, or took too long."""


class NothingListens(Unreachable):
    """The host was reached and refused the connection."""


class ServiceFault(AccessError):
    """The service failed (5xx), or answered something that cannot be read."""


class AddressRefused(AccessError):
    """An address the checker does not send to."""
