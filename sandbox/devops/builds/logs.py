"""Logs: files that a run writes as it goes, numbered in their build; a job's log is those of its steps, one after
the other. However long a log is, it is read in pieces and sent from a file."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.devops.builds.problems import log_missing
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.builds.timeline import build_address
from sandbox.devops.context import Context, collection, number_option, wire_time
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.store import Document
from sandbox.wire import Call, FilePart, Reply

LOGS = "devops/build-logs"
PIECE = 256 * 1024
TEXT = "text/plain; charset=utf-8"
JSON = "application/json; charset=utf-8"
ZIP = "application/zip"


class BuildLogs:
    """The logs of every build."""

    def __init__(self, context: Context, builds: BuildRecords) -> None:
        self._context = context
        self._store = context.store
        self._builds = builds
        self._scratch = context.folder / "outgoing-logs"
        self._scratch.mkdir(parents=True, exist_ok=True)

    def actions(self) -> list[Action]:
        row = location("build", "logs")
        return [
            Action("build_logs_list", "GET", row, self.list),
            Action("build_logs_get", "GET", row, self.get, one=True),
        ]

    def recover(self) -> None:
        """Answers that a killed server did not finish."""
        for leftover in self._scratch.iterdir():
            leftover.unlink(missing_ok=True)

    # Writing

    def register(self, build: Document, number: int, files: list[Path]) -> None:
        """A log of a build. Its files lie in the build's folder and may still grow."""
        folder = self._builds.folder(build)
        names = [one.relative_to(folder).as_posix() for one in files]
        parent = f"{build.id}/logs"
        self._store.put(LOGS, f"{parent}/{number}", {"id": number, "files": names, "lines": None}, parent)

    def close(self, build: Document, number: int, lines: int) -> None:
        """The log has its last line."""
        with self._store.write() as change:
            found = change.get(LOGS, f"{build.id}/logs/{number}")
            if found:
                change.put(LOGS, found.id, {**found.body, "lines": lines})

    def write(self, build: Document, number: int, lines: list[str]) -> None:
        """A whole log of the service's own, with times."""
        folder = self._builds.folder(build) / "service-logs"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number}.log"
        path.write_text("".join(f"{self._context.now()} {line}\n" for line in lines), encoding="utf-8")
        self.register(build, number, [path])
        self.close(build, number, len(lines))

    def next_number(self, build: Document) -> int:
        return max((int(one.body["id"]) for one in self.of_build(build)), default=0) + 1

    # Reading

    def of_build(self, build: Document) -> list[Document]:
        return sorted(self._store.list(LOGS, f"{build.id}/logs"), key=lambda one: int(one.body["id"]))

    def files(self, build: Document, log: Document) -> list[Path]:
        folder = self._builds.folder(build)
        return [path for path in (folder / name for name in log.body["files"]) if path.is_file()]

    def line_count(self, build: Document, log: Document) -> int:
        """As it was closed, else counted: a log of a running step has the lines that are there now."""
        known = log.body["lines"]
        return int(known) if known is not None else sum(_count(path) for path in self.files(build, log))

    def list(self, call: Call) -> Reply:
        """JSON, or every log in one zip with `$format=zip` or by the Accept header."""
        build = self._builds.require(call)
        if _wants_zip(call):
            return self._zip(build)
        return collection(self.wire(call, build, one) for one in self.of_build(build))

    def get(self, call: Call) -> Reply:
        """Lines `startLine` to `endLine`, counted from 1: JSON for `application/json`, else plain text."""
        build = self._builds.require(call)
        return self.content(call, build, self.require(build, call.params["logId"]))

    def require(self, build: Document, number: str) -> Document:
        found = self._store.get(LOGS, f"{build.id}/logs/{number}")
        if found is None:
            raise log_missing(number, build.body["id"])
        return found

    def content(self, call: Call, build: Document, log: Document) -> Reply:
        start, end = number_option(call, "startLine", 0), number_option(call, "endLine", 0)
        files = self.files(build, log)
        as_json = "application/json" in call.headers.get("accept", "").lower()
        if not as_json and len(files) == 1 and not start and not end:
            return Reply(200, FilePart(files[0], 0, files[0].stat().st_size), {"content-type": TEXT})
        path = self._scratch / self._context.ids.guid()
        with path.open("wb") as out:
            pieces = _as_json(files, start, end) if as_json else _between(files, start, end)
            out.writelines(pieces)
        part = FilePart(path, 0, path.stat().st_size, scratch=True)
        return Reply(200, part, {"content-type": JSON if as_json else TEXT})

    def _zip(self, build: Document) -> Reply:
        path = self._scratch / self._context.ids.guid()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for log in self.of_build(build):
                with archive.open(f"{log.body['id']}.txt", "w") as member:
                    for piece in _between(self.files(build, log), 0, 0):
                        member.write(piece)
        return Reply(200, FilePart(path, 0, path.stat().st_size, scratch=True), {"content-type": ZIP})

    def wire(self, call: Call, build: Document, log: Document) -> dict[str, Any]:
        number = log.body["id"]
        return {
            "lineCount": self.line_count(build, log),
            "createdOn": wire_time(log.created),
            "lastChangedOn": wire_time(log.changed),
            "id": number,
            "type": "Container",
            "url": build_address(call, build, "logs", str(number)),
        }


def _wants_zip(call: Call) -> bool:
    return call.option("$format").lower() == "zip" or ZIP in call.headers.get("accept", "").lower()


def _count(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found += piece.count(b"\n")
    return found


def _lines(files: list[Path], start: int, end: int) -> Iterator[bytes]:
    number = 0
    for path in files:
        with path.open("rb") as file:
            for line in file:
                number += 1
                if end and number > end:
                    return
                if number >= start:
                    yield line


def _between(files: list[Path], start: int, end: int) -> Iterator[bytes]:
    if start or end:
        yield from _lines(files, start, end)
        return
    for path in files:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


def _as_json(files: list[Path], start: int, end: int) -> Iterator[bytes]:
    """`{"count", "value": [line ...]}`; the count comes last, so that nothing is read twice."""
    yield b'{"value":['
    count = 0
    for line in _lines(files, start, end):
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        yield (b"," if count else b"") + json.dumps(text).encode()
        count += 1
    yield b'],"count":%d}' % count
