"""Where the checker keeps what stays on this machine, and how several runs at a time write to it."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

HOME = "MLOPS_CHECKER_HOME"
VERSION = 1

T = TypeVar("T")


class Damaged(ValueError):
    """The file is there and holds something else than what the checker writes."""

    def __init__(self, file: Path, seen: str) -> None:
        super().__init__(f"{file}: {seen}")
        self.file = file
        self.seen = seen


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """The checker's own folder: MLOPS_CHECKER_HOME, else `.mlops-checker` in the person's."""
    given = environment.get(HOME)
    return Path(given) if given else Path.home() / ".mlops-checker"


class Store:
    """One JSON document. A reader sees the old one or the new one whole; writers take turns."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> dict[str, Any]:
        """The document, an empty one before the first write. Raises Damaged, OSError."""
        try:
            document = json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"version": VERSION, "attendees": {}}
        except ValueError as error:
            raise Damaged(self.file, "it is no JSON") from error
        if not isinstance(document, dict) or not isinstance(document.get("attendees"), dict):
            raise Damaged(self.file, "it is not a list of attendees")
        if document.get("version") != VERSION:
            raise Damaged(self.file, f"it is version {document.get('version')!r}, this checker writes {VERSION}")
        return document

    def change(self, edit: Callable[[dict[str, Any]], T]) -> T:
        """Let `edit` change the newest document, and write it. Raises Damaged, OSError; then nothing is changed."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with _turn(self.file.with_suffix(".lock")):
            document = self.read()
            answer = edit(document)
            _replace(self.file, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        return answer


def _replace(file: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _turn(lock: Path) -> Iterator[None]:
    """Hold the lock. The system drops it with the process, so that a killed one blocks nobody."""
    with lock.open("a+b") as held:
        if sys.platform == "win32":
            import msvcrt

            held.seek(0)
            msvcrt.locking(held.fileno(), msvcrt.LK_LOCK, 1)
            try:
                yield
            finally:
                held.seek(0)
                msvcrt.locking(held.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(held, fcntl.LOCK_EX)
            yield
