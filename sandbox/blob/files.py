"""Containers and blobs as files: `<folder>/<account>/<container>/<the blob's name>`.

The file is the truth: a job may write into a container's folder directly and its files are blobs. Records (metadata,
content type) lie in the store. A write goes to a scratch file of the same file system and replaces the blob's file, so
that a reader sees the old bytes or the new ones. ETag and Last-Modified are the file's own.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.blob.blocks import StagedBlocks
from sandbox.blob.names import check_account, check_container, decode_name, encode_name, encode_segment, local_name
from sandbox.blob.records import (
    APPEND_BLOB,
    DEFAULT_TYPE,
    BlobRecord,
    delete_record,
    delete_records,
    get_record,
    list_records,
    put_record,
)
from sandbox.clock import Clock
from sandbox.errors import Conflict, NotFound
from sandbox.ids import Ids
from sandbox.store import Store

CONTAINERS = "blob-container"  # documents with the metadata of containers that a client made
Names = list[str]
LOCKS = 64
ATTEMPTS = 5  # a parent folder can vanish between its making and the write, when the last blob beside it is deleted


@dataclass(frozen=True)
class Blob:
    """A blob that exists. `modified` is in nanoseconds since 1970."""

    name: str
    path: Path
    size: int
    modified: int
    etag: str
    record: BlobRecord


class BlobFiles:
    """All accounts of one state folder. Writes take a lock and then a transaction: call none inside a transaction."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder = folder
        self._store = store
        self._ids = Ids()
        self._clock = Clock()
        self._scratch = folder / ".scratch"
        self._scratch.mkdir(parents=True, exist_ok=True)
        for leftover in self._scratch.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        self.blocks = StagedBlocks(folder / ".staging")
        self.blocks.discard_old()
        self._locks = tuple(threading.RLock() for _ in range(LOCKS))

    # Accounts and containers

    def account_exists(self, account: str) -> bool:
        """Whether the account has ever had a container."""
        return (self._folder / check_account(account)).is_dir()

    def list_containers(self, account: str) -> list[str]:
        folder = self._folder / check_account(account)
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def container_path(self, account: str, container: str) -> Path:
        """The container's folder, whether it exists or not."""
        return self._folder / check_account(account) / encode_segment(container)

    def ensure_container(self, account: str, container: str) -> None:
        """Make the container, and with it the account, where it is missing."""
        self.container_path(account, check_container(container)).mkdir(parents=True, exist_ok=True)

    def create_container(self, account: str, container: str) -> None:
        """Raises Conflict when it exists."""
        path = self.container_path(account, check_container(container))
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.mkdir()
        except FileExistsError as error:
            raise Conflict("ContainerAlreadyExists", "The specified container already exists.") from error

    def require_container(self, account: str, container: str) -> Path:
        """The container's folder. Raises NotFound in the service's words."""
        path = self.container_path(account, container)
        if not path.is_dir():
            raise NotFound("ContainerNotFound", f"The specified container does not exist: {container}.")
        return path

    def delete_container(self, account: str, container: str) -> None:
        """With its blobs. Raises NotFound."""
        self._discard(self.require_container(account, container))
        with self._store.write() as change:
            delete_records(change, account, container)
            change.delete(CONTAINERS, container_id(account, container))

    def delete_account(self, account: str) -> None:
        """With its containers; an account that is not there is what was wanted."""
        path = self._folder / check_account(account)
        if path.is_dir():
            self._discard(path)
        with self._store.write() as change:
            delete_records(change, account)
            for document in change.list(CONTAINERS, container_id(account)):
                change.delete(CONTAINERS, document.id)

    def _discard(self, folder: Path) -> None:
        # The name is free at once, and a server that dies here leaves only scratch files.
        grave = self.scratch()
        folder.replace(grave)
        shutil.rmtree(grave)

    # Reading

    def path(self, account: str, container: str, name: str) -> Path:
        """Where the blob's bytes are, or would be. A name without its last segments is the folder of what begins so."""
        return self.container_path(account, container).joinpath(*encode_name(name))

    def exists(self, account: str, container: str, name: str) -> bool:
        return self.path(account, container, name).is_file()

    def get(self, account: str, container: str, name: str) -> Blob:
        """Raises NotFound in the service's words."""
        self.require_container(account, container)
        path = self.path(account, container, name)
        if not path.is_file():
            raise NotFound("BlobNotFound", f"The specified blob does not exist: {name}.")
        with self._store.read() as view:
            return _blob(name, path, get_record(view, account, container, name))

    def list(self, account: str, container: str, prefix: str = "") -> Names:
        """The names that begin with `prefix`, in the order of their characters. Raises NotFound."""
        root = self.require_container(account, container)
        top = root.joinpath(*(encode_segment(segment) for segment in prefix.split("/")[:-1]))
        names = (decode_name(path.relative_to(root).parts) for path in _files(top))
        return sorted(name for name in names if name.startswith(prefix))

    def describe(self, account: str, container: str, names: Names) -> Iterator[Blob]:
        """The blobs of a listing; one that was deleted meanwhile is left out."""
        with self._store.read() as view:
            records = list_records(view, account, container)
        for name in names:
            path = self.path(account, container, name)
            if path.is_file():
                yield _blob(name, path, records.get(name) or BlobRecord())

    def fetch(self, account: str, container: str, prefix: str, destination: Path) -> None:
        """Copy blobs out: a blob of that very name becomes the file `destination`; else all beneath `prefix`/ go there.

        Raises NotFound when there is neither.
        """
        prefix = prefix.rstrip("/")
        if prefix and self.exists(account, container, prefix):
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.path(account, container, prefix), destination)
            return
        folder = f"{prefix}/" if prefix else ""
        names = self.list(account, container, folder)
        if not names:
            raise NotFound("BlobNotFound", f"There is no blob {prefix}, and none beneath it, in container {container}.")
        for name in names:
            target = destination.joinpath(*local_name(name.removeprefix(folder)))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.path(account, container, name), target)

    # Writing

    @contextmanager
    def locked(self, account: str, container: str, name: str) -> Iterator[None]:
        """One writer of a blob at a time: what a condition saw is still so when the write happens."""
        with self._locks[hash((account, container, name)) % LOCKS]:
            yield

    def scratch(self) -> Path:
        """A free path in the file system of the blobs."""
        return self._scratch / self._ids.guid()

    def write(
        self,
        account: str,
        container: str,
        name: str,
        data: bytes | Path,
        metadata: Mapping[str, str] | None = None,
        content_type: str = DEFAULT_TYPE,
    ) -> Blob:
        """Create or replace a block blob from bytes or from a file, which is moved in. Raises NotFound, Conflict."""
        return self.put(account, container, name, data, BlobRecord(content_type, dict(metadata or {})))

    def put(self, account: str, container: str, name: str, data: bytes | Path, record: BlobRecord) -> Blob:
        """As `write`, with the whole record. The creation time of a blob that is replaced stays."""
        self.require_container(account, container)
        target = self.path(account, container, name)
        scratch = self.scratch()
        if isinstance(data, bytes):
            scratch.write_bytes(data)
        else:
            shutil.move(data, scratch)
        now = time.time_ns()
        os.utime(scratch, ns=(now, now))  # the kernel's own stamp can be the same for two writes of one tick
        with self.locked(account, container, name), self._store.write() as change:
            old = get_record(change, account, container, name) if target.is_file() else BlobRecord()
            _place(scratch, target)
            record = replace(record, created=record.created or old.created or self._clock.timestamp())
            put_record(change, account, container, name, record)
        self.blocks.discard(blob_key(account, container, name))
        return _blob(name, target, record)

    def put_record(self, account: str, container: str, name: str, record: BlobRecord) -> Blob:
        """Replace all but the bytes of a blob that exists; this changes its ETag, as on the service."""
        blob = self.get(account, container, name)
        with self.locked(account, container, name), self._store.write() as change:
            now = time.time_ns()
            os.utime(blob.path, ns=(now, now))
            put_record(change, account, container, name, record)
        return _blob(name, blob.path, record)

    def create_append_blob(self, account: str, container: str, name: str, content_type: str) -> None:
        """An empty blob that grows by `append`. Raises NotFound, Conflict."""
        self.put(account, container, name, b"", BlobRecord(content_type, blob_type=APPEND_BLOB))

    def set_metadata(self, account: str, container: str, name: str, metadata: Mapping[str, str]) -> None:
        """Raises NotFound."""
        blob = self.get(account, container, name)
        self.put_record(account, container, name, replace(blob.record, metadata=dict(metadata)))

    def append(self, account: str, container: str, name: str, data: bytes) -> Blob:
        """Add bytes at the end of a blob that exists. Raises NotFound."""
        with self.locked(account, container, name):
            blob = self.get(account, container, name)
            with blob.path.open("ab") as output:
                output.write(data)
            now = time.time_ns()
            os.utime(blob.path, ns=(now, now))
            return _blob(name, blob.path, blob.record)

    def publish(self, folder: Path, account: str, container: str, prefix: str) -> None:
        """Move every file beneath `folder` in, named `prefix`/<its path>. Raises NotFound, Conflict."""
        self.require_container(account, container)
        for path in list(_files(folder)):
            relative = path.relative_to(folder).as_posix()
            name = f"{prefix.rstrip('/')}/{relative}" if prefix else relative
            scratch = self.scratch()
            shutil.move(path, scratch)
            with self.locked(account, container, name), self._store.write() as change:
                _place(scratch, self.path(account, container, name))
                delete_record(change, account, container, name)

    def delete(self, account: str, container: str, name: str) -> None:
        """Raises NotFound."""
        blob = self.get(account, container, name)
        with self.locked(account, container, name), self._store.write() as change:
            blob.path.unlink(missing_ok=True)
            delete_record(change, account, container, name)
        _prune(blob.path.parent, self.container_path(account, container))


