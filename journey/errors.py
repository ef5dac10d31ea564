"""What stops the journey. The text is for the person: looked at, seen, expected, next."""


class JourneyError(Exception):
    """A step cannot go on. `command` is the next thing to type or to do; empty where there is none."""

    def __init__(self, looked_at: str, seen: str, expected: str, command: str = "") -> None:
        self.looked_at = looked_at
        self.command = command
        following = f"\nnext: {command}" if command else ""
        super().__init__(f"{looked_at}: {seen}; expected {expected}.{following}")


class NotFound(JourneyError):
    """The service has no such thing, or does not show it to this token."""
