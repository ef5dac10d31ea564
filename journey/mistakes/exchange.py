"""Mistakes of module 12: two versions side by side, the exchange, and the way back."""

from collections.abc import Mapping

from journey.mistakes.production import next_environment
from journey.mistakes.registry import Undo, mistake
from journey.worlds import World
from journey.worlds.reaching import rolled_back
from journey.worlds.serving import DEPLOYMENTS, make_deployment, make_image, set_traffic

LOOKS = ("M8", "M12")


def remembered(world: World, traffic: Mapping[str, int], tags: Mapping[str, str]) -> Undo:
    """Other shares, and an endpoint that remembers something else; undone by what module 12 leaves."""
    set_traffic(world.resources, traffic, tags=tags)

    def undo() -> None:
        set_traffic(world.resources, {"blue": 100}, tags=rolled_back(world))
        world.resources.call("DELETE", f"{world.resources.endpoint}/deployments/green", version=DEPLOYMENTS)

    return undo


def green(world: World, model: str, image: str = "") -> None:
    """A second deployment, without traffic."""
    make_deployment(world.resources, image or world.image, model, "green", next_environment(world))


@mistake("never-a-second-deployment", "M12", "BGR001", "The step add makes the second one", "M12", looks=LOOKS)
def never_a_second_deployment(world: World) -> Undo:
    """The live deployment was updated in its place, each time."""
    set_traffic(world.resources, {"blue": 100})
    return lambda: set_traffic(world.resources, {"blue": 100}, tags=rolled_back(world))


@mistake("one-version-twice", "M12", "BGR001", "Name the other version", "M12", looks=LOOKS)
def one_version_twice(world: World) -> Undo:
    """Both deployments run the same version."""
    green(world, world.models[-1])
    return remembered(world, {"blue": 100, "green": 0}, {})


@mistake(
    "second-deployment-of-another-image", "M12", "BGR003", "The image carries the model's name", "M12", looks=LOOKS
)
def second_deployment_of_another_image(world: World) -> Undo:
    """The second deployment names the older version, and its image holds the newer one."""
    green(world, world.models[0])
    return remembered(world, {"blue": 90, "green": 10}, rolled_back(world))


@mistake("never-rolled-back", "M12", "BGR004", "has never had all the traffic", "M12", looks=LOOKS)
def never_rolled_back(world: World) -> Undo:
    """The second version got a tenth of the traffic, and nobody went back."""
    image = make_image(world.resources, world.models[0], "none", tag=f"older-{world.suffix}")
    green(world, world.models[0], image)
    return remembered(world, {"blue": 90, "green": 10}, {})


@mistake("loser-still-there", "M12", "BGR005", "Delete the loser", "M12", looks=LOOKS)
def loser_still_there(world: World) -> Undo:
    """After the roll-back the other deployment stays, at 0 %."""
    image = make_image(world.resources, world.models[0], "none", tag=f"loser-{world.suffix}")
    green(world, world.models[0], image)
    return remembered(world, {"blue": 100, "green": 0}, rolled_back(world))


def exchanged(world: World, tags: Mapping[str, str]) -> Undo:
    """All traffic to green, which has the older version."""
    image = make_image(world.resources, world.models[0], "none", tag=f"exchanged-{world.suffix}")
    green(world, world.models[0], image)
    return remembered(world, {"green": 100}, tags)


@mistake("way-back-never-tried", "M12", "BGR004", "the way back is not tried", "M12", looks=LOOKS)
def way_back_never_tried(world: World) -> Undo:
    """The exchange is done, and nobody has gone back."""
    return exchanged(world, {"live": f"green {world.models[0]}", "previous": f"blue {world.models[-1]}"})


@mistake("moved-again-after-the-roll-back", "M12", "BGR004", "was moved again after the roll-back", "M12", looks=LOOKS)
def moved_again_after_the_roll_back(world: World) -> Undo:
    """The traffic went back, and then to the version that was rolled back from."""
    return exchanged(world, rolled_back(world))
