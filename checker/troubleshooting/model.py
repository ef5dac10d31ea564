"""What is known of one kind of line."""

from dataclasses import dataclass

PAGE = "reference/troubleshooting/"


@dataclass(frozen=True)
class Trouble:
    """A line that logs show, and what to do about it.

    `id` is the anchor on the site's page and is never used twice. `pattern` is a regular expression, searched in one
    line without regard to case; `example` is a line that it finds. `module` is where the workshop treats it, `check`
    the code of the check that sees the same from outside, or ''. `commands` can be pasted as they are.
    """

    id: str
    title: str
    pattern: str
    example: str
    module: str
    cause: str
    remedy: str
    check: str = ""
    commands: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """Where the site says it, from its root."""
        return f"{PAGE}#{self.id}"
