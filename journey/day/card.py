"""Module 14: the model card of the version that production runs, and the tag that ties the version to it."""

import hashlib
import re

from journey.day.changes import TITLES, keep
from journey.day.context import Day
from journey.day.scripts import run_script
from journey.day.versions import list_versions

SCRIPT, CARD = "responsible/model_card.py", "labs/responsible/model_card.md"
NAMED = re.compile(r"^# Model card: \S+:(\d+)$", re.MULTILINE)


def write_card(day: Day) -> str:
    """Writes the card, ties the version to it, and commits it, unless the card and the tag belong together already."""
    path = day.copy.folder / CARD
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if named := _linked(day, text):
        return f"the card of version {named} is linked"
    day.tell(f"  {run_script(day, 'responsible/by_group.py')}")
    day.tell(f"  {run_script(day, SCRIPT, 'write')}")
    said = run_script(day, SCRIPT, "link")
    keep(day, TITLES[14], [path])
    return said


def _linked(day: Day, text: str) -> str:
    """The version whose tag has this very card's hash; empty for a card that no version knows."""
    named = NAMED.search(text)
    if named is None:
        return ""
    digest = hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()
    tags = [one.tags for one in list_versions(day) if one.number == int(named[1])]
    return named[1] if tags and digest in tags[0].get("card", "") else ""
