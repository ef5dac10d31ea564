"""The plan of a clean-up, from what there is on Azure and on Azure DevOps."""

from collections.abc import Iterable

from checker.cleanup.azure import find_on_azure
from checker.cleanup.devops import DevOpsFinding, find_on_devops
from checker.cleanup.model import Disagreement, Item, Kind, Manual, Plan, Scope
from checker.cleanup.prices import read_prices
from checker.context import CheckContext

ORDER = {kind: position for position, kind in enumerate(Kind)}


def make_plan(context: CheckContext, scope: Scope) -> Plan:
    """Look, and put together. Without an organisation, nothing of Azure DevOps is looked at. Raises AccessError."""
    settings = context.settings
    organization = context.devops.organization.address if scope.devops and settings.devops.organization else ""
    prices = read_prices(settings.file.parent)
    azure = find_on_azure(context, prices)
    devops = find_on_devops(context, scope) if organization else DevOpsFinding()
    return Plan(
        suffix=settings.suffix,
        subscription=settings.subscription,
        organization=organization,
        scope=scope,
        items=tuple(in_order((*azure.items, *devops.items))),
        left=(*azure.left, *devops.left),
        manual=(*azure.manual, *devops.manual, *_organization(organization)),
        disagreements=azure.disagreements,
        group_exists=azure.group_exists,
        priced=prices.dated,
    )


def in_order(items: Iterable[Item]) -> list[Item]:
    """As they are to be removed; of one kind by name."""
    return sorted(items, key=lambda item: (ORDER[item.kind], item.name.lower()))


def require_agreement(plan: Plan) -> None:
    """Raises Disagreement where a name is ours and a tag says otherwise."""
    if plan.disagreements:
        raise Disagreement(
            f"the resources of the attendee {plan.suffix}",
            "; ".join(plan.disagreements),
            "names and tags of one attendee: nothing was removed",
            ("checker cleanup plan", "echo $WORKSHOP_SUFFIX    (is it really yours?)"),
        )


def _organization(address: str) -> list[Manual]:
    if not address:
        return []
    how = "Organization settings, Overview, Delete organization; only if it was made for the workshop"
    return [Manual(f"organisation {address}", how)]
