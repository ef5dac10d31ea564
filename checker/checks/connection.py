"""Module 4: the service connection, by which a run acts in Azure without a secret."""

from checker.checks.judgement import missing, quote
from checker.checks.organization import at_project
from checker.checks.registry import devops_check
from checker.clients.devops import Connection
from checker.context import CheckContext
from checker.model import Evidence, failed, waiting

FEDERATION = "WorkloadIdentityFederation"
AZURE = "azurerm"  # spelt AzureRM by some clients (azure-devops.md, 3.3)
TELLING_ISSUER = "vstoken.dev.azure.com"  # its subjects name the connection; those of Entra do not


@devops_check("CON001", "M4", ("PRJ001",))
def connection_exists(context: CheckContext) -> Evidence:
    """The service connection exists, and leads to Azure.

    The YAML names the connection, and the run acts in Azure with what it stands for. The name is compared letter by
    letter.
    """
    name = context.settings.devops.service_connection
    found = _find(context)
    if found is None:
        raise missing(
            "service connection",
            name,
            (one.name for one in context.connections()),
            f"The YAML looks for `{name}`, exactly.",
            "Project settings, Service connections, Azure Resource Manager, workload identity federation (automatic).",
            commands=(f"az devops service-endpoint list {at_project(context)} --output table",),
        )
    if found.kind.lower() != AZURE:
        raise failed(
            f"`{name}` is of the type {quote(found.kind)}",
            "Azure Resource Manager",
            "Azure Resource Manager is the type that leads to Azure; a type cannot be changed: make it again.",
        )
    return Evidence(f"{found.name}, {quote(found.kind)}", {"id": found.id, "type": found.kind})


@devops_check("CON002", "M4", ("CON001",))
def connection_is_ready(context: CheckContext) -> Evidence:
    """The service connection is ready, and leads to your subscription.

    Its application is registered while you wait; a connection to another subscription makes everything elsewhere.
    """
    found, wanted = _connection(context), context.settings.subscription
    if not found.ready:
        reason = quote(found.message) or "no reason given"
        if found.state.lower() != "failed":
            raise waiting(f"{found.name} is {quote(found.state) or 'not ready'}", "it is Ready, in a minute at most")
        raise failed(
            f"{found.name} is Failed: {reason}",
            "it is Ready",
            "May you register applications in this directory?",
            "Somebody who may can make an identity for you; the form takes a given one (manual).",
        )
    if found.subscription.lower() != wanted.lower():
        raise failed(
            f"{found.name} leads to the subscription {quote(found.subscription) or 'that it does not name'}",
            wanted,
            "The checker takes the subscription from AZURE_SUBSCRIPTION_ID, or from workshop.toml.",
            commands=("az account list --output table",),
        )
    return Evidence(f"ready, subscription {quote(found.subscription)}", {"subscription": found.subscription})


@devops_check("CON003", "M4", ("CON001",))
def connection_holds_no_secret(context: CheckContext) -> Evidence:
    """The service connection holds no secret.

    With workload identity federation there is nothing to leak and nothing to expire: each run gets a token of its own.
    """
    found = _connection(context)
    if found.scheme.lower() != FEDERATION.lower():
        raise failed(
            f"the scheme of {found.name} is {quote(found.scheme) or 'not told'}",
            FEDERATION,
            "This one holds a secret, which expires one day and can be copied until then.",
            "The page of the connection offers to convert it.",
        )
    named = found.subject.rpartition("/")[2]
    if TELLING_ISSUER in found.issuer and named.lower() != found.name.lower():
        raise failed(
            f"{found.name} has the subject `{quote(found.subject)}`",
            f"a subject that ends in /{found.name}",
            "The connection was renamed: the federation compares text, and still knows the old name.",
            "Make the connection again under its name, or name the old one in the YAML.",
        )
    everybody = context.is_open_to_all(found.id)
    warning = "; warning: every pipeline of the project may use it" if everybody else ", for permitted pipelines only"
    return Evidence(f"{found.scheme}{warning}", {"subject": found.subject, "open_to_all": str(everybody).lower()})


def connection_of(context: CheckContext) -> Connection:
    """The service connection, for checks that require CON001."""
    return _connection(context)


def _find(context: CheckContext) -> Connection | None:
    wanted = context.settings.devops.service_connection.lower()
    return next((one for one in context.connections() if one.name.lower() == wanted), None)


def _connection(context: CheckContext) -> Connection:
    found = _find(context)
    if found is None:
        raise LookupError("a check that reads the service connection does not require CON001")
    return found
