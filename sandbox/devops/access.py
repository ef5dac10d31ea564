"""Who calls: personal access tokens by Basic, bearer tokens, and how a refusal looks (azure-devops.md, 1.4).

A PAT has 84 characters with `AZDO` at offset 76; Node's client picks its scheme by that shape. Only a hash of a PAT is
stored, but for the first one, which `sandbox env` shows like the secret of the service principal.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.clock import Clock, iso
from sandbox.devops.problems import CORE, invalid
from sandbox.devops.switches import Switchboard
from sandbox.errors import ApiError, Unauthenticated
from sandbox.ids import Ids
from sandbox.store import Document, Store
from sandbox.wire import Call, Principal, Reply

USERS = "devops/users"
TOKENS = "devops/tokens"
FIRST = "devops/first-token"
FULL = "app_token"
DAYS = 90
CHALLENGE = 'Basic realm="Azure DevOps"'
EXPIRED = "Access Denied: The Personal Access Token used has expired."
SIGN_IN = "<!DOCTYPE html><html><head><title>Azure DevOps Services | Sign In</title></head><body>Sign in</body></html>"

Authenticate = Callable[[Mapping[str, str]], Principal]


@dataclass(frozen=True)
class User:
    """Somebody with access to every organisation of the sandbox. `id` is a GUID, `unique_name` an e-mail address."""

    id: str
    display_name: str
    unique_name: str

    def fields(self) -> dict[str, str]:
        """What is stored with the things that a user makes."""
        return {"id": self.id, "displayName": self.display_name, "uniqueName": self.unique_name}


@dataclass(frozen=True)
class Token:
    """A personal access token as it was made; `secret` is known at that moment only."""

    id: str
    display_name: str
    scope: str
    valid_from: str
    valid_to: str
    secret: str


class Access:
    """Users and their tokens."""

    def __init__(
        self, store: Store, clock: Clock, ids: Ids, authenticate: Authenticate, switchboard: Switchboard
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._authenticate = authenticate
        self._switchboard = switchboard
        self.user, self.first_token = self._begin()

    def _begin(self) -> tuple[User, str]:
        """The state folder's own user and their first PAT; the first start makes both, a later one renews the PAT."""
        with self._store.write() as change:
            found = change.get(FIRST, "/devops-first")
            if found is None or self._has_ended(found.body["secret"]):
                known = self.get_user(found.body["user"]) if found else None
                user = known or self.create_user("Ada Attendee", "ada@example.org")
                token = self.create_token(user, "First token")
                found = change.put(FIRST, "/devops-first", {"user": user.id, "secret": token.secret})
        return self.get_user(found.body["user"]), str(found.body["secret"])

    def _has_ended(self, secret: str) -> bool:
        """Whether the first token was revoked or is past its time; then a start makes another."""
        found = self._store.get(TOKENS, _token_key(secret))
        return found is None or datetime.fromisoformat(found.body["validTo"]) <= self._clock.now()

    def create_user(self, display_name: str, unique_name: str) -> User:
        user = User(self._ids.guid(), display_name, unique_name)
        self._store.put(USERS, f"/devops-users/{user.id}", user.fields())
        return user

    def get_user(self, user_id: str) -> User:
        """Raises KeyError for a user that there is not."""
        found = self._store.get(USERS, f"/devops-users/{user_id}")
        if found is None:
            raise KeyError(user_id)
        return User(found.body["id"], found.body["displayName"], found.body["uniqueName"])

    def create_token(self, user: User, display_name: str, scope: str = FULL, valid_to: datetime | None = None) -> Token:
        """A PAT for a user. `scope` is `app_token` for everything, else scopes such as `vso.code vso.project`."""
        now = self._clock.now()
        ends = iso(valid_to or now + timedelta(days=DAYS))
        token = Token(self._ids.guid(), display_name, scope, iso(now), ends, self._secret())
        body = {
            "id": token.id,
            "user": user.id,
            "displayName": display_name,
            "scope": scope,
            "validFrom": token.valid_from,
            "validTo": ends,
        }
        self._store.put(TOKENS, _token_key(token.secret), body, f"/devops-users/{user.id}")
        return token

    def _secret(self) -> str:
        text = "".join(letter for letter in self._ids.secret(160) if letter.isalnum())
        return f"{text[:76]}AZDO{text[76:80]}"

    def tokens(self, user: User) -> list[Document]:
        return self._store.list(TOKENS, f"/devops-users/{user.id}")

    def revoke_token(self, user: User, token_id: str) -> bool:
        """Whether there was one."""
        with self._store.write() as change:
            mine = change.list(TOKENS, f"/devops-users/{user.id}")
            found = next((one for one in mine if one.body["id"] == token_id), None)
            return found is not None and change.delete(TOKENS, found.id)

    def identify(self, headers: Mapping[str, str]) -> tuple[User, str]:
        """The user of a request and the scope of their token. Raises Unauthenticated, empty or with the reason."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            return self._by_token(_password(value))
        if scheme.lower() == "bearer" and self._store.get(TOKENS, _token_key(value)):
            return self._by_token(value)
        if scheme.lower() == "bearer":
            return self._by_bearer(headers)
        raise refused()

    def _by_token(self, secret: str) -> tuple[User, str]:
        found = self._store.get(TOKENS, _token_key(secret)) if secret else None
        if found is None:
            raise refused()
        ended = datetime.fromisoformat(found.body["validTo"]) <= self._clock.now()
        if ended or self._switchboard.get().tokens_expired:
            raise refused(EXPIRED)
        return self.get_user(found.body["user"]), str(found.body["scope"])

    def _by_bearer(self, headers: Mapping[str, str]) -> tuple[User, str]:
        try:
            self._authenticate(headers)
        except ApiError as error:
            raise refused(error.message) from error
        return self.user, FULL

    def refusal(self, error: Unauthenticated) -> Reply:
        """How the switch wants refused credentials answered; 401 is left to the error dialect."""
        mode = self._switchboard.get().refusal
        if mode == "302":
            return Reply(302, headers={"location": "/_signin"})
        if mode == "203":
            return sign_in()
        raise error


def refused(reason: str = "") -> Unauthenticated:
    return Unauthenticated("UnauthorizedRequestException", reason, {"www-authenticate": CHALLENGE})


def sign_in() -> Reply:
    """The page that a client sees instead of data: 203 is a success to `requests`."""
    return Reply.text(SIGN_IN, 203, "text/html; charset=utf-8")


def check_scope(held: str, area: str, method: str) -> None:
    """Raises Unauthenticated where a token's scopes do not reach this area, as the service does (1.4, INF)."""
    needed = SCOPES.get(area)
    if held == FULL or needed is None:
        return
    mine = [one for one in held.split() if one == needed or one.startswith(f"{needed}_")]
    writing = any(one.endswith(("_write", "_manage", "_full", "_execute")) for one in mine)
    if not mine or (method not in ("GET", "HEAD", "OPTIONS") and not writing):
        raise refused()


