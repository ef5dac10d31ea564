"""Reading blobs with a SAS (azure-machine-learning.md, b.5). No Azure token goes to a storage account."""

import re
from html import unescape
from urllib.parse import quote, urlencode

from checker.clients.cloud import Cloud
from checker.clients.http import HttpClient, Reply, Request
from checker.clients.machinelearning import Datastore
from checker.errors import Forbidden, ServiceFault

BLOB_VERSION = "2021-08-06"
BLOB_LIMIT = 1024 * 1024  # bytes: a linear model of ten features has a few hundred


NAME = re.compile(r"<Name>([^<]*)</Name>")


def get_blob(cloud: Cloud, http: HttpClient, datastore: Datastore, path: str, limit: int = BLOB_LIMIT) -> bytes | None:
    """The content, or None when there is no such blob. Raises AccessError, ServiceFault above `limit` bytes."""
    url = f"{_container(cloud, datastore)}/{quote(path)}?{datastore.sas}"
    reply = http.send(Request("GET", url, {"x-ms-version": BLOB_VERSION}, limit=limit))
    return None if reply.status == 404 else _accepted(reply).content


def list_blobs(cloud: Cloud, http: HttpClient, datastore: Datastore, prefix: str) -> list[str]:
    """The names that begin with `prefix`, the first 5000 in their order. Raises AccessError, ServiceFault.

    The answer is XML without anything nested in a name, so that its names are found without a parser.
    """
    query = urlencode({"restype": "container", "comp": "list", "prefix": prefix})
    url = f"{_container(cloud, datastore)}?{query}&{datastore.sas}"
    reply = _accepted(http.send(Request("GET", url, {"x-ms-version": BLOB_VERSION})))
    return [unescape(name) for name in NAME.findall(reply.content.decode(errors="replace"))]


def _container(cloud: Cloud, datastore: Datastore) -> str:
    return f"https://{datastore.account}.blob.{cloud.storage_suffix}/{datastore.container}"


def _accepted(reply: Reply) -> Reply:
    if reply.status == 200:
        return reply
    if reply.status in (401, 403):
        reason = reply.headers.get("x-ms-error-code", "")
        expected = "a SAS that may read: the storage account may be closed to this network"
        raise Forbidden(reply.where, f"{reply.status} {reason}".strip(), expected, ("checker check -v",))
    raise ServiceFault(reply.where, f"status {reply.status}", "status 200", ("checker check -v",))
