"""The calls on one blob."""

import base64
import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4
from xml.etree import ElementTree

from sandbox.blob.access import Access, refuse_overwrite
from sandbox.blob.blocks import ListedBlock
from sandbox.blob.conditions import check_read, check_write, created_date, http_date, read_range
from sandbox.blob.files import Blob, BlobFiles, blob_key
from sandbox.blob.listing import block_list, xml
from sandbox.blob.records import APPEND_BLOB, BLOCK_BLOB, DEFAULT_TYPE, BlobRecord
from sandbox.errors import BadRequest, Conflict, NotFound, NotImplementedHere, PreconditionFailed
from sandbox.settings import STORAGE_SUFFIX
from sandbox.wire import Call, FilePart, Reply

META = "x-ms-meta-"
CONTENT_HEADERS = ("content-encoding", "content-language", "content-disposition", "cache-control", "content-md5")
HASHED_UP_TO = 4 * 1024 * 1024  # bytes; the service hashes what is put in one request, here only what costs nothing
SOURCES = ("Latest", "Committed", "Uncommitted")


@dataclass(frozen=True)
class Target:
    """What a call is about (no blob: the container; no container: the account) and the letters it was granted."""

    account: str
    container: str
    blob: str
    granted: frozenset[str]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.account, self.container, self.blob


