"""The directive keys `${{ if }}`, `elseif`, `else`, `each` and `insert`: recognised, in lower case only."""

import re
from dataclasses import dataclass
from typing import Final

from sandbox.pipelines.syntax import is_directive_key

DIRECTIVE = re.compile(r"(if|elseif|else|each|insert)\b\s*(.*)", re.DOTALL)
EACH = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s+in\s+(.+)", re.DOTALL)
CHAIN: Final = frozenset({"if", "elseif", "else"})


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive key. `expression` is the condition or collection; `variable` is the loop's."""

    word: str
    expression: str = ""
    variable: str = ""


def parse_directive(key: str) -> Directive | None:
    """The directive that a whole key is, or None: then it is an ordinary key or an expression that gives one."""
    if not is_directive_key(key):
        return None
    inner = key.strip()[3:-2].strip()
    found = DIRECTIVE.fullmatch(inner)
    if "}}" in inner or found is None:
        return None
    word, rest = found.group(1), found.group(2).strip()
    if word in ("if", "elseif"):
        return Directive(word, rest) if rest else None
    if word == "each":
        each = EACH.fullmatch(rest)
        return Directive(word, each.group(2).strip(), each.group(1)) if each else None
    return None if rest else Directive(word)
