"""An Azure DevOps organisation over REST, as a person with a personal access token reaches it (azure-devops.md)."""

import time
from collections.abc import Mapping
from typing import Any

import requests

from journey.errors import JourneyError, NotFound

VERSION = "7.1"
PREVIEW = "7.1-preview.1"
PATIENCE = (5, 60)  # seconds to connect, seconds for an answer
TRIES = 5
LONGEST_PAUSE = 30.0
LATER = (429, 503)
TOKEN_HINT = "make a new token (User settings, Personal access tokens) and export AZURE_DEVOPS_EXT_PAT"

Query = Mapping[str, str | int]


class Organization:
    """Calls beneath `https://dev.azure.com/{organization}`. Raises JourneyError for every answer that is no success.

    The token goes by Basic with an empty name. `X-TFS-FedAuthRedirect: Suppress` asks for 401 in place of a sign-in
    page; where one comes all the same, with 203 or 302, it counts as a refused token (azure-devops.md, 1.4).
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.auth = ("", token)
        self._session.headers.update({"Accept": "application/json", "X-TFS-FedAuthRedirect": "Suppress"})

    def get(self, path: str, query: Query | None = None, version: str = VERSION) -> Any:
        """One thing. Raises NotFound for 404."""
        return self._call("GET", path, query, None, version)[0]

    def find(self, path: str, query: Query | None = None, version: str = VERSION) -> Any | None:
        """One thing, or None where there is none."""
        try:
            return self.get(path, query, version)
        except NotFound:
            return None

    def list(self, path: str, query: Query | None = None, version: str = VERSION) -> list[dict[str, Any]]:
        """Every item of a collection, page by page."""
        found: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            further = {"continuationToken": token} if token else {}
            body, headers = self._call("GET", path, {**(query or {}), **further}, None, version)
            found += (body or {}).get("value", [])
            token = headers.get("x-ms-continuationtoken")
            if not token:
                return found

    def post(self, path: str, body: Any, query: Query | None = None, version: str = VERSION) -> Any:
        return self._call("POST", path, query, body, version)[0]

    def patch(self, path: str, body: Any, query: Query | None = None, version: str = VERSION) -> Any:
        return self._call("PATCH", path, query, body, version)[0]

    def put(self, path: str, body: Any, query: Query | None = None, version: str = VERSION) -> Any:
        return self._call("PUT", path, query, body, version)[0]

    def delete(self, path: str, query: Query | None = None, version: str = VERSION) -> None:
        self._call("DELETE", path, query, None, version)

    def _call(
        self, method: str, path: str, query: Query | None, body: Any, version: str
    ) -> tuple[Any, Mapping[str, str]]:
        url = f"{self.url}/{path}"
        parameters = {"api-version": version, **(query or {})}
        for attempt in range(1, TRIES + 1):
            answer = self._send(method, url, parameters, body)
            if answer.status_code not in LATER or attempt == TRIES:
                break
            time.sleep(_pause(answer, attempt))
        _require_success(f"{method} {path}", answer)
        return (answer.json() if answer.content else None), answer.headers

    def _send(self, method: str, url: str, query: Query, body: Any) -> requests.Response:
        try:
            return self._session.request(
                method, url, params=dict(query), json=body, timeout=PATIENCE, allow_redirects=False
            )
        except requests.exceptions.SSLError as error:
            raise JourneyError(
                url, f"its certificate is not trusted ({error})", "REQUESTS_CA_BUNDLE to name the bundle that signs it"
            ) from error
        except requests.RequestException as error:
            raise JourneyError(url, f"no answer ({error})", "a service that answers", "curl -I " + self.url) from error

    def close(self) -> None:
        self._session.close()


def _pause(answer: requests.Response, attempt: int) -> float:
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked) if asked.isdecimal() else float(attempt), LONGEST_PAUSE)


def _require_success(what: str, answer: requests.Response) -> None:
    status = answer.status_code
    page = "text/html" in answer.headers.get("Content-Type", "")
    if status in (203, 302, 401) or (page and status < 400):
        reason = answer.text.strip()[:200] if status == 401 and not page else ""
        raise JourneyError(what, f"the token is refused ({status}) {reason}".rstrip(), "a valid token", TOKEN_HINT)
    if status == 404:
        raise NotFound(what, _message(answer), "something of that name")
    if status == 403:
        raise JourneyError(what, f"not permitted: {_message(answer)}", "a token and a user with that right")
    if not answer.ok:
        raise JourneyError(what, f"status {status}: {_message(answer)}", "a success")


def _message(answer: requests.Response) -> str:
    """The service's own words: the JSON's message, else the body's beginning."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text.strip()[:300] or answer.reason
