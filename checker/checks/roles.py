"""Module 0: what whoever is signed in may do, where the workshop's resources will be."""

from checker.checks.registry import check
from checker.clients.authorization import AuthorizationClient, Permission, allows
from checker.context import CheckContext
from checker.model import Evidence, failed

CREATES = (
    "Microsoft.MachineLearningServices/workspaces/write",
    "Microsoft.ContainerRegistry/registries/write",
    "Microsoft.ContainerInstance/containerGroups/write",
    "Microsoft.ContainerService/managedClusters/write",
)
CREATES_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/write"
ASSIGNS = "Microsoft.Authorization/roleAssignments/write"


@check("SUB003", "M0", ("SUB001",))
def you_may_create_resources(context: CheckContext) -> Evidence:
    """You may create what the workshop makes, in the group, or the group itself.

    Without a role that creates, nothing but looking is possible.
    """
    permissions, scope = _permissions(context)
    wanted = CREATES if scope == context.arm.group else (CREATES_GROUP, *CREATES)
    absent = [action for action in wanted if not allows(permissions, action)]
    where = "the group" if scope == context.arm.group else "the subscription (there is no group yet)"
    if absent:
        raise failed(
            f"on {where} you may not: {', '.join(absent)}",
            "the role Contributor, or one that lets you do these",
            "Your role here lets you look, and not create.",
            "Ask the owner for a group of your own with the role Contributor on it, or work in the sandbox.",
            commands=(f"az role assignment list --assignee <you> --scope {scope} --include-inherited --output table",),
        )
    return Evidence(f"you may create on {where}", {"scope": scope})


@check("SUB004", "M0", ("SUB003",))
def pipeline_can_get_an_identity(context: CheckContext) -> Evidence:
    """You may give the pipeline's identity its role, or have been given an identity.

    The service connection of module 4 makes an identity and assigns it a role on the group; that takes a role of its
    own. Whether you may register applications is known to the directory alone, and shows in module 4.
    """
    permissions, scope = _permissions(context)
    if allows(permissions, ASSIGNS):
        return Evidence("you may assign roles", {"scope": scope})
    beneath = f"{context.arm.group}/".lower()
    given = [one for one in AuthorizationClient(context.arm).list_identities() if one.id.lower().startswith(beneath)]
    if given:
        return Evidence(f"you have been given the identity {given[0].name}", {"identity": given[0].id})
    raise failed(
        "you may not assign roles, and there is no identity in your group",
        "the right to assign roles (Owner, or User Access Administrator), or an identity that somebody made for you",
        "You cannot give an identity a role here. Contributor makes everything but this.",
        "Ask for a user-assigned identity with a federated credential in your group; module 4, lane 'given identity'.",
        commands=(f"az identity list --resource-group {context.names.resource_group} --output table",),
    )


def _permissions(context: CheckContext) -> tuple[list[Permission], str]:
    """The signed-in identity's permissions on the group, else on the subscription; and which of the two."""
    return context.once("permissions", lambda: _look(context))


def _look(context: CheckContext) -> tuple[list[Permission], str]:
    client = AuthorizationClient(context.arm)
    on_group = client.list_permissions(context.arm.group)
    if on_group is not None:
        return on_group, context.arm.group
    return client.list_permissions(context.arm.subscription) or [], context.arm.subscription
