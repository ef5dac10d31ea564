"""Who may do what to a container or blob: a shared access signature in the query, or a bearer token of storage."""

from collections.abc import Callable, Mapping

from sandbox.blob.sas import SharedAccess
from sandbox.errors import Conflict, Forbidden, NotImplementedHere, Unauthenticated
from sandbox.wire import Call, Principal

Authenticate = Callable[[Mapping[str, str]], Principal]

EVERYTHING = frozenset("racwdxltmeop")
AUDIENCE = "https://storage.azure.com"


class Access:
    """Decides about one call."""

    def __init__(self, shared: SharedAccess, authenticate: Authenticate) -> None:
        self._shared = shared
        self._authenticate = authenticate

    def granted(self, call: Call, container: str, blob: str) -> frozenset[str]:
        """The letters this caller has here. Raises Conflict without credentials, Unauthenticated, Forbidden."""
        if "sig" in call.query:
            if not container:
                raise _mismatch("AuthorizationResourceTypeMismatch", "using this resource type")
            return self._shared.check(call.query, call.params["account"], container, blob)
        scheme = call.headers.get("authorization", "").partition(" ")[0].lower()
        if scheme in ("sharedkey", "sharedkeylite"):
            raise NotImplementedHere(
                "SharedKeyNotImplemented",
                "The sandbox does not check account keys (Authorization: SharedKey). It takes a shared access "
                "signature, or a bearer token of DefaultAzureCredential.",
            )
        if scheme != "bearer":
            raise Conflict("PublicAccessNotPermitted", "Public access is not permitted on this storage account.")
        self._check_token(call)
        return EVERYTHING

    def require(self, call: Call, container: str, blob: str, letters: str) -> frozenset[str]:
        """`granted`, which must have one of `letters`; no letters: only a bearer token will do."""
        granted = self.granted(call, container, blob)
        if not letters and "sig" in call.query:
            raise _mismatch("AuthorizationFailure", "")
        if letters and not granted & frozenset(letters):
            raise _mismatch("AuthorizationPermissionMismatch", "using this permission")
        return granted

    def _check_token(self, call: Call) -> None:
        try:
            principal = self._authenticate(call.headers)
        except Unauthenticated as error:
            raise Unauthenticated(
                "InvalidAuthenticationInfo",
                f"Server failed to authenticate the request. Please refer to the information in the www-authenticate "
                f"header. {error.message}",
                error.headers,
            ) from error
        account = f"https://{call.params['account']}.blob.core.windows.net"
        if principal.audience.rstrip("/").lower() not in (AUDIENCE, account):
            raise Unauthenticated(
                "InvalidAuthenticationInfo",
                f"The token is for '{principal.audience}'; Blob Storage takes tokens for '{AUDIENCE}'.",
            )


def _mismatch(code: str, how: str) -> Forbidden:
    return Forbidden(code, f"This request is not authorized to perform this operation {how}".rstrip() + ".")


def refuse_overwrite(granted: frozenset[str]) -> None:
    """A signature with `c` but not `w` makes new blobs and replaces none. Raises Forbidden."""
    if "w" not in granted:
        raise _mismatch("AuthorizationPermissionMismatch", "using this permission")
