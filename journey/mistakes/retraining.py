"""Mistakes of module 10: the push that should start a run, and the version that should come of it."""

from journey.mistakes.registry import WAITING, Undo, mistake
from journey.worlds import World
from journey.worlds.serving import make_image, make_staging

CHANGE = "echo trained on less"


@mistake("run-started-by-hand", "M10", "AUT001", "The exercise is the push", "M8")
def run_started_by_hand(world: World) -> Undo:
    """The change is pushed past the trigger, and the run started by hand."""
    world.project.push(world.project.text(build=CHANGE), comment="Test on 0.33 of the data [skip ci]")
    world.project.cancel(world.project.start(world.pipeline))

    def undo() -> None:
        world.project.push(world.project.text(), comment="Back [skip ci]")

    return undo


@mistake("change-never-merged", "M10", "AUT001", "Never merged into", "M8")
def change_never_merged(world: World) -> Undo:
    """The change lies on a branch that was never merged."""
    name = f"test-size-{world.suffix}"
    world.project.branch(name, world.project.tip())
    world.project.push(world.project.text(build=CHANGE), branch=name, comment="Test on 0.33 of the data")
    return lambda: world.project.remove_branch(name)


@mistake("change-skips-ci", "M10", "AUT001", "tells the service to start nothing", "M8")
def change_skips_ci(world: World) -> Undo:
    """The message of the commit has [skip ci] in it."""
    world.project.push(world.project.text(build=CHANGE), comment="Test on 0.33 of the data [skip ci]")

    return lambda: _take_back(world)


def _take_back(world: World) -> None:
    """The file as it was, and a newest commit that says nothing of ci and changes nothing that counts."""
    world.project.push(world.project.text(), comment="Back [skip ci]")
    world.project.push({"notes.md": f"Taken back at {world.project.tip()}.\n"}, comment="Take notes")


@mistake("change-outside-the-paths", "M10", "AUT001", "is outside of the trigger's paths", "M8")
def change_outside_the_paths(world: World) -> Undo:
    """The change is in a folder that the trigger's paths leave out."""
    world.project.push({"training/train.py": "TEST_SIZE = 0.33\n"}, comment="Test on 0.33 of the data")
    return lambda: None


@mistake("automatic-run-broke", "M10", "AUT001", "the first error in its log says why", "M8", spoils=True)
def automatic_run_broke(world: World) -> None:
    """The push has started a run, and the run broke."""
    commit = world.project.push(world.project.text(build="exit 6"), comment="Test on 0.33 of the data")
    world.project.finish(world.project.await_run_of(commit))


@mistake("automatic-run-waits", "M10", "AUT001", "It may wait for an approval", "M8", outcome=WAITING, spoils=True)
def automatic_run_waits(world: World) -> None:
    """The push has started a run, staging has the second version, and the run waits for its approval."""
    commit = world.project.push(world.project.text(build=CHANGE), comment="Test on 0.33 of the data")
    run = world.project.await_run_of(commit)
    world.project.await_record(run, "Checkpoint.Approval")
    tags = {"commit": commit, "build": str(run), "job": world.job, "data": f"{world.names['data_asset']}:1"}
    model = world.resources.make_model("2", **tags)
    make_staging(world.resources, make_image(world.resources, model, tag="2"), model, world.key)


@mistake("older-version-deleted", "M10", "AUT002", "Both versions stay", "M10", spoils=True)
def older_version_deleted(world: World) -> None:
    """The first version was deleted once the second was there."""
    number = world.models[0].rpartition(":")[2]
    world.resources.call("DELETE", f"{world.resources.workspace}/models/{world.names['model']}/versions/{number}")
