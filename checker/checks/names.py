"""Module 0: the names that the workshop will use are free, or are the attendee's own already."""

from datetime import UTC, datetime, timedelta

from checker.checks.judgement import quote
from checker.checks.registry import check
from checker.checks.subscription import resources
from checker.clients.subscription import SubscriptionClient
from checker.context import CheckContext
from checker.model import Evidence, failed

WORKSPACE_DAYS = 14  # how long a deleted workspace holds its name


@check("SUB007", "M0", ("SUB001",))
def names_are_free_or_yours(context: CheckContext) -> Evidence:
    """The name of the registry is free in all of Azure, or it is yours already.

    Names of registries are addresses: somebody else's cannot be taken, wherever it is.
    """
    name = context.names.registry
    if any(one.name.lower() == name.lower() for one in resources(context) if "registries" in one.kind.lower()):
        return Evidence(f"{name} is there, and yours", {"registry": name})
    reason = SubscriptionClient(context.arm).why_registry_name_is_taken(name)
    if reason:
        raise failed(
            f"the registry's name `{name}` is not free: {quote(reason)}",
            "a name that is free, or a registry in your group",
            "Somebody else in the world has a registry of this name.",
            f"Take another suffix than `{context.settings.suffix}` in workshop.toml, before anything is made.",
            commands=("export WORKSHOP_SUFFIX=<3 to 8 lower-case letters and digits>", "checker doctor"),
        )
    return Evidence(f"{name} is free", {"registry": name})


@check("SUB008", "M0", ("SUB001",))
def no_namesake_in_the_recycle_bin(context: CheckContext) -> Evidence:
    """No workspace of an earlier try holds the name.

    A workspace that is deleted keeps its name for 14 days. No call lists such workspaces; the key vault that is deleted
    together with one is listed, and says so.
    """
    name = context.names.workspace
    if context.workspace() is not None:
        return Evidence(f"{name} is there, and yours", {"workspace": name})
    beneath, since = f"{context.arm.group}/".lower(), datetime.now(UTC) - timedelta(days=WORKSPACE_DAYS)
    bin_ = SubscriptionClient(context.arm).list_deleted_vaults()
    found = [one for one in bin_ if one.id.lower().startswith(beneath) and one.deleted > since]
    if found:
        day = f"{found[0].deleted:%d %B}"
        raise failed(
            f"the key vault {found[0].name} of {context.names.resource_group} was deleted on {day}; the workspace that "
            "it belonged to was deleted with it, and is not there again",
            "no deleted workspace of this name, or one that was purged, with its key vault",
            f"A workspace with this name is in the recycle bin ({WORKSPACE_DAYS} days). Purge it or take another "
            "suffix.",
            "The commands below purge both for good. Or set another suffix in workshop.toml, before anything is made.",
            commands=(
                f"az ml workspace delete --name {name} --resource-group {context.names.resource_group} "
                "--permanently-delete",
                *(f"az keyvault purge --name {one.name}" for one in found),
            ),
        )
    return Evidence("nothing of yours is in the recycle bin", {"workspace": name})
