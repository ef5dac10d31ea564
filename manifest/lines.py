"""Where something stands in a TOML file: tomllib keeps no lines, so they are found again by table and key."""

import re
import tomllib

HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\"-]+)\s*\]\]?\s*(?:#.*)?$")
KEY = re.compile(r"^\s*([A-Za-z0-9_-]+)\s*=")
PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


def line_of(text: str, table: str, index: int = 0, key: str = "") -> int:
    """The line, from 1, of a table's header, or of a key in it; 0 when there is no such table.

    `index` counts the tables of an array. A key that is not there gives the line of the header.
    """
    counted, header = -1, 0
    for number, line in _outside_long_strings(text):
        if found := HEADER.match(line):
            if header:
                break
            counted += found[2] == table
            header = number if found[2] == table and counted == index else 0
        elif header and key and (assigned := KEY.match(line)) and assigned[1] == key:
            return number
    return header


def place_of(problem: tomllib.TOMLDecodeError, text: str) -> tuple[int, int]:
    """Line and column, from 1, of a syntax error: its message ends with them, or says that the document ended."""
    found = PLACE.search(str(problem))
    if found:
        return int(found[1]), int(found[2])
    lines = text.splitlines() or [""]
    return len(lines), len(lines[-1]) + 1


def _outside_long_strings(text: str) -> list[tuple[int, str]]:
    """The lines that are no part of a string of several lines, with their numbers. Starter texts have headers too."""
    kept, open_with = [], ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not open_with:
            kept.append((number, line))
            open_with = next((quotes for quotes in ("'''", '"""') if line.count(quotes) == 1), "")
        elif open_with in line:
            open_with = ""
    return kept
