"""A board of switches: failures that can be turned on while the server runs, kept with the rest of its state.

A service says which switches it has; `GET`, `PATCH` and `DELETE` on the board's address read and change them, with the
secret of the running server.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from sandbox.store import Store
from sandbox.wire import Call, Operation, Reply

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Guard = Callable[[Call], None]
"""Lets the owner of the running server pass and raises Unauthenticated for anybody else."""

S = TypeVar("S", bound="DataclassInstance")


class Board(ABC, Generic[S]):
    """Reads and changes the switches, a frozen dataclass. Every call looks at them, so memory keeps what this only
    writer wrote.
    """

    KIND: ClassVar[str]
    ID: ClassVar[str]
    ADDRESS: ClassVar[str]
    NAME: ClassVar[str]  # of the operations
    DIALECT: ClassVar[str] = "arm"

    def __init__(self, store: Store, guard: Guard) -> None:
        self._store = store
        self._guard = guard
        found = store.get(self.KIND, self.ID)
        self._current = self.read(found.body) if found else self.default()

    @abstractmethod
    def default(self) -> S:
        """Everything in good order."""

    @abstractmethod
    def read(self, body: Mapping[str, Any]) -> S:
        """The switches, as they were stored."""

    @abstractmethod
    def wire(self, switches: S) -> dict[str, Any]:
        """The switches, as they are stored and answered."""

    @abstractmethod
    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that are set. Raises BadRequest for an unknown name or a value that it does not take."""

    def get(self) -> S:
        return self._current

    def update(self, values: Mapping[str, Any]) -> S:
        """Set some switches. Raises BadRequest, as `checked` does."""
        checked = self.checked(values)
        with self._store.write() as change:
            after = replace(self._current, **checked)
            change.put(self.KIND, self.ID, self.wire(after))
            self._current = after
        return after

    def reset(self) -> None:
        with self._store.write() as change:
            change.delete(self.KIND, self.ID)
            self._current = self.default()

    def operations(self) -> list[Operation]:
        rows: list[tuple[str, str, Callable[[Call], Reply]]] = [
            ("get", "GET", self._answer),
            ("update", "PATCH", self._patch),
            ("reset", "DELETE", self._delete),
        ]
        return [
            Operation(f"{self.NAME}_{verb}", method, self.ADDRESS, handler, dialect=self.DIALECT, anonymous=True)
            for verb, method, handler in rows
        ]

    def _answer(self, call: Call) -> Reply:
        self._guard(call)
        return Reply.json(self.wire(self.get()))

    def _patch(self, call: Call) -> Reply:
        self._guard(call)
        return Reply.json(self.wire(self.update(call.json())))

    def _delete(self, call: Call) -> Reply:
        self._guard(call)
        self.reset()
        return Reply(204)
