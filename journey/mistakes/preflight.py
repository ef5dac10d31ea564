"""Mistakes of module 0: what would stop the day, and can be seen days before."""

from journey.mistakes.registry import NOTHING, mistake
from journey.worlds import World

LOOKS = ("M0",)
OTHER_DIRECTORY = "77777777-7777-4777-8777-777777777777"
CLUSTER_FAMILY = "standardDSv2Family"


@mistake(
    "provider-not-registered",
    "M0",
    "SUB002",
    "MissingSubscriptionRegistration",
    NOTHING,
    spoils=True,
    switches={"azure.unregistered": ["Microsoft.ContainerRegistry"]},
    looks=LOOKS,
)
def provider_not_registered(world: World) -> None:
    """A resource provider of the subscription is not registered."""


@mistake(
    "quota-used-up",
    "M0",
    "SUB005",
    "is used up, or was 0 from the start",
    NOTHING,
    spoils=True,
    switches={"azure.quota": {CLUSTER_FAMILY: 0}},
    looks=LOOKS,
)
def quota_used_up(world: World) -> None:
    """The subscription has no vCPU of the cluster's family."""


@mistake(
    "role-that-assigns-nothing",
    "M0",
    "SUB004",
    "You cannot give an identity a role here",
    NOTHING,
    spoils=True,
    switches={"azure.roles": ["Contributor"]},
    looks=LOOKS,
)
def role_that_assigns_nothing(world: World) -> None:
    """Whoever is signed in is Contributor, and may not assign a role."""


@mistake(
    "no-parallel-job-granted",
    "M0",
    "ORG002",
    "Every run would queue for ever",
    NOTHING,
    spoils=True,
    switches={"hosted_parallelism": False},
    looks=LOOKS,
)
def no_parallel_job_granted(world: World) -> None:
    """The organisation may run no job on Microsoft's agents."""


@mistake(
    "organization-of-another-directory",
    "M0",
    "ORG003",
    "the organisation lives in",
    NOTHING,
    spoils=True,
    switches={"directory": OTHER_DIRECTORY},
    looks=LOOKS,
)
def organization_of_another_directory(world: World) -> None:
    """The organisation was made while signed in to another directory."""


@mistake("registry-name-taken", "M0", "SUB007", "Somebody else in the world", NOTHING, spoils=True, looks=LOOKS)
def registry_name_taken(world: World) -> None:
    """Somebody else has a registry of the attendee's name."""
    other = world.elsewhere(resource_group=f"rg-of-others-{world.suffix}")
    other.make_group()
    other.make_registry()


@mistake("workspace-in-the-recycle-bin", "M0", "SUB008", "in the recycle bin", NOTHING, spoils=True, looks=LOOKS)
def workspace_in_the_recycle_bin(world: World) -> None:
    """The group of an earlier try was deleted, and what lies in the recycle bin since was not purged."""
    world.resources.make_group()
    world.resources.make_workspace()
    world.resources.call("DELETE", world.resources.group, version="2021-04-01")
