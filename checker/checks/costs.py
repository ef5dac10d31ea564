"""Module 15: what the workshop may cost, and that its resources can be told from others'."""

from checker.checks.judgement import quote
from checker.checks.registry import check
from checker.checks.subscription import resources
from checker.clients.authorization import AuthorizationClient
from checker.clients.subscription import Resource
from checker.context import CheckContext
from checker.model import Evidence, failed

WORKSHOP, ATTENDEE = "workshop", "attendee"
WORKSHOP_VALUE = "mlops-on-azure"
# What Azure adds to a group by itself, without the tags of what it belongs to.
NOT_OURS = frozenset(
    {
        "microsoft.alertsmanagement/smartdetectoralertrules",
        "microsoft.insights/actiongroups",
        "microsoft.network/networkwatchers",
    }
)
SHOWN = 4


@check("CST001", "M15", ("WSP001",))
def budget_has_an_alert(context: CheckContext) -> Evidence:
    """The resource group has a budget, with an alert.

    A budget stops nothing. It tells, before the bill does.
    """
    budgets = AuthorizationClient(context.arm).list_budgets() or []
    group = context.names.resource_group
    if not budgets:
        raise failed(
            f"{group} has no budget",
            "a budget for a month, and an alert at a part of it",
            "Without one, the first to tell you is the bill.",
            "The portal: the resource group, Budgets, Add. Module 15 shows the command.",
            commands=(f"az consumption budget list --resource-group {group} --output table",),
        )
    with_alert = next((one for one in budgets if one.alerts), None)
    if with_alert is None:
        raise failed(
            f"the budget {quote(budgets[0].name)} of {group} has no alert that is switched on",
            "an alert, as at 80 % of the amount",
            "A budget without an alert is a number in a form.",
            "Edit the budget, and add an alert condition and somebody who gets the mail.",
        )
    alerts = ", ".join(f"{one:.0f} %" for one in with_alert.alerts)
    seen = f"{quote(with_alert.name)}: {with_alert.amount:g}, alert at {alerts}"
    return Evidence(seen, {"budget": with_alert.name, "alerts": alerts})


@check("CST002", "M15", ("WSP001",))
def resources_are_tagged(context: CheckContext) -> Evidence:
    """Every resource of the group says which workshop and which attendee it belongs to.

    A bill can be split by tags, and the clean-up finds by them what the workshop made, and leaves the rest.
    """
    wanted = {WORKSHOP: WORKSHOP_VALUE, ATTENDEE: context.settings.suffix}
    ours = [one for one in resources(context) if one.kind.lower() not in NOT_OURS]
    bare = [one for one in ours if any(one.tags.get(name) != value for name, value in wanted.items())]
    spelt = " ".join(f"{name}={value}" for name, value in wanted.items())
    if bare:
        shown = ", ".join(_shown(one) for one in bare[:SHOWN])
        more = f" and {len(bare) - SHOWN} more" if len(bare) > SHOWN else ""
        group = f"--resource-group {context.names.resource_group}"
        raise failed(
            f"without the tags: {shown}{more}",
            spelt,
            "Made by hand, or before the steps set tags? The clean-up would not know it.",
            "The provisioning step sets the tags on what it makes. What was there before keeps what it had.",
            "Add the tags with the command below: it merges them with those that are there.",
            commands=tuple(
                f"az resource tag --is-incremental --tags {spelt} --name {one.name} --resource-type {one.kind} {group}"
                for one in bare[:SHOWN]
            ),
        )
    return Evidence(f"{len(ours)} resources, {spelt}", {"resources": str(len(ours))})


def _shown(one: Resource) -> str:
    return f"{quote(one.name)} ({one.kind.rpartition('/')[2]})"
