"""Judgements that several checks share: what is missing, what is still moving, how to quote somebody else's text."""

import difflib
import re
from collections.abc import Iterable

from checker.model import Fail, failed, waiting

MOVING = frozenset(
    {"accepted", "creating", "updating", "provisioning", "scaling", "pending", "repairing", "deleting", "resizing"}
)
QUOTE_LIMIT = 160  # characters of somebody else's text on the screen
NAMES_SHOWN = 5
ASSET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_asset_name(text: str) -> bool:
    """Whether a text from a tag can be the name of an asset or a job, and so may become part of an address."""
    return bool(ASSET_NAME.fullmatch(text))


def missing(what: str, name: str, present: Iterable[str], *hints: str, commands: tuple[str, ...] = ()) -> Fail:
    """A Fail to raise because a resource does not exist; near neighbours of its name come first."""
    names = sorted(set(filter(None, present)))
    near = nearly("name", name, names)
    return failed(
        f"there is no {what} `{name}`; {neighbours(name, names)}", f"{what} `{name}`", *near, *hints, commands=commands
    )


def nearly(what: str, name: str, present: Iterable[str]) -> tuple[str, ...]:
    """The hint that something nearly has the name (or the path) that is wanted; none where nothing has."""
    near = _near(name, sorted(set(filter(None, present))))
    if not near:
        return ()
    return (
        f"`{quote(near[0])}` is nearly the {what}. Is it yours? It is compared letter by letter: "
        "change it there, or in workshop.toml.",
    )


def neighbours(name: str, present: Iterable[str]) -> str:
    """What there is instead: the near names, else the first few, else that there is none."""
    names = sorted(set(filter(None, present)))
    if not names:
        return "there is none at all"
    near = _near(name, names)
    if near:
        return "found " + " and ".join(f"`{quote(entry)}`" for entry in near)
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return "there are " + ", ".join(f"`{quote(entry)}`" for entry in names[:NAMES_SHOWN]) + more


def _near(name: str, names: list[str]) -> list[str]:
    return difflib.get_close_matches(name, names, n=2, cutoff=0.7)


def settled(what: str, state: str, *hints: str, commands: tuple[str, ...] = ()) -> None:
    """Return when a provisioning state is Succeeded; raise Waiting while it moves, Fail for any other."""
    if state.lower() == "succeeded":
        return
    if state.lower() in MOVING:
        raise waiting(f"{what} is {state}", f"{what} is Succeeded; check again in a minute", commands=commands)
    raise failed(
        f"{what} is {quote(state) or 'without a provisioning state'}", f"{what} is Succeeded", *hints, commands=commands
    )


def quote(text: str) -> str:
    """Somebody else's text, fit for a screen: one line, no control characters, cut."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= QUOTE_LIMIT else line[: QUOTE_LIMIT - 1] + "…"
