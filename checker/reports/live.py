"""A table on a terminal that grows while a class is looked at; silent where the stream is no terminal."""

from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from checker.classroom.model import Row, State
from checker.reports.classes import STATE_STYLES

SHOWN = 15  # rows: the newest, so that the table fits on a screen


class LiveTable:
    """Use it as a context. It is gone from the screen at the end: the report follows."""

    def __init__(self, total: int, stream: TextIO, anonymous: bool = False) -> None:
        self._total = total
        self._anonymous = anonymous
        self._rows: list[Row] = []
        console = Console(file=stream)
        self._live = Live(self._table(), console=console, transient=True) if stream.isatty() else None

    def __enter__(self) -> "LiveTable":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def add(self, row: Row) -> None:
        """One more attendee was looked at."""
        self._rows.append(row)
        if self._live:
            self._live.update(self._table())

    def _table(self) -> Table:
        counts = {state: sum(row.state is state for row in self._rows) for state in State}
        words = ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)
        table = Table(title=f"{len(self._rows)} of {self._total} looked at  {words}", title_justify="left")
        for column in ("attendee", "state", "passed", "at"):
            table.add_column(column)
        for number, row in list(enumerate(self._rows, 1))[-SHOWN:]:
            name = f"attendee {number}" if self._anonymous else row.attendee.name
            at = row.first.check.code if row.first else ""
            state = Text(row.state.value, style=STATE_STYLES[row.state])
            table.add_row(Text(name), state, f"{row.passed} of {len(row.results)}", at)
        return table
