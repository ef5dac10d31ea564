"""Mistakes of module 16: what a clean-up forgets. A world with nothing but its project is clean."""

from journey.mistakes.registry import mistake
from journey.worlds import World
from journey.worlds.project import STAGING

CLEAN, LOOKS = "M2", ("M16",)


@mistake("registry-left", "M16", "CLN001", "billed by the hour goes first", CLEAN, spoils=True, looks=LOOKS)
def registry_left(world: World) -> None:
    """The registry is still there, and costs money by the day."""
    world.resources.make_group()
    world.resources.make_registry()


@mistake("workspace-left", "M16", "CLN002", "Deleted is not purged", CLEAN, spoils=True, looks=LOOKS)
def workspace_left(world: World) -> None:
    """The workspace was deleted, and what it needed is left: its storage, its logs, its key vault."""
    world.resources.make_group()
    world.resources.make_workspace()
    world.resources.call("DELETE", world.resources.workspace, version="2024-10-01-preview")


@mistake("group-of-the-pipeline-left", "M16", "CLN003", "a group that a pipeline made", CLEAN, spoils=True, looks=LOOKS)
def group_of_the_pipeline_left(world: World) -> None:
    """The group is empty and still there."""
    world.resources.make_group()


@mistake("pipeline-left", "M16", "CLN004", "One push, and everything is there again", CLEAN, spoils=True, looks=LOOKS)
def pipeline_left(world: World) -> None:
    """Everything is deleted, and the pipeline would make it again."""
    world.project.push()
    world.project.make_pipeline()


@mistake("connection-left", "M16", "CLN005", "its identity is left", CLEAN, spoils=True, looks=LOOKS)
def connection_left(world: World) -> None:
    """The group is deleted, and the identity that may act in the subscription is left."""
    world.project.make_connection()


@mistake("environment-left", "M16", "CLN006", "outlive the pipeline", CLEAN, spoils=True, looks=LOOKS)
def environment_left(world: World) -> None:
    """An environment is left, with its approvals and records."""
    world.project.make_environment(STAGING)