class BlobCalls:
    """Handlers. Each answers with the headers that azure-storage-blob reads (azure-machine-learning.md, b.5)."""

    def __init__(self, files: BlobFiles, access: Access) -> None:
        self._files = files
        self._access = access

    def get(self, call: Call, target: Target) -> Reply:
        """HEAD and GET, whole or in part. An empty blob has no range: 416, and the client asks again without."""
        blob = self._files.get(*target.key)
        check_read(call.headers, blob)
        part = read_range(call.headers, blob.size) if call.method == "GET" else None
        start, length = part or (0, blob.size)
        headers = _properties(blob)
        if part:
            headers["content-range"] = f"bytes {start}-{start + length - 1}/{blob.size}"
            if "content-md5" in headers:
                headers["x-ms-blob-content-md5"] = headers.pop("content-md5")
            if call.headers.get("x-ms-range-get-content-md5", "").lower() == "true":
                headers["content-md5"] = _part_md5(blob, start, length)
        return Reply(206 if part else 200, FilePart(blob.path, start, length), headers)

    def get_metadata(self, call: Call, target: Target) -> Reply:
        blob = self._files.get(*target.key)
        check_read(call.headers, blob)
        return Reply(200, headers={**_stamps(blob), **_meta(blob.record.metadata)})

    def put(self, call: Call, target: Target) -> Reply:
        """Put Blob, and Copy Blob where a source is named."""
        if "x-ms-copy-source" in call.headers:
            return self._copy(call, target)
        kind = call.headers.get("x-ms-blob-type", "")
        if kind not in (BLOCK_BLOB, APPEND_BLOB):
            raise _blob_type(kind)
        record = replace(_record(call.headers), blob_type=kind)
        given = _check_md5(call) if kind == BLOCK_BLOB else ""
        if given and "content-md5" not in record.headers:
            record = replace(record, headers={**record.headers, "content-md5": given})
        data = call.body.file or call.body.data
        with self._files.locked(*target.key):
            self._check_replace(call, target)
            blob = self._files.put(*target.key, data if kind == BLOCK_BLOB else b"", record)
        return _written(blob, {"content-md5": given} if given else {})

    def _check_replace(self, call: Call, target: Target) -> Blob | None:
        """What the write will replace, after the conditions. Raises as `check_write`, and Forbidden."""
        present = self._files.get(*target.key) if self._files.exists(*target.key) else None
        check_write(call.headers, present)
        if present:
            refuse_overwrite(target.granted)
        return present

    def put_metadata(self, call: Call, target: Target) -> Reply:
        with self._files.locked(*target.key):
            present = self._files.get(*target.key)
            check_write(call.headers, present)
            blob = self._files.put_record(*target.key, replace(present.record, metadata=metadata_of(call.headers)))
        return Reply(200, headers=_stamps(blob))

    def put_properties(self, call: Call, target: Target) -> Reply:
        """All of the content headers at once: one that is not sent is cleared."""
        with self._files.locked(*target.key):
            present = self._files.get(*target.key)
            check_write(call.headers, present)
            new = _record(call.headers)
            record = replace(present.record, content_type=new.content_type, headers=new.headers)
            blob = self._files.put_record(*target.key, record)
        return Reply(200, headers=_stamps(blob))

    def delete(self, call: Call, target: Target) -> Reply:
        with self._files.locked(*target.key):
            check_write(call.headers, self._files.get(*target.key))
            self._files.delete(*target.key)
        return Reply(202, headers={"x-ms-delete-type-permanent": "true"})

    # Blocks

    def put_block(self, call: Call, target: Target) -> Reply:
        self._files.require_container(target.account, target.container)
        self._files.path(*target.key)  # a name that cannot be kept is refused now, not at the commit
        given = _check_md5(call)
        self._files.blocks.put(blob_key(*target.key), call.option("blockid"), call.body, self._files.scratch())
        return Reply(
            201, headers={"x-ms-request-server-encrypted": "true", **({"content-md5": given} if given else {})}
        )

    def put_block_list(self, call: Call, target: Target) -> Reply:
        wanted = _block_list(call.body.read())
        scratch = self._files.scratch()
        self._files.require_container(target.account, target.container)
        with self._files.locked(*target.key):
            present = self._check_replace(call, target)
            committed = present.record.blocks if present else ()
            path = self._files.path(*target.key)
            try:
                blocks = self._files.blocks.join(blob_key(*target.key), wanted, committed, path, scratch)
                blob = self._files.put(*target.key, scratch, replace(_record(call.headers), blocks=blocks))
            finally:
                scratch.unlink(missing_ok=True)
        return _written(blob, {})

    def get_block_list(self, call: Call, target: Target) -> Reply:
        self._files.require_container(target.account, target.container)
        wanted = call.option("blocklisttype", "committed").lower()
        blob = self._files.get(*target.key) if self._files.exists(*target.key) else None
        staged = self._files.blocks.list(blob_key(*target.key))
        if blob is None and not staged:
            raise NotFound("BlobNotFound", f"The specified blob does not exist: {target.blob}.")
        committed = blob.record.blocks if blob and wanted in ("committed", "all") else ()
        reply = xml(block_list(committed, staged if wanted in ("uncommitted", "all") else ()))
        seen = {**_stamps(blob), "x-ms-blob-content-length": str(blob.size)} if blob else {}
        return Reply(200, reply.body, {**reply.headers, **seen})

    # Append blobs

    def append_block(self, call: Call, target: Target) -> Reply:
        given = _check_md5(call)
        with self._files.locked(*target.key):
            present = self._files.get(*target.key)
            check_write(call.headers, present)
            if present.record.blob_type != APPEND_BLOB:
                raise Conflict("InvalidBlobType", "The blob type is invalid for this operation.")
            _check_append(call.headers, present.size, call.body.size)
            blob = self._files.append(*target.key, call.body.read())
        extra = {"x-ms-blob-append-offset": str(present.size)}
        return _written(blob, {**extra, **({"content-md5": given} if given else {})})

    # Copies

    def _copy(self, call: Call, target: Target) -> Reply:
        """From a blob of this sandbox, at once. `Put Blob From URL` (a blob type is named too) answers 201."""
        source = self._source(call)
        scratch = self._files.scratch()
        copied = "x-ms-blob-type" not in call.headers
        status = {"x-ms-copy-id": str(uuid4()), "x-ms-copy-status": "success"} if copied else {}
        own = _record(call.headers)
        record = replace(
            source.record,
            metadata=own.metadata or source.record.metadata,
            headers={**source.record.headers, **own.headers, **status},
            created="",
        )
        shutil.copyfile(source.path, scratch)
        with self._files.locked(*target.key):
            self._check_replace(call, target)
            blob = self._files.put(*target.key, scratch, record)
        return Reply(202 if copied else 201, headers={**_stamps(blob), **status})

    def _source(self, call: Call) -> Blob:
        """The blob that x-ms-copy-source names; the caller's own token opens it where its address has no signature."""
        address = urlsplit(call.headers["x-ms-copy-source"])
        parts = unquote(address.path).split("/", 3)
        suffix = f".blob.{STORAGE_SUFFIX}"
        if f"{address.scheme}://{address.netloc}" != call.base or len(parts) < 4 or not parts[1].endswith(suffix):
            raise NotImplementedHere(
                "CopySourceNotImplemented", "The sandbox copies blobs from its own storage accounts only."
            )
        account, container, name = parts[1].removesuffix(suffix), parts[2], parts[3]
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        headers = dict(call.headers)
        if "x-ms-copy-source-authorization" in headers:
            headers["authorization"] = headers["x-ms-copy-source-authorization"]
        asked = replace(call, params={"account": account}, query=query, headers=headers)
        self._access.require(asked, container, name, "r")
        return self._files.get(account, container, name)


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The x-ms-meta headers of a request or an answer, without the prefix."""
    return {name.removeprefix(META): value for name, value in headers.items() if name.startswith(META)}


def _meta(metadata: Mapping[str, str]) -> dict[str, str]:
    return {f"{META}{name}": value for name, value in metadata.items()}


def _record(headers: Mapping[str, str]) -> BlobRecord:
    """What a writing call says of the blob."""
    kept = {name: headers[f"x-ms-blob-{name}"] for name in CONTENT_HEADERS if headers.get(f"x-ms-blob-{name}")}
    return BlobRecord(headers.get("x-ms-blob-content-type") or DEFAULT_TYPE, metadata_of(headers), kept)


def _properties(blob: Blob) -> dict[str, str]:
    record = blob.record
    return {
        "content-type": record.content_type,
        **_stamps(blob),
        "accept-ranges": "bytes",
        "x-ms-blob-type": record.blob_type,
        "x-ms-creation-time": created_date(blob),
        "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available",
        "x-ms-server-encrypted": "true",
        **record.headers,
        **_meta(record.metadata),
    }


def _stamps(blob: Blob) -> dict[str, str]:
    return {"etag": blob.etag, "last-modified": http_date(blob.modified)}


def _written(blob: Blob, extra: Mapping[str, str]) -> Reply:
    return Reply(201, headers={**_stamps(blob), "x-ms-request-server-encrypted": "true", **extra})


def _check_md5(call: Call) -> str:
    """The body's MD5 in base64; empty where it is long and nobody asked. Raises BadRequest when another is given."""
    given = call.headers.get("content-md5", "")
    if not given and call.body.size > HASHED_UP_TO:
        return ""
    if call.body.file:
        with call.body.file.open("rb") as file:
            digest = hashlib.file_digest(file, "md5").digest()
    else:
        digest = hashlib.md5(call.body.data, usedforsecurity=False).digest()
    found = base64.b64encode(digest).decode()
    if given and given != found:
        raise BadRequest(
            "Md5Mismatch",
            "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
        )
    return found


