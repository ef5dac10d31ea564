"""Scoring over HTTP. The address belongs to the attendee: it gets a scoring key, never an Azure token.

Wire: POST {"data": [[ten numbers], ...]} with `Authorization: Bearer <key>`; the answer is
{"predictions": [...], "model": "name:version"}.
"""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from checker.clients.cloud import Cloud
from checker.clients.http import HttpClient, Reply, Request
from checker.errors import AddressRefused, Unreachable

ANSWER_LIMIT = 1024 * 1024  # bytes
DEPLOYMENT_HEADER = "azureml-model-deployment"
RETRIED = frozenset({429})  # any other status is what the check wants to see


@dataclass(frozen=True)
class ScoringClient:
    """Sends rows to scoring addresses that `cloud` permits."""

    cloud: Cloud
    http: HttpClient

    def score(self, url: str, rows: Sequence[Sequence[float]], key: str | None, deployment: str = "") -> Reply:
        """The answer, whatever its status; `key` None sends no Authorization header at all, and `deployment` names the
        one behind an online endpoint that is to answer, whatever the traffic says.

        Raises AddressRefused for an address the cloud does not permit, Unreachable, Throttled, ServiceFault.
        """
        permit(self.cloud, url)
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        if deployment:
            headers[DEPLOYMENT_HEADER] = deployment
        body = {"data": [list(row) for row in rows]}
        return self.http.send(Request("POST", url, headers, body, "score", RETRIED, ANSWER_LIMIT))


def permit(cloud: Cloud, url: str) -> None:
    """Refuse addresses an attendee could use to make the checker call into a private network.

    On public Azure only public addresses are scored; on a loopback cloud loopback ones too; on another private cloud
    all but loopback, link-local and the like. Raises AddressRefused, or Unreachable when the name does not resolve.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AddressRefused(url or "the scoring address", "this is not an http address", "http(s)://host/path")
    for address in _resolve(parts.hostname, url):
        if not permitted(cloud, address):
            raise AddressRefused(
                url,
                f"{parts.hostname} is {address}, which is not a public address",
                f"an address that a cloud at {cloud.host} gives out; the checker does not score others",
                ("checker check --help",),
            )


def permitted(cloud: Cloud, address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    found = mapped or found
    if found.is_loopback:
        return cloud.is_loopback
    if found.is_global:
        return not found.is_multicast
    reserved = found.is_link_local or found.is_multicast or found.is_unspecified or found.is_reserved
    return not (cloud.is_public or cloud.is_loopback or reserved)


def _resolve(host: str, url: str) -> set[str]:
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise Unreachable(url, f"the name {host} is not known to DNS", "a name that resolves") from error
