"""Mistakes of module 2: the organisation and the project."""

from journey.mistakes.registry import NOTHING, UNKNOWN, mistake
from journey.worlds import World

BASIC = "b8a3a935-7e91-48b8-a94c-606d37c3e9f2"
SCRUM = "6b724908-ef14-45cf-84f8-768b5384da45"


@mistake("organization-misspelt", "M2", "ORG001", "Compare the name with the address", NOTHING, spoils=True)
def organization_misspelt(world: World) -> None:
    """The organisation's name is misspelt.

    An organisation that one may not see and one that does not exist answer alike.
    """
    world.project.make()
    world.variables["AZURE_DEVOPS_ORG_URL"] = world.project.organization.url + "x"


@mistake("token-refused", "M2", "ORG001", "", NOTHING, outcome=UNKNOWN, spoils=True)
def token_refused(world: World) -> None:
    """The token is not one of this organisation's, or has expired.

    It says nothing about the work, so nothing may be said to be wrong with it.
    """
    world.project.make()
    world.variables["AZURE_DEVOPS_EXT_PAT"] = "an-expired-token"


@mistake("project-name-with-space", "M2", "PRJ001", "is nearly the name", NOTHING, spoils=True)
def project_name_with_space(world: World) -> None:
    """The project is named with a space more than asked for."""
    world.project.make()
    world.configure("project", world.project.name.replace("AI Dev", "AIDev"))


@mistake("project-missing", "M2", "PRJ001", "A project that you may not see", NOTHING, spoils=True)
def project_missing(world: World) -> None:
    """Nobody has made the project, or it is in another organisation."""
    world.configure("project", f"Nowhere {world.suffix}")


@mistake("project-basic", "M2", "PRJ002", "the form proposes Basic", NOTHING, spoils=True)
def project_basic(world: World) -> None:
    """The project has the process that the form proposes, Basic."""
    world.project.make(BASIC)


@mistake("project-scrum", "M2", "PRJ002", "Nothing is in the project yet?", NOTHING, spoils=True)
def project_scrum(world: World) -> None:
    """The project has the process Scrum."""
    world.project.make(SCRUM)


@mistake("project-public", "M2", "PRJ003", "Project settings, Overview, Visibility", NOTHING, spoils=True)
def project_public(world: World) -> None:
    """The project is public: its logs may be read by anybody."""
    world.project.make()
    world.project.set_visibility("public")