def _part_md5(blob: Blob, start: int, length: int) -> str:
    if length > HASHED_UP_TO:
        raise BadRequest("InvalidRange", f"The MD5 of a range is given for up to {HASHED_UP_TO} bytes.")
    with blob.path.open("rb") as file:
        file.seek(start)
        return base64.b64encode(hashlib.md5(file.read(length), usedforsecurity=False).digest()).decode()


def _check_append(headers: Mapping[str, str], size: int, added: int) -> None:
    position = headers.get("x-ms-blob-condition-appendpos")
    if position is not None and int(position) != size:
        raise PreconditionFailed(
            "AppendPositionConditionNotMet", "The append position condition specified was not met."
        )
    longest = headers.get("x-ms-blob-condition-maxsize")
    if longest is not None and size + added > int(longest):
        raise PreconditionFailed("MaxBlobSizeConditionNotMet", "The max blob size condition specified was not met.")


def _block_list(text: bytes) -> list[ListedBlock]:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise BadRequest("InvalidXmlDocument", f"XML specified is not syntactically valid: {error}.") from error
    if any(entry.tag not in SOURCES for entry in root):
        raise BadRequest("InvalidXmlNodeValue", f"A block list holds {', '.join(SOURCES)} and nothing else.")
    return [ListedBlock((entry.text or "").strip(), entry.tag) for entry in root]


def _blob_type(kind: str) -> Exception:
    if kind == "PageBlob":
        return NotImplementedHere("PageBlobNotImplemented", "The sandbox does not implement page blobs.")
    return BadRequest("MissingRequiredHeader", f"x-ms-blob-type is BlockBlob or AppendBlob; this is '{kind}'.")
