"""Azure's resource manager over plain requests, as somebody who is signed in reaches it."""

from collections.abc import Callable
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter

from journey.azure import LOGIN_HINT, resource_manager
from journey.errors import JourneyError
from journey.polling import wait_for

PATIENCE = 60  # seconds for one answer
LONGEST = 90.0  # seconds for one long-running operation
CONNECTIONS = 16
SHORTEST_PAUSE, LONGEST_PAUSE = 0.03, 0.3  # seconds: what is waited for here takes a second, not ten minutes
UP = "sandbox up --detach"
ENDED_BADLY = ("Failed", "Canceled")

T = TypeVar("T")


class Wire:
    """Calls to one resource manager, from any thread: the connections are kept, as their trust costs time to load."""

    def __init__(self, address: str, token: str, bundle: str | None) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False  # neither a proxy nor a .netrc stands between a world and its service
        self.session.verify = bundle or True
        self.session.mount("https://", HTTPAdapter(pool_maxsize=CONNECTIONS))
        self._headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body: object = None, version: str = "2023-08-01-preview") -> Any:
        """The JSON of one answer, once the long-running operation behind it has succeeded. Raises JourneyError."""
        answer = self.send(method, f"{self.address}{path}?api-version={version}", json=body, headers=self._headers)
        operation = answer.headers.get("Azure-AsyncOperation")
        if operation:
            self._await_success(operation)
        return answer.json() if answer.content else None

    def send(self, method: str, url: str, **options: Any) -> requests.Response:
        """One request anywhere, without the token unless it is among the options. Raises JourneyError unless it is
        a success.
        """
        answer = self.session.request(method, url, timeout=PATIENCE, **options)
        if not answer.ok:
            where = url.partition("?")[0]
            raise JourneyError(f"{method} {where}", f"{answer.status_code} {answer.text[:600]}", "a success")
        return answer

    def post_signed(self, url: str, body: object) -> Any:
        """One POST with the token to an address beside the resource manager."""
        return self.send("POST", url, json=body, headers=self._headers)

    def _await_success(self, operation: str) -> None:
        found = soon(
            lambda: self.send("GET", operation, headers=self._headers).json(),
            lambda one: one["status"] in ("Succeeded", *ENDED_BADLY),
            operation,
        )
        if found["status"] != "Succeeded":
            raise JourneyError(operation, str(found), "Succeeded")


def sign_in(metadata_url: str | None, bundle: str | None) -> Wire:
    """A wire with a token of this shell's identity. Raises JourneyError when there is none."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import DefaultAzureCredential

    try:
        address = resource_manager(metadata_url)
        token = DefaultAzureCredential().get_token(f"{address}/.default").token
    except ClientAuthenticationError as error:
        raise JourneyError("the sign-in to Azure", error.message, "an identity", LOGIN_HINT) from error
    except requests.RequestException as error:
        raise JourneyError(metadata_url or "Azure", f"no answer ({error})", "a cloud that answers", UP) from error
    return Wire(address, token, bundle)


def soon(read: Callable[[], T], done: Callable[[T], bool], what: str, seconds: float = LONGEST) -> T:
    """Waits as `wait_for` does, in shorter steps. Raises JourneyError when patience ends."""
    return wait_for(read, done, seconds, what, SHORTEST_PAUSE, LONGEST_PAUSE)
