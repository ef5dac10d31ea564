"""What a push asks of each ref, and the answer for refs that may not change.

git's http-backend knows refusals by hook scripts only, which would need a POSIX shell. So the commands at the head of
a push are read here (gitprotocol-pack, "Reference Update Request"): those that are refused are taken out, and
their `ng` lines are put into the report.
"""

import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from sandbox.devops.git import ZERO
from sandbox.devops.repositories import RefUpdate
from sandbox.wire import Call

FLUSH = b"0000"
LENGTH_DIGITS = 4
DATA_BAND = b"\x01"
OID = 40


@dataclass(frozen=True)
class Push:
    """The commands of a push and what the client can read; `rest` is the offset of what follows them, the pack."""

    updates: tuple[RefUpdate, ...]
    capabilities: bytes
    rest: int

    @property
    def side_band(self) -> bool:
        return b"side-band-64k" in self.capabilities


def read_push(call: Call) -> Push:
    """The head of a push's body. One without commands, by which clients try their credentials, has no updates."""
    with _opened(call) as stream:
        lines = list(_lines(stream))
        rest = stream.tell()
    first = lines[0].partition(b"\0") if lines else (b"", b"", b"")
    texts = [first[0], *lines[1:]] if lines else []
    updates = [_update(one) for one in texts if not one.startswith((b"shallow ", b"push-cert"))]
    return Push(tuple(updates), first[2].strip(), rest)


def without(call: Call, push: Push, refused: Mapping[str, str]) -> bytes:
    """The body of a push with the refused commands taken out."""
    kept = [one for one in push.updates if one.name not in refused]
    lines = [f"{one.old} {one.new} {one.name}".encode() for one in kept]
    lines[0] += b"\0 " + push.capabilities
    head = b"".join(packet(line) for line in lines) + FLUSH
    if all(one.new == ZERO for one in kept):
        return head  # a push that only deletes has no pack
    with _opened(call) as stream:
        stream.seek(push.rest)
        return head + stream.read()


def report(push: Push, refused: Mapping[str, str], done: bytes = b"") -> bytes:
    """The report of a push: what git's own says of the refs it was given, and a line for each that is refused."""
    lines = _report_lines(push, done) or [b"unpack ok\n"]
    lines += [f"ng {name} {why}\n".encode() for name, why in refused.items()]
    whole = b"".join(packet(line) for line in lines) + FLUSH
    return packet(DATA_BAND + whole) + FLUSH if push.side_band else whole


def packet(data: bytes) -> bytes:
    """A pkt-line: its length with itself in four hexadecimal digits, then the data."""
    return f"{len(data) + LENGTH_DIGITS:04x}".encode() + data


def _report_lines(push: Push, done: bytes) -> list[bytes]:
    if not push.side_band:
        return list(_lines(io.BytesIO(done)))
    bands = _lines(io.BytesIO(done))
    return list(_lines(io.BytesIO(b"".join(one[1:] for one in bands if one[:1] == DATA_BAND))))


def _lines(stream: "IO[bytes] | gzip.GzipFile") -> Iterator[bytes]:
    """The pkt-lines up to the next flush."""
    while True:
        head = stream.read(LENGTH_DIGITS)
        if len(head) < LENGTH_DIGITS or head == FLUSH:
            return
        yield stream.read(int(head, 16) - LENGTH_DIGITS)


def _opened(call: Call) -> "IO[bytes] | gzip.GzipFile":
    raw: IO[bytes] = call.body.file.open("rb") if call.body.file else io.BytesIO(call.body.data)
    zipped = call.headers.get("content-encoding", "") == "gzip"
    return gzip.GzipFile(fileobj=raw) if zipped else raw


def _update(line: bytes) -> RefUpdate:
    text = line.decode("utf-8", "replace").rstrip("\n")
    return RefUpdate(text[2 * OID + 2 :], text[:OID], text[OID + 1 : 2 * OID + 1])
