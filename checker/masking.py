"""Secrets seen during one run, and the filter that keeps them out of everything written.

Masking happens at the sink: whoever writes a report or a log line passes the text through `Secrets.mask` first.
"""

import threading

MASK = "***"
SHORTEST = 6  # shorter strings would blank out ordinary words


class Secrets:
    """The secrets of one run. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def add(self, secret: str) -> str:
        """Remember a secret and hand it back."""
        if len(secret) >= SHORTEST:
            with self._lock:
                self._seen.add(secret)
        return secret

    def mask(self, text: str) -> str:
        """The text with every known secret replaced; longer secrets first, as one may contain another."""
        with self._lock:
            known = sorted(self._seen, key=len, reverse=True)
        for secret in known:
            text = text.replace(secret, MASK)
        return text
