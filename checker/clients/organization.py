"""An organisation of Azure DevOps: requests with a personal access token, what a refusal means, lists with pages.

The token goes by Basic with an empty user name, to the organisation's own address only. Facts: azure-devops.md, 1.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from checker.clients.cloud import is_loopback
from checker.clients.documents import sequence, text
from checker.clients.http import HttpClient, Reply, Request
from checker.errors import Forbidden, NotSignedIn, ServiceFault, TokenRefused
from checker.settings import ORGANIZATION_TOKEN, ORGANIZATION_URL

VERSION = "7.1"
PREVIEW = "7.1-preview.1"  # checks and permissions have no released version (1.2)
PAGE_LIMIT = 5
NEXT_PAGE = "x-ms-continuationtoken"
SIGN_IN = frozenset({203, 302})  # the sign-in page in place of data: 203 is a success to most clients (1.4)
GONE = frozenset({204, 404})


class Organization:
    """Requests beneath one organisation's address. `address` and `token` are None when nobody configured them."""

    def __init__(self, http: HttpClient, address: str | None, token: str | None) -> None:
        self._http = http
        self.address = address or ""
        self._token = http.secrets.add(token) if token else None

    def get(self, path: str, scope: str, version: str = VERSION, /, **query: str) -> Any | None:
        """The document at a path, or None when there is none. `scope` is the token's scope that it needs, in the words
        of the token's page.

        Raises NotSignedIn without a token, TokenRefused, Forbidden, Throttled, Unreachable, ServiceFault.
        """
        reply = self.look(path, scope, version, **query)
        return None if reply.status in GONE else reply.json()

    def entries(self, path: str, scope: str, version: str = VERSION, /, **query: str) -> Iterator[Mapping[str, Any]]:
        """The entries of a list over its pages; none when its parent does not exist. Raises as `get` does."""
        further: dict[str, str] = {}
        for _ in range(PAGE_LIMIT):
            reply = self.look(path, scope, version, **query, **further)
            document = None if reply.status in GONE else reply.json()
            yield from (entry for entry in sequence(document, "value") if isinstance(entry, Mapping))
            token = reply.headers.get(NEXT_PAGE)
            if not token:
                return
            further = {"continuationToken": token}

    def look(self, path: str, scope: str, version: str = VERSION, /, **query: str) -> Reply:
        """The answer: a success, or that there is nothing there. Raises as `get` does."""
        return self._accepted(self._http.send(self._request(path, version, query)), scope)

    def _request(self, path: str, version: str, query: Mapping[str, str]) -> Request:
        if not self.address:
            raise NotSignedIn(
                "Azure DevOps",
                "no organisation is configured",
                f"organization in the section [devops] of workshop.toml, or {ORGANIZATION_URL}",
                (f"export {ORGANIZATION_URL}=https://dev.azure.com/<organisation>",),
            )
        if not self._token:
            raise NotSignedIn(
                self.address, "nobody gave a personal access token", ORGANIZATION_TOKEN, self._token_commands()
            )
        credential = base64.b64encode(f":{self._token}".encode()).decode("ascii")
        headers = {
            "Authorization": f"Basic {self._http.secrets.add(credential)}",
            "Accept": "application/json",
            "X-TFS-FedAuthRedirect": "Suppress",  # asks for 401 in place of a sign-in page
        }
        url = f"{self.address}/{quote(path)}?{urlencode({'api-version': version, **query})}"
        return Request("GET", url, headers, kind="devops")

    def _accepted(self, reply: Reply, scope: str) -> Reply:
        page = "text/html" in reply.headers.get("content-type", "").lower()
        if reply.status in SIGN_IN or (page and reply.status < 400):
            raise self._refused(reply, f"a sign-in page in place of data ({reply.status}): the token is refused", scope)
        if reply.status == 200 or reply.status in GONE:
            return reply
        if reply.status == 401:
            reason = reason_of(reply)
            raise self._refused(reply, f"401 {reason or 'the token is refused'}", scope)
        if reply.status == 403:
            raise Forbidden(
                reply.where,
                f"403 {reason_of(reply)}".strip(),
                f"a token with the scope {scope}, of somebody who may read this; it says nothing about the work",
                self._token_commands(),
            )
        seen = f"status {reply.status} {reason_of(reply)}".strip()
        raise ServiceFault(reply.where, seen, "status 200", ("checker check -v",))

    def _refused(self, reply: Reply, seen: str, scope: str) -> TokenRefused:
        expected = f"a token of this organisation, not expired, with the scope {scope}"
        return TokenRefused(reply.where, seen, expected, self._token_commands())

    def _token_commands(self) -> tuple[str, ...]:
        if is_loopback(urlsplit(self.address).hostname or ""):
            return ('eval "$(sandbox env)"', "checker check")
        page = f"{self.address}/_usersSettings/tokens"
        return (f"export {ORGANIZATION_TOKEN}=<a token from {page}>", "checker check")


def reason_of(reply: Reply) -> str:
    """The first line of what the service says: the message of its JSON, or its plain text (1.3)."""
    kind = reply.headers.get("content-type", "").lower()
    if "json" in kind:
        try:
            said = text(reply.json(), "message")
        except ServiceFault:
            return ""
    else:
        said = reply.content.decode("utf-8", "replace") if "text/plain" in kind else ""
    lines = said.strip().splitlines()
    return lines[0][:200] if lines else ""
