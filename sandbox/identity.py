"""What azure-identity, msal and the SDKs ask before anything else: cloud metadata, tokens, managed identity.

Tokens are signed by the state folder's own key and checked on every ARM call. The tenant name `adfs` is the way
past msal's instance discovery, which would ask a public host (azure-machine-learning.md, Q4); a real tenant GUID
works for clients that can switch discovery off, such as `az`.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.clock import Clock
from sandbox.errors import BadRequest, Unauthenticated
from sandbox.ids import Ids
from sandbox.settings import STORAGE_SUFFIX
from sandbox.store import Store
from sandbox.wire import Call, Operation, Principal, Reply
from sandbox.wire.gateway import parse_form

KIND = "identity"
LIFETIME = 3600
JOB_LIFETIME = 7 * 24 * 3600  # a job keeps one MLflow token for its whole run
CLOUD = "AzureSandbox"
STUDIO_SUFFIX = "sandbox.test"


@dataclass(frozen=True)
class Account:
    """The tenant, subscription and service principal of a state folder, made once."""

    tenant: str
    subscription: str
    client_id: str
    client_secret: str
    object_id: str
    managed_secret: str
    signing_key: str


def get_account(store: Store, ids: Ids) -> Account:
    """The state folder's account; the first call makes it."""
    with store.write() as change:
        found = change.get(KIND, "account")
        if found is None:
            guids = {name: ids.guid() for name in ("tenant", "subscription", "client_id", "object_id")}
            secrets = {name: ids.secret() for name in ("client_secret", "managed_secret", "signing_key")}
            found = change.put(KIND, "account", {**guids, **secrets})
        return Account(**found.body)


