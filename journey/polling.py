"""Waiting for a service: look again, at first often and then less so, until it is so or patience ends."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from journey.errors import JourneyError

T = TypeVar("T")
SHORTEST, LONGEST, GROWTH = 0.3, 5.0, 1.4  # seconds, seconds, factor


def pauses(shortest: float = SHORTEST, longest: float = LONGEST) -> Iterator[float]:
    """The seconds between one look and the next."""
    pause = shortest
    while True:
        yield pause
        pause = min(pause * GROWTH, longest)


def wait_for(
    read: Callable[[], T],
    done: Callable[[T], bool],
    seconds: float,
    what: str,
    shortest: float = SHORTEST,
    longest: float = LONGEST,
) -> T:
    """What `read` returns once `done` says yes. Raises JourneyError, with what was seen last, when patience ends."""
    deadline = time.monotonic() + seconds
    for pause in pauses(shortest, longest):
        found = read()
        if done(found):
            return found
        if time.monotonic() + pause > deadline:
            raise JourneyError(what, f"after {seconds:.0f} seconds still {found}", "it to be done by now")
        time.sleep(pause)
    raise AssertionError("the pauses never end")