SCOPES = {
    "core": "vso.project",
    "git": "vso.code",
    "policy": "vso.code",
    "serviceendpoint": "vso.serviceendpoint",
    "environments": "vso.environment",
    "pipelinePermissions": "vso.pipelineresources",
    "wit": "vso.work",
    "Build": "vso.build",
    "build": "vso.build",
    "Pipelines": "vso.build",
    "Test": "vso.test",
}
"""The scope that a PAT needs, by area; an area that is not named is open to any token."""


def _password(value: str) -> str:
    """The password of a Basic header; empty where it cannot be read."""
    try:
        decoded = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded.partition(":")[2]


def _token_key(secret: str) -> str:
    return f"/devops-tokens/{hashlib.sha256(secret.encode()).hexdigest()}"


class TokenLifecycle:
    """The PAT Lifecycle Management API: on the cloud beneath `vssps.dev.azure.com`, and for Entra tokens only."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def list(self, call: Call) -> Reply:
        user = self._caller(call)
        return Reply.json(
            {"continuationToken": "", "patTokens": [_public(one.body) for one in self._access.tokens(user)]}
        )

    def create(self, call: Call) -> Reply:
        user, body = self._caller(call), call.json()
        ends = body.get("validTo")
        try:
            valid_to = datetime.fromisoformat(ends) if ends else None
        except ValueError as error:
            raise invalid(f"validTo is a time such as 2030-01-31T00:00:00Z; this is '{ends}'.") from error
        name, scope = str(body.get("displayName") or ""), str(body.get("scope") or FULL)
        if not name:
            raise invalid("A personal access token needs a displayName.")
        token = self._access.create_token(user, name, scope, valid_to)
        made = {
            "id": token.id,
            "displayName": name,
            "scope": scope,
            "validFrom": token.valid_from,
            "validTo": token.valid_to,
        }
        return Reply.json({"patToken": {**_public(made), "token": token.secret}, "patTokenError": "none"})

    def revoke(self, call: Call) -> Reply:
        self._access.revoke_token(self._caller(call), call.option("authorizationId"))
        return Reply(204)

    def _caller(self, call: Call) -> User:
        if not call.headers.get("authorization", "").lower().startswith("bearer "):
            raise invalid("Personal access tokens are managed with a Microsoft Entra token, not with a PAT.", CORE)
        return self._access.identify(call.headers)[0]


def _public(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "displayName": body["displayName"],
        "validTo": body["validTo"],
        "scope": body["scope"],
        "targetAccounts": None,
        "validFrom": body["validFrom"],
        "authorizationId": body["id"],
        "token": None,
    }
