"""The plan as a person reads it, and as a program does."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from checker.cleanup.model import Cost, Item, Left, Plan
from checker.cleanup.removal import Outcome

FORMAT = "mlops-workshop-cleanup-plan"
VERSION = 1


def plan_text(plan: Plan) -> str:
    """Every item in the order of its removal, with its cost; then what stays, and what a person has to do."""
    lines = [f"What the workshop made for {plan.suffix} in the subscription {plan.subscription}", ""]
    lines += _items(plan) or ["  nothing is left"]
    if plan.items:
        unknown = sum(item.cost.usd is None for item in plan.items)
        more = f", and {unknown} of which the cost is not known" if unknown else ""
        lines += ["", f"  {len(plan.items)} to remove, {plan.cost:.2f} USD a day{more}", f"  {plan.priced}"]
    lines += _left(plan.left) + _manual(plan) + _disagreements(plan)
    if not plan.organization:
        lines += ["", "Azure DevOps was not looked at."]
    return "\n".join(lines) + "\n"


def plan_json(plan: Plan) -> Mapping[str, Any]:
    return {"format": FORMAT, "version": VERSION, **asdict(plan), "usd_per_day": round(plan.cost, 2)}


def outcome_text(outcome: Outcome) -> str:
    """How a removal ended, and what to type next."""
    lines = [f"{len(outcome.removed)} removed"]
    if outcome.refused:
        lines += [f"{len(outcome.refused)} still there:"]
        lines += [f"  {item.kind} {item.name}: {reason}" for item, reason in outcome.refused]
        lines += ["type  checker cleanup run    (it goes on)"]
    else:
        lines += ["type  checker cleanup verify"]
    return "\n".join(lines) + "\n"


def _items(plan: Plan) -> list[str]:
    width = max((len(item.name) for item in plan.items), default=0)
    return [f"  {item.kind:<24}{item.name:<{width}}  {_cost(item.cost):<36}  {_why(item)}" for item in plan.items]


def _why(item: Item) -> str:
    return f"{item.reason}, {item.state}" if item.state and item.state.lower() != "succeeded" else item.reason


def _cost(cost: Cost) -> str:
    if cost.usd is None:
        return cost.note or "not known"
    about = cost.note.removeprefix("~").strip()
    amount = f"{'~' if cost.note.startswith('~') else ''}{cost.usd:.2f}"
    return f"{amount} ({about})" if about else amount


def _left(left: tuple[Left, ...]) -> list[str]:
    if not left:
        return []
    return ["", "Stays, for the workshop did not make it:", *(f"  {one.what} {one.name}: {one.reason}" for one in left)]


def _manual(plan: Plan) -> list[str]:
    if not plan.manual:
        return []
    lines = ["", "What only a person can remove:"]
    return [*lines, *(line for one in plan.manual for line in (f"  {one.what}", f"    {one.how}"))]


def _disagreements(plan: Plan) -> list[str]:
    if not plan.disagreements:
        return []
    return [
        "",
        "Names and tags disagree; nothing is removed before that is clear:",
        *(f"  {x}" for x in plan.disagreements),
    ]
