"""Module 15: what the pipeline's identity may do, and who may use it."""

from checker.checks.connection import connection_of
from checker.checks.judgement import quote
from checker.checks.registry import devops_check
from checker.clients.authorization import GIVES_ACCESS, Assignment, AuthorizationClient
from checker.clients.devops import Connection
from checker.context import CheckContext
from checker.errors import AccessError
from checker.model import Evidence, Fail, failed


@devops_check("SEC003", "M15", ("CON002",))
def connection_has_least_privilege(context: CheckContext) -> Evidence:
    """The connection's identity reaches no further than your group.

    Whoever can push can act as this identity. On its group it can break your work; on a subscription, or with a
    role that gives access to others, everybody's.
    """
    found = connection_of(context)
    principal = _principal(context, found)
    assignments = AuthorizationClient(context.arm).list_assignments(principal)
    group = context.arm.group.lower()
    wide = [one for one in assignments if not f"{one.scope.lower().rstrip('/')}/".startswith(f"{group}/")]
    mighty = [one for one in assignments if one.role in GIVES_ACCESS]
    if mighty:
        raise _too_mighty(context, mighty[0], principal)
    if wide:
        raise _too_wide(context, wide[0], principal)
    if not assignments:
        raise failed(
            f"the identity of {found.name} has no role in the subscription",
            f"Contributor on {context.names.resource_group}",
            "Least privilege, and a bit less than that: its runs end with AuthorizationFailed.",
            commands=(_create(context, principal),),
        )
    roles = ", ".join(sorted({one.role_name for one in assignments}))
    return Evidence(f"{roles}, on {context.names.resource_group} only", {"principal": principal, "roles": roles})


@devops_check("SEC005", "M15", ("CON001",))
def connection_is_for_permitted_pipelines(context: CheckContext) -> Evidence:
    """The service connection is open to the pipelines that were permitted, not to all.

    One that is open to all can be used by a pipeline that somebody adds tomorrow, on a branch that nobody read.
    """
    found = connection_of(context)
    if context.is_open_to_all(found.id):
        raise failed(
            f"every pipeline of the project may use {found.name}",
            "the pipelines that you permitted",
            "The box 'Grant access permission to all pipelines' was ticked when the connection was made.",
            "Project settings, Service connections, the connection, the three dots, Security: Restrict permission.",
            f"Then permit your pipeline {quote(context.settings.devops.pipeline)} alone.",
        )
    return Evidence("for permitted pipelines only", {"connection": found.id})


def _principal(context: CheckContext, found: Connection) -> str:
    """The object id of the connection's identity. Raises AccessError where only the directory knows it."""
    if found.principal:
        return found.principal
    wanted = found.application.lower()
    for one in AuthorizationClient(context.arm).list_identities():
        if wanted and one.client.lower() == wanted:
            return one.principal
    raise AccessError(
        f"the identity of {found.name}",
        f"the application {found.application or 'that it does not name'} is no managed identity here, and the "
        "connection does not note its object id",
        "an object id; for an application registration the directory knows it",
        (f"az role assignment list --assignee {found.application or '<application id>'} --all --output table",),
    )


def _too_mighty(context: CheckContext, found: Assignment, principal: str) -> Fail:
    return failed(
        f"the connection's identity is {found.role_name} on {found.scope}",
        f"Contributor, on {context.names.resource_group}",
        f"{found.role_name} gives access to others: whoever can push could give it to anybody.",
        "The pipeline makes and changes resources; it assigns no roles. Contributor on the group is enough.",
        "Give it Contributor first, then take the other role away.",
        commands=(_create(context, principal), _delete(found, principal)),
    )


def _too_wide(context: CheckContext, found: Assignment, principal: str) -> Fail:
    return failed(
        f"the connection's identity is {found.role_name} on {found.scope}",
        f"a role on {context.names.resource_group}, and on nothing above it",
        "Its role reaches further than your resource group: a run could delete what is not yours.",
        "The wizard's field 'Resource group' was empty, or somebody assigned the role by hand.",
        "Give it the role on the group first, then take the wide one away.",
        commands=(_create(context, principal), _delete(found, principal)),
    )


def _create(context: CheckContext, principal: str) -> str:
    who = f"--assignee-object-id {principal} --assignee-principal-type ServicePrincipal"
    return f"az role assignment create --role Contributor {who} --scope {context.arm.group}"


def _delete(found: Assignment, principal: str) -> str:
    return f"az role assignment delete --assignee {principal} --role {found.role} --scope {found.scope}"
