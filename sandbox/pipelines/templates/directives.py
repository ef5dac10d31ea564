"""The directive keys `${{ if }}`, `elseif`, `else`, `each` and `insert`: recognised, in lower case only."""

import re
from dataclasses import dataclass
from typing import Final

from sandbox.pipelines.syntax import is_directive_key

WORDS: Final = frozenset({"if", "elseif", "else", "each", "insert"})
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CHAIN: Final = frozenset({"if", "elseif", "else"})


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive key. `expression` is the condition or collection; `variable` is the loop's."""

    word: str
    expression: str = ""
    variable: str = ""


def parse_directive(key: str) -> Directive | None:
    """The directive that a whole key is, or None: then it is an ordinary key or an expression that gives one."""
    word, rest = split(key)
    if word in ("if", "elseif"):
        return Directive(word, rest[0]) if len(rest) == 1 else None
    if word == "each":
        fits = len(rest) == 3 and rest[1] == "in" and NAME.fullmatch(rest[0])
        return Directive(word, rest[2], rest[0]) if fits else None
    return Directive(word) if word and not rest else None


def split(key: str) -> tuple[str, list[str]]:
    """A directive's word and its parameters as the service counts them: parted by blanks outside quotes and brackets.
    The word is empty for a key that begins with none."""
    if not is_directive_key(key):
        return "", []
    parts: list[str] = []
    current, depth, quoted = "", 0, False
    for character in key.strip()[3:-2]:
        if character.isspace() and not depth and not quoted:
            parts += [current] if current else []
            current = ""
            continue
        quoted ^= character == "'"
        depth += {"(": 1, ")": -1}.get(character, 0) if not quoted else 0
        current += character
    parts += [current] if current else []
    if not parts or parts[0] not in WORDS or "}}" in parts[-1]:
        return "", []
    return parts[0], parts[1:]
