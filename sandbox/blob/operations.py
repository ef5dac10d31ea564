"""The Blob REST operations: the table, what is checked before each, and the calls on accounts and containers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.blob.access import Access, Authenticate
from sandbox.blob.conditions import http_date
from sandbox.blob.files import CONTAINERS, BlobFiles, container_id
from sandbox.blob.listing import blob_list, container_list, get_page
from sandbox.blob.objects import BlobCalls, Target, metadata_of
from sandbox.blob.sas import SharedAccess
from sandbox.clock import milliseconds
from sandbox.errors import NotFound, NotImplementedHere, PreconditionFailed
from sandbox.settings import STORAGE_SUFFIX
from sandbox.store import Store
from sandbox.wire import Call, Operation, Reply

ACCOUNT = f"/{{account}}.blob.{STORAGE_SUFFIX}"
CONTAINER = ACCOUNT + "/{container}"
BLOB = CONTAINER + "/{blob+}"
STORAGE_ACCOUNTS = "microsoft.storage/storageaccounts"
HEADERS_NOT_IMPLEMENTED = (
    "x-ms-tags",
    "x-ms-if-tags",
    "x-ms-encryption-key",
    "x-ms-content-crc64",
    "x-ms-structured-body",
)

Handler = Callable[[Call, Target], Reply]


@dataclass(frozen=True)
class Row:
    """An operation. One of the `letters` of a signature is needed; without any, a bearer token."""

    name: str
    method: str
    template: str
    handler: Handler
    letters: str
    when: Mapping[str, str]


class Blobs:
    """Everything beneath `/{account}.blob.core.windows.net/` (path style: the address needs no DNS)."""

    def __init__(self, files: BlobFiles, store: Store, shared: SharedAccess, authenticate: Authenticate) -> None:
        self._files = files
        self._store = store
        self._access = Access(shared, authenticate)
        self._calls = BlobCalls(files, self._access)

    def operations(self) -> list[Operation]:
        return [
            Operation(row.name, row.method, row.template, self._guarded(row), "blob", row.when, anonymous=True)
            for row in (*self._account_rows(), *self._container_rows(), *self._blob_rows())
        ]

    def _account_rows(self) -> list[Row]:
        about = {"restype": "account", "comp": "properties"}
        information = [
            Row("blob_account_get_information", method, template, self.get_account_information, "racwdl", about)
            for method in ("GET", "HEAD")
            for template in (ACCOUNT, CONTAINER, BLOB)
        ]
        return [Row("blob_containers_list", "GET", ACCOUNT, self.list_containers, "", {"comp": "list"}), *information]

    def _container_rows(self) -> list[Row]:
        itself = {"restype": "container"}
        metadata = {"restype": "container", "comp": "metadata"}
        blobs = {"restype": "container", "comp": "list"}
        return [
            Row("blob_container_create", "PUT", CONTAINER, self.create_container, "", itself),
            Row("blob_container_get_properties", "GET", CONTAINER, self.get_container, "", itself),
            Row("blob_container_get_properties", "HEAD", CONTAINER, self.get_container, "", itself),
            Row("blob_container_get_metadata", "GET", CONTAINER, self.get_container, "", metadata),
            Row("blob_container_set_metadata", "PUT", CONTAINER, self.put_container_metadata, "", metadata),
            Row("blob_container_delete", "DELETE", CONTAINER, self.delete_container, "", itself),
            Row("blobs_list", "GET", CONTAINER, self.list_blobs, "l", blobs),
        ]

    def _blob_rows(self) -> list[Row]:
        calls = self._calls
        rows: list[tuple[str, str, Handler, str, str]] = [
            ("blob_get_properties", "HEAD", calls.get, "r", ""),
            ("blob_download", "GET", calls.get, "r", ""),
            ("blob_upload", "PUT", calls.put, "wc", ""),
            ("blob_delete", "DELETE", calls.delete, "d", ""),
            ("blob_get_metadata", "GET", calls.get_metadata, "r", "metadata"),
            ("blob_get_metadata", "HEAD", calls.get_metadata, "r", "metadata"),
            ("blob_set_metadata", "PUT", calls.put_metadata, "w", "metadata"),
            ("blob_set_properties", "PUT", calls.put_properties, "w", "properties"),
            ("blob_stage_block", "PUT", calls.put_block, "wc", "block"),
            ("blob_commit_block_list", "PUT", calls.put_block_list, "wc", "blocklist"),
            ("blob_get_block_list", "GET", calls.get_block_list, "r", "blocklist"),
            ("blob_append_block", "PUT", calls.append_block, "wa", "appendblock"),
        ]
        return [
            Row(name, method, BLOB, handler, letters, {"comp": comp} if comp else {})
            for name, method, handler, letters, comp in rows
        ]

    def _guarded(self, row: Row) -> Callable[[Call], Reply]:
        """The handler behind the checks that every operation shares."""

        def handle(call: Call) -> Reply:
            _refuse_unknown(call, row)
            container, blob = call.params.get("container", ""), blob_name(call)
            granted = self._access.require(call, container, blob, row.letters)
            reply = row.handler(call, Target(call.params["account"], container, blob, granted))
            version = call.headers.get("x-ms-version")
            return Reply(reply.status, reply.body, {**({"x-ms-version": version} if version else {}), **reply.headers})

        return handle

    # The account

    def get_account_information(self, call: Call, target: Target) -> Reply:
        return Reply(
            200,
            headers={
                "x-ms-sku-name": "Standard_LRS",
                "x-ms-account-kind": "StorageV2",
                "x-ms-is-hns-enabled": "false",
            },
        )

    def list_containers(self, call: Call, target: Target) -> Reply:
        page = get_page(call)
        names = [name for name in self._files.list_containers(target.account) if name.startswith(page.prefix)]
        rows = []
        for name in (one for one in names if one > page.marker):
            headers = self._container_headers(target.account, name)
            properties = {
                "Last-Modified": headers["last-modified"],
                "Etag": headers["etag"],
                "LeaseStatus": "unlocked",
                "LeaseState": "available",
            }
            rows.append((name, properties, metadata_of(headers)))
        return container_list(call, page, rows)

    # Containers

    def create_container(self, call: Call, target: Target) -> Reply:
        if not self._account_known(target.account):
            raise NotFound("ResourceNotFound", f"There is no storage account '{target.account}' in this sandbox.")
        self._files.create_container(target.account, target.container)
        self._put_container(call, target)
        return Reply(201, headers=_stamps(self._container_headers(target.account, target.container)))

    def get_container(self, call: Call, target: Target) -> Reply:
        self._files.require_container(target.account, target.container)
        return Reply(200, headers=self._container_headers(target.account, target.container))

    def put_container_metadata(self, call: Call, target: Target) -> Reply:
        self._files.require_container(target.account, target.container)
        self._put_container(call, target)
        return Reply(200, headers=_stamps(self._container_headers(target.account, target.container)))

    def delete_container(self, call: Call, target: Target) -> Reply:
        self._files.delete_container(target.account, target.container)
        return Reply(202)

    def list_blobs(self, call: Call, target: Target) -> Reply:
        """Flat, or by delimiter. `include` other than metadata asks for what is never there (snapshots, versions)."""
        page = get_page(call)
        names = self._files.list(target.account, target.container, page.prefix)
        shown, prefixes, after = page.take(names)
        blobs = self._files.describe(target.account, target.container, shown)
        return blob_list(call, target.container, page, blobs, prefixes, after)

    def _account_known(self, account: str) -> bool:
        """A storage account resource of that name, or one that another service of the sandbox keeps for itself."""
        if self._files.account_exists(account):
            return True
        return any(one.name.lower() == account for one in self._store.list(STORAGE_ACCOUNTS))

    def _put_container(self, call: Call, target: Target) -> None:
        body = {"metadata": metadata_of(call.headers)}
        self._store.put(CONTAINERS, container_id(target.account, target.container), body, container_id(target.account))

    def _container_headers(self, account: str, container: str) -> dict[str, str]:
        found = self._store.get(CONTAINERS, container_id(account, container))
        modified = self._files.require_container(account, container).stat().st_mtime_ns
        if found:
            modified = milliseconds(found.changed) * 1_000_000
        metadata = found.body["metadata"] if found else {}
        return {
            "etag": f'"0x{modified:X}"',
            "last-modified": http_date(modified),
            "x-ms-lease-status": "unlocked",
            "x-ms-lease-state": "available",
            "x-ms-has-immutability-policy": "false",
            "x-ms-has-legal-hold": "false",
            **{f"x-ms-meta-{name}": value for name, value in metadata.items()},
        }


def blob_name(call: Call) -> str:
    """The blob's name with every slash of it: the router leaves out the last ones."""
    parts = call.path.split("/", 3)
    return parts[3] if "blob" in call.params else ""


def _refuse_unknown(call: Call, row: Row) -> None:
    """What would be another operation, or would be ignored, is refused by name."""
    for key in ("comp", "restype"):
        if call.query.get(key, "") != row.when.get(key, ""):
            raise NotImplementedHere(
                "OperationNotImplemented", f"The sandbox does not implement {call.method} with {key}={call.query[key]}."
            )
    for key in ("snapshot", "versionid"):
        if key in call.query:
            raise NotImplementedHere("SnapshotsNotImplemented", "The sandbox keeps no snapshots or versions of blobs.")
    for key in HEADERS_NOT_IMPLEMENTED:
        if key in call.headers:
            raise NotImplementedHere("HeaderNotImplemented", f"The sandbox does not implement the header {key}.")
    if "x-ms-lease-id" in call.headers:
        raise PreconditionFailed("LeaseNotPresentWithBlobOperation", "There is currently no lease on the blob.")


def _stamps(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in ("etag", "last-modified")}
