"""Secret values become `***` in every text that leaves a run.

A secret is found as it is, line by line when it has several lines, and in the forms that programs print it in: JSON
string, URI component, base64 (wherever in the encoded text it starts), and without quotes around it. Hits that overlap
or touch become one `***`. Source: azure-pipelines contract, 2.5.
"""

import base64
import json
import threading
from collections.abc import Iterator
from urllib.parse import quote

STARS = "***"
# A shorter piece of a base64 text is likelier a word of its own than part of a secret.
SHORTEST_BASE64 = 8
# Characters that .NET's older and newer URI escaping leave alone.
URI_SAFE = ("-_.~", "-_.~!*'()")


class Masker:
    """The secrets known so far. Any thread may add and mask; a value counts from its registration on.

    A masker with a `parent` also masks the parent's secrets, and keeps its own to itself.
    """

    def __init__(self, parent: "Masker | None" = None) -> None:
        self._parent = parent
        self._forms: tuple[str, ...] = ()
        self._adding = threading.Lock()

    @property
    def forms(self) -> tuple[str, ...]:
        """Every text that is masked."""
        return (*self._parent.forms, *self._forms) if self._parent else self._forms

    def add(self, value: str) -> None:
        """Mask this value from now on. Blank values and blank lines are never masked."""
        with self._adding:
            self._forms = tuple(dict.fromkeys((*self._forms, *forms_of(value))))

    def mask(self, text: str) -> str:
        """The text with every hit replaced."""
        hits = _hits(text, self.forms)
        return _replaced(text, hits) if hits else text

    def split(self, text: str) -> tuple[str, str]:
        """For a text that goes on: what can be masked and written now, and the rest, which may hold the beginning of a
        secret and belongs before what comes next."""
        forms = self.forms
        cut = len(text) - max((len(form) for form in forms), default=1) + 1
        hits = _hits(text, forms)
        for start, end in hits:
            if start < cut < end:
                cut = start or end  # secrets from end to end: nothing would ever be written
        cut = max(cut, 0)
        return _replaced(text[:cut], [hit for hit in hits if hit[1] <= cut]), text[cut:]


def forms_of(value: str) -> tuple[str, ...]:
    """The texts that give a secret away, without line breaks in them."""
    lines = [line for line in value.splitlines() if line.strip()]
    found: list[str] = []
    for one in dict.fromkeys((value, *lines)):
        if one.strip():
            found += [one, *_encoded(one)]
    return tuple(form for form in dict.fromkeys(found) if form.strip() and "\n" not in form and "\r" not in form)


def _encoded(value: str) -> Iterator[str]:
    trimmed = value.strip()
    yield trimmed
    yield trimmed.strip('"')
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    for safe in URI_SAFE:
        yield quote(value, safe=safe)
    yield from _base64(value.encode())


def _base64(data: bytes) -> Iterator[str]:
    """The value alone, and what is certain of it when it starts one or two bytes into a group of three."""
    yield base64.b64encode(data).decode()
    for shift in range(3):
        whole = (len(data) + shift) // 3 * 3 - shift
        text = base64.b64encode(bytes(shift) + data[:whole]).decode()
        certain = text[4 if shift else 0 :]
        if len(certain) >= SHORTEST_BASE64:
            yield certain


def _hits(text: str, forms: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where secrets stand: merged, in order."""
    found: list[tuple[int, int]] = []
    for form in forms:
        start = text.find(form)
        while start >= 0:
            found.append((start, start + len(form)))
            start = text.find(form, start + 1)
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _replaced(text: str, hits: list[tuple[int, int]]) -> str:
    out: list[str] = []
    position = 0
    for start, end in hits:
        out += [text[position:start], STARS]
        position = end
    return "".join((*out, text[position:]))