def container_id(account: str, container: str = "") -> str:
    """The id of a container's document; without a container, the parent of an account's documents."""
    return f"blob/{account}/{container}".rstrip("/")


def blob_key(account: str, container: str, name: str) -> str:
    """The key of a blob's uncommitted blocks in `BlobFiles.blocks`."""
    return f"{account}/{container}/{name}"


def _blob(name: str, path: Path, record: BlobRecord) -> Blob:
    seen = path.stat()
    stamp = f"{seen.st_mtime_ns:x}{seen.st_size & 0xFFFF:04x}{seen.st_ino & 0xFF:02x}".upper()
    return Blob(name, path, seen.st_size, seen.st_mtime_ns, f'"0x{stamp}"', record)


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _place(scratch: Path, target: Path) -> None:
    """Put a scratch file at its path. Raises Conflict where a blob and a folder of blobs would have one name."""
    for attempt in range(ATTEMPTS):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch.replace(target)
            return
        except (IsADirectoryError, NotADirectoryError, FileExistsError, PermissionError) as error:
            scratch.unlink(missing_ok=True)
            raise Conflict(
                "BlobNameCollision",
                f"The sandbox keeps blobs as files, so '{target.name}' cannot be a blob and also the folder of others.",
            ) from error
        except FileNotFoundError:
            if attempt == ATTEMPTS - 1:
                raise


def _prune(folder: Path, root: Path) -> None:
    """Remove folders that hold nothing any more: a folder exists on the service only by its blobs."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return  # not empty: the usual end
        folder = folder.parent
