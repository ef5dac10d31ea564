"""One SQLite file of documents.

A resource of any kind is a JSON document under its normalised id. Writers take `BEGIN IMMEDIATE`: a deferred
transaction that reads and then writes loses updates under contention (style-anchors.md, 13). Each thread has its
own connection; readers never wait (WAL).
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.errors import StartupError
from sandbox.store.migrations import STEPS

Metric = tuple[str, float, int, int]
WAIT_SECONDS = 30
COLUMNS = "kind, key, id, parent, name, body, created, changed"


@dataclass(frozen=True)
class Document:
    """A stored resource. `id` keeps the spelling of the first write; times are ISO 8601 in UTC."""

    kind: str
    key: str
    id: str
    parent: str
    name: str
    body: dict[str, Any]
    created: str
    changed: str


Documents = list[Document]
Metrics = list[Metric]


def key_of(resource_id: str) -> str:
    """ARM ids compare without case and without a slash at the end."""
    return resource_id.rstrip("/").lower()


class Transaction:
    """Reads and writes of one connection, all or nothing."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self.connection = connection
        self._clock = clock

    def get(self, kind: str, resource_id: str) -> Document | None:
        row = self.connection.execute(
            f"SELECT {COLUMNS} FROM documents WHERE kind = ? AND key = ?", (kind, key_of(resource_id))
        ).fetchone()
        return _document(row) if row else None

    def list(self, kind: str, parent: str | None = None) -> Documents:
        """Documents of a kind, oldest first; of one parent where given."""
        if parent is None:
            rows = self.connection.execute(
                f"SELECT {COLUMNS} FROM documents WHERE kind = ? ORDER BY created, key", (kind,)
            )
        else:
            rows = self.connection.execute(
                f"SELECT {COLUMNS} FROM documents WHERE kind = ? AND parent = ? ORDER BY created, key",
                (kind, key_of(parent)),
            )
        return [_document(row) for row in rows]

    def beneath(self, resource_id: str) -> Documents:
        """Every document whose id lies beneath this one, of any kind."""
        low = key_of(resource_id) + "/"
        rows = self.connection.execute(
            f"SELECT {COLUMNS} FROM documents WHERE key >= ? AND key < ? ORDER BY key", (low, low[:-1] + "0")
        )
        return [_document(row) for row in rows]

    def put(self, kind: str, resource_id: str, body: dict[str, Any], parent: str = "") -> Document:
        """Create or replace. The first spelling of the id and the creation time stay."""
        now = self._clock.timestamp()
        self.connection.execute(
            f"INSERT INTO documents ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body, changed = excluded.changed",
            (
                kind,
                key_of(resource_id),
                resource_id.rstrip("/"),
                key_of(parent),
                resource_id.rstrip("/").rsplit("/", 1)[-1],
                json.dumps(body),
                now,
                now,
            ),
        )
        written = self.get(kind, resource_id)
        assert written is not None
        return written

    def delete(self, kind: str, resource_id: str) -> bool:
        """Whether there was one."""
        found = self.connection.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key_of(resource_id)))
        return found.rowcount > 0

    def delete_beneath(self, resource_id: str) -> None:
        low = key_of(resource_id) + "/"
        self.connection.execute("DELETE FROM documents WHERE key >= ? AND key < ?", (low, low[:-1] + "0"))

    def add_metrics(self, run: str, rows: Iterable[Metric]) -> None:
        """Append (name, value, timestamp in milliseconds, step) rows to a run."""
        self.connection.executemany(
            "INSERT INTO metrics (run, name, value, timestamp, step) VALUES (?, ?, ?, ?, ?)",
            [(run, *row) for row in rows],
        )

    def metrics(self, run: str, name: str | None = None) -> Metrics:
        """(name, value, timestamp, step) rows in the order they were logged."""
        query = "SELECT name, value, timestamp, step FROM metrics WHERE run = ?"
        arguments: tuple[str, ...] = (run,)
        if name is not None:
            query, arguments = query + " AND name = ?", (run, name)
        return list(self.connection.execute(query + " ORDER BY sequence", arguments))


class Store:
    """The database of one state folder, open for the server's lifetime."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._local = threading.local()
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._migrate()

    def _migrate(self) -> None:
        connection = self._connection()
        connection.execute("PRAGMA journal_mode = WAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(STEPS):
            raise StartupError(
                f"{self._path} was written by a newer sandbox (schema {version}).",
                f"A state folder of schema {len(STEPS)} or older.",
                "update the kit, or start with another folder: sandbox up --state FOLDER",
            )
        for number, step in enumerate(STEPS[version:], start=version + 1):
            connection.executescript(f"BEGIN IMMEDIATE;{step};PRAGMA user_version = {number};COMMIT;")

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self._path, timeout=WAIT_SECONDS, isolation_level=None)
            found.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = found
        return found

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent view; joins the write of the same thread where there is one."""
        connection = self._connection()
        if connection.in_transaction:
            yield Transaction(connection, self._clock)
            return
        connection.execute("BEGIN")
        try:
            yield Transaction(connection, self._clock)
        finally:
            connection.execute("COMMIT")

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """All or nothing. One writer at a time; a nested write is part of the outer one."""
        connection = self._connection()
        with self._lock:
            if connection.in_transaction:
                if not self._local.writing:
                    raise RuntimeError("a write inside a read would lose updates: open the write first")
                yield Transaction(connection, self._clock)
                return
            connection.execute("BEGIN IMMEDIATE")
            self._local.writing = True
            try:
                yield Transaction(connection, self._clock)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            finally:
                self._local.writing = False
            connection.execute("COMMIT")

    def get(self, kind: str, resource_id: str) -> Document | None:
        with self.read() as view:
            return view.get(kind, resource_id)

    def list(self, kind: str, parent: str | None = None) -> Documents:
        with self.read() as view:
            return view.list(kind, parent)

    def put(self, kind: str, resource_id: str, body: dict[str, Any], parent: str = "") -> Document:
        with self.write() as change:
            return change.put(kind, resource_id, body, parent)

    def delete(self, kind: str, resource_id: str) -> bool:
        with self.write() as change:
            return change.delete(kind, resource_id)


def _document(row: tuple[str, ...]) -> Document:
    kind, key, resource_id, parent, name, body, created, changed = row
    return Document(kind, key, resource_id, parent, name, json.loads(body), created, changed)
