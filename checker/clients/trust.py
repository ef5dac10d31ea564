"""One trust store for all connections of a session.

requests names the bundle of certificates to every connection anew, and each one reads it: half of what a run of checks
computes. Here a bundle is read once. What is verified is the same: the certificate, and the name of the host.
"""

import ssl
import threading
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import create_urllib3_context


class TrustingAdapter(HTTPAdapter):
    """As its base class, with one context for each bundle. Safe to use from several threads."""

    def __init__(self, connections: int) -> None:
        self._contexts: dict[str, ssl.SSLContext | None] = {}
        self._lock = threading.Lock()
        super().__init__(pool_connections=connections, pool_maxsize=connections)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """The pool of a host, which has the context in place of the bundle's path."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        context = self._context(pool.get("ca_certs"))
        if context is None:
            return host, pool
        return host, {**{name: value for name, value in pool.items() if name != "ca_certs"}, "ssl_context": context}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Names no bundle to a connection whose pool has read it. Raises OSError for one that is not there."""
        if cert or self._context(verify) is None:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]

    def _context(self, bundle: object) -> ssl.SSLContext | None:
        """None for what is no file of certificates: the base class has the words for that."""
        if not isinstance(bundle, str):
            return None
        with self._lock:
            if bundle not in self._contexts:
                self._contexts[bundle] = _read(bundle)
            return self._contexts[bundle]


def _read(bundle: str) -> ssl.SSLContext | None:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    try:
        context.load_verify_locations(cafile=bundle)
    except OSError:  # it is a folder, is not there, or holds no certificate
        return None
    return context
