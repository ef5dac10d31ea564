"""What a blob has besides its bytes: content type, metadata and the like, in the table `blobs`.

A file without a record (a job wrote it in place) is a block blob without metadata. The names are case-sensitive, so
these are not documents of the store.
"""

import json
import mimetypes
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.store import Transaction

BLOCK_BLOB = "BlockBlob"
APPEND_BLOB = "AppendBlob"
DEFAULT_TYPE = "application/octet-stream"

Headers = Mapping[str, str]


@dataclass(frozen=True)
class BlobRecord:
    """`headers` holds what comes back as it came (content-encoding, content-md5, x-ms-copy-...), lower-case names.

    `blocks` lists the committed blocks in order, as (id, size in bytes). `created` is ISO 8601, empty when unknown.
    """

    content_type: str = DEFAULT_TYPE
    metadata: Headers = field(default_factory=dict)
    headers: Headers = field(default_factory=dict)
    blob_type: str = BLOCK_BLOB
    blocks: tuple[tuple[str, int], ...] = ()
    created: str = ""


def get_record(view: Transaction, account: str, container: str, name: str) -> BlobRecord:
    """The record of a blob that exists; one made up from its name where none is stored."""
    row = view.connection.execute(
        "SELECT type, metadata FROM blobs WHERE account = ? AND container = ? AND name = ?", (account, container, name)
    ).fetchone()
    return _record(*row) if row else BlobRecord(mimetypes.guess_type(name)[0] or DEFAULT_TYPE)


def list_records(view: Transaction, account: str, container: str) -> dict[str, BlobRecord]:
    """The stored records of a container, by blob name."""
    rows = view.connection.execute(
        "SELECT name, type, metadata FROM blobs WHERE account = ? AND container = ?", (account, container)
    )
    return {name: _record(content_type, rest) for name, content_type, rest in rows}


def put_record(change: Transaction, account: str, container: str, name: str, record: BlobRecord) -> None:
    rest = {key: value for key, value in asdict(record).items() if key != "content_type"}
    change.connection.execute(
        "INSERT INTO blobs (account, container, name, type, metadata) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (account, container, name) DO UPDATE SET type = excluded.type, metadata = excluded.metadata",
        (account, container, name, record.content_type, json.dumps(rest)),
    )


def delete_record(change: Transaction, account: str, container: str, name: str) -> None:
    change.connection.execute(
        "DELETE FROM blobs WHERE account = ? AND container = ? AND name = ?", (account, container, name)
    )


def delete_records(change: Transaction, account: str, container: str | None = None) -> None:
    """Of one container, or of the whole account."""
    change.connection.execute(
        "DELETE FROM blobs WHERE account = ? AND (? IS NULL OR container = ?)", (account, container, container)
    )


def _record(content_type: str, rest: str) -> BlobRecord:
    fields: dict[str, Any] = json.loads(rest)
    blocks = tuple((str(block), int(size)) for block, size in fields.pop("blocks", ()))
    return BlobRecord(content_type, blocks=blocks, **fields)
