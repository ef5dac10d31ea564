"""Carries a plan out: in its order, each item followed to its end and noted. Interrupted, it goes on when run again."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from checker.cleanup.azure import WORKSPACE_TYPE, list_held
from checker.cleanup.client import Writer
from checker.cleanup.journal import Journal
from checker.cleanup.model import Item, Kind, NotConfirmed, Plan, Refused, Scope
from checker.cleanup.ownership import exact_names
from checker.cleanup.planning import make_plan, require_agreement
from checker.context import CheckContext
from checker.errors import Forbidden

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How a removal went. `refused` are the items that are still there, each with the reason."""

    removed: tuple[Item, ...]
    refused: tuple[tuple[Item, str], ...]


def require_confirmation(plan: Plan, typed: str) -> None:
    """Raises NotConfirmed unless the attendee's suffix was typed, letter by letter."""
    if typed.strip() != plan.suffix:
        raise NotConfirmed(
            "the confirmation",
            f"`{typed.strip()}`" if typed.strip() else "nothing was typed",
            f"{plan.suffix}, the suffix whose resources go; nothing was removed",
            ("checker cleanup run", f"checker cleanup run --yes {plan.suffix}"),
        )


def remove(context: CheckContext, plan: Plan, writer: Writer, journal: Journal, say: Say) -> Outcome:
    """Remove what the plan names, and nothing else. Raises Disagreement, or the AccessError that stops all.

    What one item refuses, a lock for instance, does not stop the others, but for the group that holds it.
    """
    require_agreement(plan)
    journal.note_manual(plan.manual)
    _purge_workspace(context, plan, writer, journal, say)
    removed: list[Item] = []
    refused: list[tuple[Item, str]] = []
    for item in plan.items:
        reason = _reason_to_wait(context, item)
        if not reason:
            reason = _remove_one(item, writer, journal, say)
        if reason:
            refused.append((item, reason))
            say(f"{item.kind} {item.name} stays: {reason}")
        else:
            removed.append(item)
    _purge_vaults(context, plan, writer, journal, say)
    return Outcome(tuple(removed), tuple(refused))


def _remove_one(item: Item, writer: Writer, journal: Journal, say: Say) -> str:
    """'' when it is gone, else why it is not."""
    say(f"removing {item.kind} {item.name} ...")
    began = time.monotonic()
    try:
        how = writer.delete(item)
    except (Refused, Forbidden) as problem:
        return f"{problem.seen}; expected {problem.expected}"
    journal.note_removed(item, how)
    if item.kind is Kind.WORKSPACE:
        journal.note_purged(item.id)
    say(f"  {how}, {time.monotonic() - began:.0f} s")
    return ""


def _reason_to_wait(context: CheckContext, item: Item) -> str:
    """Why a group is not deleted yet: whatever is in it by now would go with it, planned or not."""
    held = list_held(context, item.id) if item.kind is Kind.GROUP else []
    return f"it still holds {', '.join(held)}" if held else ""


def _purge_workspace(context: CheckContext, plan: Plan, writer: Writer, journal: Journal, say: Say) -> None:
    """A workspace that somebody deleted by hand: in the recycle bin it holds its name, and nobody sees it there.

    Asked for while the group exists, for Azure knows a workspace by its group; never for a name without the suffix,
    and never for a workspace that is there: the same call would delete it.
    """
    workspace = context.machine_learning.path
    if not plan.group_exists or WORKSPACE_TYPE not in exact_names(context.settings):
        return
    if context.machine_learning.get_workspace() is not None:
        return
    if writer.azure.purge_workspace(workspace):
        say(f"workspace {context.names.workspace} was in the recycle bin: purged")
    journal.note_purged(workspace)


def _purge_vaults(context: CheckContext, plan: Plan, writer: Writer, journal: Journal, say: Say) -> None:
    """The vaults that this removal has put into their recycle bin."""
    names = {item.name for item in plan.of(Kind.VAULT)}
    for item in make_plan(context, Scope(devops=False)).of(Kind.DELETED_VAULT) if names else ():
        reason = _remove_one(item, writer, journal, say) if item.name in names else ""
        if reason:
            say(f"  it stays in the recycle bin: {reason}")
