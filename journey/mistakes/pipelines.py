"""What mistakes do to a world's pipeline: another one in its place, whose runs are the only ones that count."""

from collections.abc import Callable

from journey.mistakes.registry import Undo
from journey.worlds import World
from journey.worlds.project import PIPELINE

PARKED = "An older pipeline"


def another_pipeline(world: World, text: str, file: str = "release.yml", run: bool = True) -> tuple[Undo, int]:
    """A pipeline of the attendee's name and of a file of its own, in place of the one that is there, started once.

    What undoes it, and the run (0 without one). No push starts it: its file is outside of its own filter of paths.
    """
    project, old = world.project, world.pipeline
    project.push({file: text}, comment=f"Add {file}")
    project.update_pipeline(old, name=PARKED)
    new = project.make_pipeline(PIPELINE, file)

    def undo() -> None:
        for build in project.builds():
            if build["definition"]["id"] == new and build["status"] != "completed":
                project.cancel(build["id"])
        project.delete_pipeline(new)
        project.update_pipeline(old, name=PIPELINE)

    return undo, project.start(new) if run else 0


def ended(world: World, text: str) -> Undo:
    """Another pipeline, whose one run has come to its end, whichever that was."""
    undo, run = another_pipeline(world, text)
    world.project.finish(run)
    return undo


def changed(world: World, key: str, value: str, make: Callable[[], object] | None = None) -> Undo:
    """Sets a name in workshop.toml once `make` has made what is there under it; undone by the name it had."""
    if make is not None:
        make()
    before = world.configured(key)
    world.configure(key, value)
    return lambda: world.configure(key, before)
