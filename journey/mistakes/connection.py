"""Mistakes of module 4: the service connection."""

from journey.mistakes.registry import mistake
from journey.worlds import World
from journey.worlds.project import CONNECTION

OTHER = "99999999-9999-4999-8999-999999999999"


@mistake("connection-name-with-space", "M4", "CON001", "is nearly the name", "M3", spoils=True)
def connection_name_with_space(world: World) -> None:
    """The connection has a space in its name."""
    world.project.make_connection("My AzureSubscription")


@mistake("connection-missing", "M4", "CON001", "The YAML looks for", "M3", spoils=True)
def connection_missing(world: World) -> None:
    """Nobody has made the connection."""


@mistake("connection-of-another-type", "M4", "CON001", "Azure Resource Manager is the type", "M3", spoils=True)
def connection_of_another_type(world: World) -> None:
    """The connection is of a type that does not lead to Azure."""
    world.project.make_connection(type="generic", scheme="UsernamePassword", parameters={"username": "me"})


@mistake("connection-with-a-secret", "M4", "CON003", "This one holds a secret", "M3", spoils=True)
def connection_with_a_secret(world: World) -> None:
    """The connection holds a client secret."""
    secret = {"serviceprincipalkey": "not-a-real-one-0123", "authenticationType": "spnKey"}
    world.project.make_connection(scheme="ServicePrincipal", parameters=secret)


@mistake("connection-to-another-subscription", "M4", "CON002", "AZURE_SUBSCRIPTION_ID", "M3", spoils=True)
def connection_to_another_subscription(world: World) -> None:
    """The connection leads to a subscription that is not the attendee's."""
    world.project.make_connection(subscription=OTHER)


@mistake("connection-renamed", "M4", "CON003", "The connection was renamed", "M3", spoils=True)
def connection_renamed(world: World) -> None:
    """The connection was renamed after it was made, and the federation knows its old name."""
    world.project.rename_connection(world.project.make_connection("OldName"), CONNECTION)


@mistake(
    "connection-refused-by-the-directory",
    "M4",
    "CON002",
    "May you register applications",
    "M3",
    spoils=True,
    switches={"endpoint_not_ready": True},
)
def connection_refused_by_the_directory(world: World) -> None:
    """A guest may not register applications, and the making of the connection has failed."""
    world.project.make_connection()
