"""Reading one small blob with a SAS (azure-machine-learning.md, b.5). No Azure token goes to a storage account."""

from urllib.parse import quote

from checker.clients.cloud import Cloud
from checker.clients.http import HttpClient, Request
from checker.clients.machinelearning import Datastore
from checker.errors import Forbidden, ServiceFault

BLOB_VERSION = "2021-08-06"
BLOB_LIMIT = 1024 * 1024  # bytes: a linear model of ten features has a few hundred


def get_blob(cloud: Cloud, http: HttpClient, datastore: Datastore, path: str) -> bytes | None:
    """The content, or None when there is no such blob. Raises AccessError, ServiceFault above one MiB."""
    account = f"https://{datastore.account}.blob.{cloud.storage_suffix}"
    url = f"{account}/{datastore.container}/{quote(path)}?{datastore.sas}"
    reply = http.send(Request("GET", url, {"x-ms-version": BLOB_VERSION}, limit=BLOB_LIMIT))
    if reply.status == 200:
        return reply.content
    if reply.status == 404:
        return None
    if reply.status in (401, 403):
        reason = reply.headers.get("x-ms-error-code", "")
        expected = "a SAS that may read: the storage account may be closed to this network"
        raise Forbidden(reply.where, f"{reply.status} {reason}".strip(), expected, ("checker check -v",))
    raise ServiceFault(reply.where, f"status {reply.status}", "status 200", ("checker check -v",))
