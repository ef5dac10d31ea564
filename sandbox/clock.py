"""Time, from one place so that a test or a rehearsal can move it."""

from datetime import UTC, datetime


class Clock:
    """The present moment, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def timestamp(self) -> str:
        """ISO 8601 with microseconds and a `Z`, as ARM prints times."""
        return iso(self.now())


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def milliseconds(timestamp: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 text: MLflow counts time so."""
    return int(datetime.fromisoformat(timestamp).timestamp() * 1000)
