"""Shared access signatures: a query string that lets its holder into one container or blob.

The signature is an HMAC over this server's own canonical text, so that a signature cannot be moved to another resource,
widened or prolonged. It is not computed like Azure's; clients only carry it.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sandbox.clock import Clock
from sandbox.errors import Forbidden, NotImplementedHere

VERSION = "2026-02-06"
TIME = "%Y-%m-%dT%H:%M:%SZ"


class SharedAccess:
    """Issues and checks signatures with one key. Names compare with their case."""

    def __init__(self, key: str, clock: Clock) -> None:
        self._key = key.encode()
        self._clock = clock

    def issue(self, account: str, container: str, permissions: str, expires: datetime, blob: str | None = None) -> str:
        """The query string. `permissions` is letters of `racwdl`; with `blob` it opens only that blob."""
        fields = {"sv": VERSION, "sr": "c" if blob is None else "b", "sp": permissions, "se": expires.strftime(TIME)}
        return urlencode({**fields, "sig": self._signature(fields, account, container, blob or "")})

    def issue_for(self, account: str, container: str, permissions: str, seconds: int, blob: str | None = None) -> str:
        """A signature that ends `seconds` from now."""
        return self.issue(account, container, permissions, self._clock.now() + timedelta(seconds=seconds), blob)

    def check(self, query: Mapping[str, str], account: str, container: str, blob: str) -> frozenset[str]:
        """The letters a signature grants here.

        Raises Forbidden (AuthenticationFailed) for a signature of another resource, a changed or an expired one.
        """
        if "sr" not in query:
            raise NotImplementedHere(
                "AccountSasNotImplemented", "The sandbox takes shared access signatures of containers and blobs only."
            )
        fields = {name: query.get(name, "") for name in ("sv", "sr", "sp", "se")}
        of_blob = blob if fields["sr"] == "b" else ""
        expected = self._signature(fields, account, container, of_blob)
        if not hmac.compare_digest(expected.encode(), query.get("sig", "").encode()):
            raise _failed("Signature did not match.")
        if fields["se"] <= self._clock.now().strftime(TIME):
            raise _failed(f"Signature not valid in the specified time frame: it ended {fields['se']}.")
        return frozenset(fields["sp"])

    def _signature(self, fields: Mapping[str, str], account: str, container: str, blob: str) -> str:
        text = "\n".join([*(fields[name] for name in ("sv", "sr", "sp", "se")), account, container, blob])
        return base64.b64encode(hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)).decode()


def _failed(detail: str) -> Forbidden:
    return Forbidden(
        "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
        f"including the signature. {detail}",
    )
