"""Blocks on their way into a blob: staged as files, joined in the order of a block list."""

import base64
import binascii
import hashlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sandbox.errors import BadRequest
from sandbox.wire import Body

KEPT_SECONDS = 7 * 24 * 3600  # the service discards uncommitted blocks after a week
BUFFER = 1024 * 1024
LONGEST_ID = 64


@dataclass(frozen=True)
class ListedBlock:
    """An entry of a block list: `source` is Latest, Committed or Uncommitted."""

    id: str
    source: str


class StagedBlocks:
    """The uncommitted blocks of every blob, beneath `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, blob: str, block_id: str, body: Body, scratch: Path) -> None:
        """Keep a block; `scratch` is a free path of the same file system. Raises BadRequest for an id not in base64."""
        if body.file:
            shutil.move(body.file, scratch)
        else:
            scratch.write_bytes(body.data)
        target = self._blob(blob) / _file_name(block_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch.replace(target)

    def list(self, blob: str) -> list[tuple[str, int]]:
        """(id, size in bytes) of the uncommitted blocks of a blob, by id."""
        folder = self._blob(blob)
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        return [(_block_id(path.name), path.stat().st_size) for path in found]

    def discard(self, blob: str) -> None:
        folder = self._blob(blob)
        if folder.is_dir():
            shutil.rmtree(folder)

    def discard_old(self) -> None:
        """Remove what nobody has committed within a week."""
        for folder in self._folder.iterdir():
            if folder.stat().st_mtime < time.time() - KEPT_SECONDS:
                shutil.rmtree(folder)

    def join(
        self,
        blob: str,
        wanted: Sequence[ListedBlock],
        committed: Sequence[tuple[str, int]],
        present: Path,
        target: Path,
    ) -> tuple[tuple[str, int], ...]:
        """Write the listed blocks to `target`; `present` is the blob as it is. Returns its new block list.

        Raises BadRequest (InvalidBlockList) for an id that is not there.
        """
        parts = _committed_parts(present, committed)
        staged = self._blob(blob)
        joined = []
        with target.open("wb") as output:
            for block in wanted:
                path = staged / _file_name(block.id)
                if block.source != "Committed" and path.is_file():
                    size = _append(path, 0, path.stat().st_size, output)
                elif block.source != "Uncommitted" and block.id in parts:
                    size = _append(*parts[block.id], output)
                else:
                    raise BadRequest("InvalidBlockList", f"The specified block list is invalid: no block {block.id}.")
                joined.append((block.id, size))
        return tuple(joined)

    def _blob(self, blob: str) -> Path:
        return self._folder / hashlib.sha256(blob.encode("utf-8", "surrogatepass")).hexdigest()


def _committed_parts(present: Path, committed: Sequence[tuple[str, int]]) -> dict[str, tuple[Path, int, int]]:
    parts, start = {}, 0
    for block_id, size in committed:
        parts[block_id] = (present, start, size)
        start += size
    return parts


def _append(path: Path, start: int, size: int, output: BinaryIO) -> int:
    with path.open("rb") as source:
        source.seek(start)
        left = size
        while chunk := source.read(min(BUFFER, left)):
            output.write(chunk)
            left -= len(chunk)
    return size - left


def _file_name(block_id: str) -> str:
    try:
        return base64.b64decode(block_id, validate=True)[:LONGEST_ID].hex()
    except binascii.Error as error:
        raise BadRequest("InvalidQueryParameterValue", f"The block id '{block_id}' is not base64.") from error


def _block_id(file_name: str) -> str:
    return base64.b64encode(bytes.fromhex(file_name)).decode()