class Identity:
    """The token service and the cloud metadata."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self.account = account
        self._clock = clock
        self._key = account.signing_key.encode()

    def issue(self, audience: str, lifetime: int = LIFETIME) -> str:
        """A bearer token for the state folder's service principal."""
        now = int(self._clock.now().timestamp())
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self.account.tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "appid": self.account.client_id,
            "oid": self.account.object_id,
            "tid": self.account.tenant,
            "ver": "1.0",
        }
        return _sign(claims, self._key)

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """The principal of a request. Raises Unauthenticated with ARM's codes."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthenticated(
                "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
            )
        claims = _claims(token, self._key)
        if claims is None:
            raise _unauthenticated("InvalidAuthenticationToken", "The access token is invalid.")
        if claims["exp"] <= self._clock.now().timestamp():
            raise _unauthenticated(
                "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now."
            )
        return Principal(claims["oid"], claims["appid"], claims["tid"], claims["aud"], "sandbox-service-principal")

    def operations(self) -> list[Operation]:
        def operation(name: str, method: str, template: str, handler: Any) -> Operation:
            return Operation(name, method, template, handler, dialect="oauth", anonymous=True)

        return [
            operation("cloud_metadata_get", "GET", "/metadata/endpoints", self.metadata),
            operation("openid_configuration_get", "GET", "/{tenant}/.well-known/openid-configuration", self.openid),
            operation(
                "openid_configuration_v2_get", "GET", "/{tenant}/v2.0/.well-known/openid-configuration", self.openid
            ),
            operation("token_create", "POST", "/{tenant}/oauth2/v2.0/token", self.token),
            operation("token_create_v1", "POST", "/{tenant}/oauth2/token", self.token),
            operation("managed_identity_token_get", "GET", "/identity/token", self.managed_token),
        ]

    def metadata(self, call: Call) -> Reply:
        """The cloud document. Version 2022-09-01 is one object (`az`), older ones a list (azure-cli.md)."""
        document = _cloud(call.base)
        return Reply.json(document if call.option("api-version") >= "2022" else [document])

    def openid(self, call: Call) -> Reply:
        authority = f"{call.base}/{call.params['tenant']}"
        return Reply.json(
            {
                "issuer": authority,
                "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
                "token_endpoint": f"{authority}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{authority}/oauth2/v2.0/devicecode",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["HS256"],
            }
        )

    def token(self, call: Call) -> Reply:
        """Client credentials with a secret; anything else says that it is not offered here."""
        form = parse_form(call.body.read())
        if form.get("grant_type") != "client_credentials":
            raise BadRequest(
                "unsupported_grant_type", f"AADSTS70003: The grant '{form.get('grant_type')}' is not offered."
            )
        if call.params["tenant"].lower() not in ("adfs", "common", "organizations", self.account.tenant):
            raise BadRequest("invalid_request", f"AADSTS90002: Tenant '{call.params['tenant']}' not found.")
        if form.get("client_id") != self.account.client_id:
            raise Unauthenticated(
                "unauthorized_client",
                f"AADSTS700016: Application with identifier '{form.get('client_id')}' was not found in the directory.",
            )
        if not hmac.compare_digest(form.get("client_secret", ""), self.account.client_secret):
            raise Unauthenticated("invalid_client", "AADSTS7000215: Invalid client secret provided.")
        audience = form.get("scope", form.get("resource", "")).split(" ")[0].removesuffix("/.default")
        return Reply.json({"token_type": "Bearer", "expires_in": LIFETIME, "access_token": self.issue(audience)})

    def managed_token(self, call: Call) -> Reply:
        """The endpoint behind IDENTITY_ENDPOINT and MSI_ENDPOINT: for code inside jobs and servers."""
        given = call.headers.get("x-identity-header") or call.headers.get("secret") or ""
        if not hmac.compare_digest(given, self.account.managed_secret):
            raise Unauthenticated("invalid_request", "The identity header does not match.")
        resource = call.option("resource")
        if not resource:
            raise BadRequest("invalid_request", "The query has no resource.")
        expires = int(self._clock.now().timestamp()) + LIFETIME
        token = {"access_token": self.issue(resource), "expires_on": str(expires), "resource": resource}
        return Reply.json({**token, "token_type": "Bearer", "client_id": self.account.client_id})


def _cloud(base: str) -> dict[str, Any]:
    """The keys that azure-ai-ml, azureml-mlflow and `az` read (azure-machine-learning.md, b.0).

    `resourceManager` has no trailing slash, else `az` asks `//metadata`; the text of `portal` after its second dot
    becomes the audience of Azure ML.
    """
    return {
        "name": CLOUD,
        "portal": f"https://portal.{STUDIO_SUFFIX}/",
        "resourceManager": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [base, f"{base}/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": f"{base}/graph",
        "graphAudience": f"{base}/graph",
        "microsoftGraphResourceId": f"{base}/graph",
        "media": f"{base}/media",
        "batch": f"{base}/batch",
        "gallery": f"{base}/gallery",
        "sqlManagement": f"{base}/sql",
        "activeDirectoryDataLake": f"{base}/datalake",
        "suffixes": {
            "storage": STORAGE_SUFFIX,
            "keyVaultDns": f"vault.{STUDIO_SUFFIX}",
            "acrLoginServer": "azurecr.io",
            "sqlServerHostname": f"db.{STUDIO_SUFFIX}",
            "azureDataLakeStoreFileSystem": f"adls.{STUDIO_SUFFIX}",
            "azureDataLakeAnalyticsCatalogAndJob": f"adla.{STUDIO_SUFFIX}",
        },
    }


def _unauthenticated(code: str, message: str) -> Unauthenticated:
    return Unauthenticated(
        code, message, {"www-authenticate": f'Bearer error="invalid_token", error_description="{message}"'}
    )


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _sign(claims: Mapping[str, Any], key: bytes) -> str:
    header = _encode(json.dumps({"typ": "JWT", "alg": "HS256"}).encode())
    signed = f"{header}.{_encode(json.dumps(claims).encode())}"
    return f"{signed}.{_encode(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def _claims(token: str, key: bytes) -> dict[str, Any] | None:
    """The claims of a token this key signed, else None."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_encode(hmac.digest(key, signed.encode(), hashlib.sha256)), signature):
        return None
    claims: dict[str, Any] = json.loads(_decode(signed.partition(".")[2]))
    return claims
