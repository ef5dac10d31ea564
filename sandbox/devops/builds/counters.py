"""Counters of a pipeline: revisions of run numbers, and `counter()`. A run has counted once, however often it asks."""

from typing import Any

from sandbox.devops.context import Context
from sandbox.store import Document

COUNTS = "devops/run-counters"


class Counters:
    """The counters of every definition."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    def revision(self, definition: Document, build: Document, number: str) -> int:
        """`$(Rev:r)`: it restarts when the rest of the number changes (5.5)."""
        return self._next(definition, build, f"rev/{number}", 1)

    def count(self, definition: Document, build: Document, prefix: str, seed: int) -> int:
        """`counter(prefix, seed)`: the seed the first time, then one more for each run."""
        return self._next(definition, build, f"counter/{prefix}", seed)

    def _next(self, definition: Document, build: Document, name: str, first: int) -> int:
        key, run = f"{definition.id}/counters/{name.replace('/', '|')}", str(build.body["id"])
        with self._store.write() as change:
            found = change.get(COUNTS, key)
            body: dict[str, Any] = found.body if found else {"value": first - 1, "runs": {}}
            if run not in body["runs"]:
                value = int(body["value"]) + 1
                body = {"value": value, "runs": {**body["runs"], run: value}}
                change.put(COUNTS, key, body)
            return int(body["runs"][run])
