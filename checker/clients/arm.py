"""Azure Resource Manager: authenticated requests, what a refusal means, lists with their next pages."""

from collections.abc import Iterator, Mapping
from typing import Any

from checker.clients.cloud import Cloud
from checker.clients.documents import sequence, text
from checker.clients.http import HttpClient, Reply, Request, short
from checker.clients.identity import Tokens
from checker.errors import AddressRefused, Forbidden, ServiceFault, TokenRefused

GROUPS_VERSION = "2021-04-01"
PAGE_LIMIT = 5  # pages of one list: a class workspace with more is looked at from its newest end only
READER = "Reader"


class ArmClient:
    """Requests that carry an Azure token, to Azure hosts only."""

    def __init__(self, cloud: Cloud, http: HttpClient, tokens: Tokens, subscription: str, group: str) -> None:
        self.cloud = cloud
        self.http = http
        self.group_name = group
        self.subscription = f"/subscriptions/{subscription}"
        self.group = f"{self.subscription}/resourceGroups/{group}"
        self._tokens = tokens

    def url(self, path: str, api_version: str, **query: str) -> str:
        """The address of an ARM path."""
        from urllib.parse import quote, urlencode

        return f"{self.cloud.resource_manager}{quote(path)}?{urlencode({'api-version': api_version, **query})}"

    def get(self, url: str, role: str = READER) -> Any | None:
        """The document at an address of this cloud, or None when it says 404.

        Raises TokenRefused, Forbidden (naming the role), Throttled, Unreachable, ServiceFault, AddressRefused.
        """
        reply = self._send("GET", url)
        return None if reply.status == 404 else self._accepted(reply, role).json()

    def post(self, url: str, body: object, role: str) -> Any:
        """The answer to an action that only reads (listKeys, listSecrets). Raises as `get` does, and on 404."""
        return self._accepted(self._send("POST", url, body), role).json()

    def entries(self, url: str, role: str = READER) -> Iterator[Mapping[str, Any]] | None:
        """The entries of a list over its pages, or None when its parent does not exist."""
        first = self.get(url, role)
        return None if first is None else self._pages(first, role)

    def _pages(self, page: Any, role: str) -> Iterator[Mapping[str, Any]]:
        for _ in range(PAGE_LIMIT):
            yield from (entry for entry in sequence(page, "value") if isinstance(entry, Mapping))
            following = text(page, "nextLink")
            if not following:
                return
            page = self.get(following, role)

    def names(self, path: str, api_version: str) -> list[str]:
        """The names in a list; empty when its parent does not exist. For near neighbours of a misspelt name."""
        return [text(entry, "name") for entry in self.entries(self.url(path, api_version)) or ()]

    def directory_of_sign_in(self) -> str:
        """The tenant that gave the token. Raises NotSignedIn, Unreachable."""
        return self._tokens.get_directory(self.cloud.scope)

    def resource_group_exists(self) -> bool:
        return self.get(self.url(self.group, GROUPS_VERSION)) is not None

    def list_resource_groups(self) -> list[str]:
        return self.names(f"{self.subscription}/resourceGroups", GROUPS_VERSION)

    def _send(self, method: str, url: str, body: object = None) -> Reply:
        if not self.cloud.takes_token(url):
            host = url.split("?", 1)[0]
            raise AddressRefused(
                host, "this is not an address of the cloud that is looked at", "no Azure token leaves Azure"
            )
        headers = {"Authorization": f"Bearer {self._tokens.get(self.cloud.scope)}"}
        return self.http.send(Request(method, url, headers, body))

    def _accepted(self, reply: Reply, role: str) -> Reply:
        if reply.status == 200:
            return reply
        reason = _reason(reply)
        if reply.status == 401:
            raise self._token_refused(reply, reason)
        if reply.status == 403:
            raise self._forbidden(reply, reason, role)
        seen = f"status {reply.status} {reason}".strip()
        raise ServiceFault(short(reply.where), seen, "status 200", ("checker check -v",))

    def _token_refused(self, reply: Reply, reason: str) -> TokenRefused:
        again = 'eval "$(sandbox env)"' if self.cloud.is_loopback else "az login"
        return TokenRefused(
            short(reply.where),
            f"401 {reason}".strip(),
            f"a token that {self.cloud.host} accepts: it may be expired, or of another tenant or cloud",
            (again, "az account show", "checker check"),
        )

    def _forbidden(self, reply: Reply, reason: str, role: str) -> Forbidden:
        return Forbidden(
            short(reply.where),
            f"403 {reason}".strip(),
            f"the role {role} on {self.group_name}; this says nothing about the work",
            (f'az role assignment create --role "{role}" --assignee <who runs the checker> --scope {self.group}',),
        )


def _reason(reply: Reply) -> str:
    """The service's code and the first line of its sentence, when it gives them."""
    try:
        document = reply.json()
    except ServiceFault:
        return ""
    code, message = text(document, "error", "code"), text(document, "error", "message")
    first = message.splitlines()[0][:200] if message else ""
    return f"{code}: {first}" if code and first else code or first
