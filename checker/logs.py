"""The checker's log: defects go to a file, with --verbose every call goes to stderr as well, and never a secret."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from checker.masking import Secrets

if TYPE_CHECKING:
    from io import TextIOWrapper


class _LogFile(logging.FileHandler):
    """A log file whose folder is made when the first record is written, not before."""

    def _open(self) -> "TextIOWrapper":
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


class _Masked(logging.Formatter):
    """Log lines without secrets."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__("%(asctime)s %(name)s %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.mask(super().format(record))


def log_to(file: Path, secrets: Secrets, verbose: bool) -> None:
    """Open the log for this run."""
    log = logging.getLogger("checker")
    log.propagate = False
    log.setLevel(logging.DEBUG if verbose else logging.ERROR)
    handlers: list[logging.Handler] = [_LogFile(file, encoding="utf-8", delay=True)]
    handlers[0].setLevel(logging.ERROR)
    if verbose:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(_Masked(secrets))
        log.addHandler(handler)
    azure = logging.getLogger("azure")  # azure-identity warns about every credential it tries; the report says it once
    azure.addHandler(logging.NullHandler())
    azure.propagate = False
