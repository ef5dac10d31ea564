"""Module 16: nothing of the workshop is left, on Azure and on Azure DevOps. Only `cleanup run` removes anything."""

from collections.abc import Iterable

from checker.checks.judgement import quote
from checker.checks.registry import check, devops_check
from checker.cleanup.devops import find_on_devops
from checker.cleanup.model import Item, Kind, Plan, Scope
from checker.cleanup.planning import make_plan
from checker.context import CheckContext
from checker.model import Evidence, failed, waiting

RUN = "checker cleanup run"
NAMES_SHOWN = 4
COSTLY = (Kind.ENDPOINT, Kind.CONTAINERS, Kind.COMPUTE, Kind.CLUSTER, Kind.REGISTRY)
OF_THE_WORKSPACE = (Kind.WORKSPACE, Kind.STORAGE, Kind.VAULT, Kind.DELETED_VAULT, Kind.INSIGHTS, Kind.LOGS)
REST = (Kind.GROUP, Kind.IDENTITY, Kind.ALERTS, Kind.OTHER)


@check("CLN001", "M16")
def nothing_runs_any_more(context: CheckContext) -> Evidence:
    """No endpoint, container group, cluster or registry is left.

    These are billed by the hour, used or not. A Kubernetes cluster that somebody forgot is the dearest souvenir of a
    workshop.
    """
    return _none_left(
        context,
        COSTLY,
        "no endpoint, container group, cluster or registry",
        "What is billed by the hour goes first.",
        "`checker cleanup plan` lists all of it, with its cost per day.",
    )


@check("CLN002", "M16", ("CLN001",))
def workspace_is_purged(context: CheckContext) -> Evidence:
    """The workspace is gone, with its storage, its logs and its key vault.

    A workspace that is only deleted lies in a recycle bin and keeps its name for 14 days, a key vault for 90. Azure
    lists the vaults there, but no workspaces: whether one was purged is in the certificate of the clean-up.
    """
    return _none_left(
        context,
        OF_THE_WORKSPACE,
        "no workspace, nothing that it needed, and no deleted key vault",
        "Deleted is not purged: a recycle bin keeps the name.",
        "`checker cleanup run` purges; by hand it is `az ml workspace delete --permanently-delete --all-resources`.",
    )


@check("CLN003", "M16", ("CLN002",))
def no_group_is_left(context: CheckContext) -> Evidence:
    """No resource group and nothing tagged is left in the subscription.

    A pipeline that ran before its variable was set made a group of another name; its tags say whose it is.
    """
    evidence = _none_left(
        context,
        REST,
        "no resource group, and nothing with the tags of the workshop",
        "Was there a group that a pipeline made? Tags tell, wherever it is.",
        "A group that holds what others made stays; `checker cleanup plan` says which.",
    )
    kept = [one.name for one in _plan(context).left if one.what == str(Kind.GROUP)]
    return Evidence(
        f"{evidence.seen}; {kept[0]} stays, with what others made" if kept else evidence.seen, evidence.facts
    )


@devops_check("CLN004", "M16")
def pipeline_cannot_run(context: CheckContext) -> Evidence:
    """The pipeline is deleted, or disabled.

    One that a push can still start makes everything again, the cluster included.
    """
    found = [item for item in _on_devops(context) if item.kind is Kind.PIPELINE]
    able = [item for item in found if item.state != "disabled"]
    if able:
        raise failed(
            f"the pipeline {quote(able[0].name)} can still run",
            "it is deleted, or disabled in its settings",
            "One push, and everything is there again.",
            "Pipelines, the pipeline, the three dots, Settings, Disabled; or Delete.",
            f"`{RUN}` ends its runs and deletes it.",
            commands=(RUN,),
        )
    return Evidence(f"{quote(found[0].name)} is disabled" if found else "no pipeline", {"pipelines": str(len(found))})


@devops_check("CLN005", "M16", ("CLN004",))
def connection_is_gone(context: CheckContext) -> Evidence:
    """The service connection is gone, with its roles on Azure.

    The group is not all: an identity that may act in the subscription is left, and nobody looks at it any more.
    """
    items = _on_devops(context)
    roles = [item for item in items if item.kind is Kind.ASSIGNMENT]
    found = [item for item in items if item.kind is Kind.CONNECTION]
    if found:
        also = f", and {len(roles)} of its roles on Azure" if roles else ""
        application = found[0].facts.get("application", "")
        raise failed(
            f"the service connection {quote(found[0].name)} is still there{also}",
            "no connection, and no role of its identity",
            "A resource group is not all that the workshop made: its identity is left.",
            "Project settings, Service connections; its application is in Entra ID, App registrations.",
            f"`{RUN}` removes the connection and its roles; the application then goes with `az ad app delete`.",
            commands=(RUN, *((f"az ad app delete --id {application}",) if application else ())),
        )
    return Evidence("no service connection", {})


@devops_check("CLN006", "M16", ("CLN004",))
def environments_are_gone(context: CheckContext) -> Evidence:
    """The environments are gone.

    Their approvals name people, and their records name runs that are no more.
    """
    found = [item.name for item in _on_devops(context) if item.kind is Kind.ENVIRONMENT]
    if found:
        raise failed(
            f"{_named(found)} {'is' if len(found) == 1 else 'are'} still there",
            "no environment of the workshop",
            "Approvals live on environments, and outlive the pipeline.",
            "Pipelines, Environments, the environment, the three dots, Delete.",
            commands=(RUN,),
        )
    return Evidence("no environment", {})


def _plan(context: CheckContext) -> Plan:
    return context.once("cleanup plan", lambda: make_plan(context, Scope(devops=False)))


def _on_devops(context: CheckContext) -> tuple[Item, ...]:
    return context.once("cleanup on Azure DevOps", lambda: find_on_devops(context, Scope())).items


def _none_left(context: CheckContext, kinds: Iterable[Kind], expected: str, *hints: str) -> Evidence:
    """Raises Waiting while all that is left is going, Fail where something just is there."""
    plan = _plan(context)
    left = plan.of(*kinds)
    group_goes = any(item.is_going for item in plan.of(Kind.GROUP))
    if not left:
        return Evidence("nothing is left", {"left": "0"})
    names = _named([f"{item.kind} {item.name}" for item in left])
    if group_goes or all(item.is_going for item in left):
        raise waiting(f"{names}: Azure is still deleting", expected, commands=("checker check M16    (in a minute)",))
    cost = sum(item.cost.usd or 0.0 for item in left)
    about = f", about {cost:.2f} USD a day" if cost >= 0.01 else ""
    raise failed(f"{names} still there{about}", expected, *hints, commands=("checker cleanup plan", RUN))


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(quote(name) for name in names[:NAMES_SHOWN]) + more
