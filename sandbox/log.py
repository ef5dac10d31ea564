"""The server's own log: JSON lines in the state folder, one per request and one per event."""

import json
import logging
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOGGER = "sandbox"
MEGABYTE = 1024 * 1024


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, message and the fields given as `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": moment, "level": record.levelname.lower(), "message": record.getMessage()}
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def open_log(path: Path) -> logging.Logger:
    """The logger, writing to `path`; four old files of 10 MB are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=10 * MEGABYTE, backupCount=4, encoding="utf-8")
    handler.setFormatter(JsonLines())
    logger = logging.getLogger(LOGGER)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger


def event(message: str, level: int = logging.INFO, **fields: object) -> None:
    """Log one event with its fields."""
    logging.getLogger(LOGGER).log(level, message, extra={"fields": fields})
