"""What was removed so far, kept beside the checker's log: a clean-up that was interrupted can still prove all of it.

One file for each subscription and suffix. It is written whole after every removal, and never trusted as to what there
is: only Azure is.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checker.cleanup.model import Item, Manual, Removed
from checker.clients.documents import sequence, text
from checker.errors import CheckerError

FORMAT = 1
FOLDER = "cleanup"


@dataclass(frozen=True)
class Record:
    """The removals, oldest first, and what a person was told to remove: gone from Azure, nobody could name it again.

    `purged` are the ids of workspaces that are surely not in the recycle bin.
    """

    removed: tuple[Removed, ...] = ()
    manual: tuple[Manual, ...] = ()
    purged: tuple[str, ...] = ()


class Journal:
    """The record in a file of the checker's own folder."""

    def __init__(self, home: Path, subscription: str, suffix: str) -> None:
        self.file = home / FOLDER / f"{subscription.lower()}-{suffix}.json"

    def read(self) -> Record:
        """The record; an empty one where there is none.

        Raises CheckerError for a file that cannot be read: written over, it would take with it the proof of what is
        gone, and the names of what only a person can remove.
        """
        try:
            document = json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Record()
        except (OSError, ValueError) as error:
            raise CheckerError(
                str(self.file),
                f"the record of the clean-up cannot be read: {error}",
                "the record, or no file: then the clean-up begins a new one",
                (f'mv "{self.file}" "{self.file}.damaged"', "checker cleanup plan"),
            ) from error
        removed = [_removed(one) for one in sequence(document, "removed")]
        manual = [Manual(text(one, "what"), text(one, "how")) for one in sequence(document, "manual")]
        return Record(tuple(removed), tuple(manual), tuple(str(one) for one in sequence(document, "purged")))

    def note_removed(self, item: Item, how: str) -> None:
        """One more is gone. A thing that was made again and removed again has one line, the newer."""
        record = self.read()
        entry = Removed(str(item.kind), item.name, item.id, now(), how)
        others = tuple(one for one in record.removed if (one.kind, one.id.lower()) != (item.kind, item.id.lower()))
        self._write(replace(record, removed=(*others, entry)))

    def note_manual(self, manual: tuple[Manual, ...]) -> None:
        record = self.read()
        new = tuple(one for one in manual if one.what not in {known.what for known in record.manual})
        self._write(replace(record, manual=(*record.manual, *new)))

    def note_purged(self, workspace: str) -> None:
        record = self.read()
        self._write(replace(record, purged=tuple(dict.fromkeys((*record.purged, workspace.lower())))))

    def _write(self, record: Record) -> None:
        """Whole, then renamed: whoever reads finds the old one or the new one."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        beside = self.file.with_suffix(f".{os.getpid()}.new")
        beside.write_text(json.dumps({"format": FORMAT, **_plain(record)}, indent=2) + "\n", encoding="utf-8")
        beside.replace(self.file)


def now() -> str:
    """The time, as certificates write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _plain(record: Record) -> Mapping[str, Any]:
    return asdict(record)


def _removed(document: Any) -> Removed:
    return Removed(*(text(document, name) for name in ("kind", "name", "id", "when", "how")))
