"""Azure tokens, one per scope, from azure-identity. Imported late: the library takes a third of a second."""

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from checker.clients.cloud import Cloud
from checker.clients.documents import text
from checker.errors import NotSignedIn, Unreachable
from checker.masking import Secrets

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

SPARE_SECONDS = 120  # a token this near to its end is replaced


class Tokens:
    """Tokens of one run. EnvironmentCredential alone when a client secret is set: the default chain probes others."""

    def __init__(
        self, cloud: Cloud, secrets: Secrets, *, client_secret: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._cloud = cloud
        self._secrets = secrets
        self._client_secret = client_secret
        self._clock = clock
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None
        self._tokens: dict[str, AccessToken] = {}

    def get(self, scope: str) -> str:
        """A bearer token. Raises NotSignedIn, or Unreachable when the authority cannot be asked."""
        with self._lock:
            token = self._tokens.get(scope)
            if token is None or token.expires_on - self._clock() < SPARE_SECONDS:
                token = self._request(scope)
                self._tokens[scope] = token
            return self._secrets.add(token.token)

    def get_directory(self, scope: str) -> str:
        """The tenant that a token names, read and not verified (the service verifies); '' when it cannot be read."""
        parts = self.get(scope).split(".")
        try:
            padded = parts[1] + "=" * (-len(parts[1]) % 4)
            return text(json.loads(base64.urlsafe_b64decode(padded)), "tid").lower()
        except (IndexError, ValueError):
            return ""

    def _request(self, scope: str) -> "AccessToken":
        from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError

        try:
            if self._credential is None:
                self._credential = self._open()
            return self._credential.get_token(scope)
        except ClientAuthenticationError as error:
            raise self._not_signed_in(str(error.message)) from error
        except ServiceRequestError as error:
            seen = "the authority that gives tokens cannot be reached"
            raise Unreachable("signing in", seen, "a token", ("echo $AZURE_AUTHORITY_HOST",)) from error
        except (AzureError, ValueError) as error:
            raise self._not_signed_in(str(error)) from error

    def _open(self) -> "TokenCredential":
        from azure.identity import DefaultAzureCredential, EnvironmentCredential

        # An authority Microsoft does not know: msal would ask login.microsoftonline.com about it (contract, Q4).
        extra = {"authority": self._cloud.login, "disable_instance_discovery": True} if self._cloud.login else {}
        kind = EnvironmentCredential if self._client_secret else DefaultAzureCredential
        credential: TokenCredential = kind(**extra)
        return credential

    def _not_signed_in(self, reason: str) -> NotSignedIn:
        lines = [line.strip() for line in reason.splitlines() if line.strip()]
        commands = (
            ('eval "$(sandbox env)"', "checker check")
            if self._cloud.is_loopback
            else ("az login", "az account show", "checker check")
        )
        return NotSignedIn(
            f"signing in to {self._cloud.name}",
            (lines or ["no reason given"])[0][:300],
            "a signed-in identity",
            commands,
        )
