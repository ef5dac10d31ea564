"""Mistakes of module 7: the container group of staging, what it answers, and the environment that records it."""

from journey.mistakes.pipelines import another_pipeline, changed, ended
from journey.mistakes.registry import UNKNOWN, WAITING, Undo, mistake
from journey.worlds import World
from journey.worlds.resources import MODEL
from journey.worlds.serving import GROUPS, make_image, make_staging
from journey.worlds.wire import soon


def staged(
    world: World,
    image: str = "",
    model: str = "",
    key: str | None = None,
    port: int = 5001,
    awaited: bool = True,
) -> Undo:
    """A second container group, which workshop.toml then names; undone by taking it away."""
    name = f"second-{world.suffix}"
    given = world.key if key is None else key
    make_staging(world.resources, image or world.image, model or world.models[-1], given, name, port, awaited)
    back = changed(world, "staging", name)

    def undo() -> None:
        back()
        path = f"{world.resources.staging.rpartition('/')[0]}/{name}"
        world.resources.call("DELETE", path, version=GROUPS)

    return undo


def staged_image(world: World, fault: str = "", artifact: object = MODEL) -> Undo:
    """A second container group of an image with a fault."""
    tag = f"{fault or 'other'}-{world.suffix}"
    return staged(world, make_image(world.resources, world.models[-1], fault, artifact, tag))


@mistake("staging-misspelt", "M7", "STG001", "is nearly the name", "M7")
def staging_misspelt(world: World) -> Undo:
    """The container group has another name than workshop.toml says."""
    return changed(world, "staging", "diabetis-staging-{suffix}")


@mistake("staging-never-deployed", "M7", "STG001", "Staging is the second stage", "M7")
def staging_never_deployed(world: World) -> Undo:
    """There is no container group at all."""
    return changed(world, "staging", "nowhere-{suffix}")


@mistake("staging-server-ends", "M7", "STG001", "The container starts and ends again", "M7")
def staging_server_ends(world: World) -> Undo:
    """The server in the container ends at once: a package is missing, or the model cannot be loaded."""
    image = make_image(world.resources, world.models[-1], "ends", tag=f"ends-{world.suffix}")
    back = staged(world, image, awaited=False)
    path = f"{world.resources.staging.rpartition('/')[0]}/second-{world.suffix}"
    soon(
        lambda: world.resources.call("GET", path, version=GROUPS)["properties"].get("instanceView", {}).get("state"),
        lambda state: state in ("Stopped", "Failed", "Succeeded", "Terminated"),
        f"the end of the server in {path}",
    )
    return back


@mistake("staging-by-tag", "M7", "STG002", "What a tag points at can change", "M7")
def staging_by_tag(world: World) -> Undo:
    """The image is named by its tag."""
    return staged(world, world.image.partition("@")[0] + ":1")


@mistake("staging-image-of-another-registry", "M7", "STG002", "Compare it with the build's own output", "M7")
def staging_image_of_another_registry(world: World) -> Undo:
    """The image was built elsewhere, under another name."""
    return staged(world, make_image(world.resources, world.models[-1], tag="1", repository=f"mine-{world.suffix}"))


@mistake("staging-names-no-version", "M7", "STG003", "which version does it deploy", "M7")
def staging_names_no_version(world: World) -> Undo:
    """The tag of the group names a version that is not registered."""
    return staged(world, model=f"{world.names['model']}:7")


@mistake(
    "staging-serves-another-runs-version",
    "M7",
    "STG006",
    "Deploy the version that this run registered",
    "M7",
    spoils=True,
)
def staging_serves_another_runs_version(world: World) -> None:
    """The deployment takes a version of its own choice, and not the one that its run has registered."""
    run = world.project.start(world.pipeline)
    world.project.finish(run)
    tags = {"commit": world.runs[-1].commit, "build": str(run), "job": world.job}
    world.resources.make_model("2", data=f"{world.names['data_asset']}:1", **tags)


@mistake("staging-version-from-a-laptop", "M7", "STG006", "from a laptop", "M7")
def staging_version_from_a_laptop(world: World) -> Undo:
    """The version in staging was registered by hand: the tag build names no run."""
    return retagged(world, build="local")


def retagged(world: World, **tags: str) -> Undo:
    """The newest version with other tags; undone by those that it had."""
    version, run = world.models[-1].rpartition(":")[2], world.runs[-1]
    right = {
        "commit": run.commit,
        "build": str(run.id),
        "job": world.job,
        "data": f"{world.names['data_asset']}:1",
        "mse": "3200.5",
    }
    uri = f"azureml://datastores/workspaceblobstore/paths/models/{version}"
    world.resources.register_model(version, uri, {**right, **tags})

    def undo() -> None:
        world.resources.register_model(version, uri, right)

    return undo


@mistake("staging-without-a-key", "M7", "STG004", "is it in the container's environment", "M7")
def staging_without_a_key(world: World) -> Undo:
    """Nobody gave the container a key, so it takes any request."""
    return staged(world, key="")


@mistake("staging-takes-any-key", "M7", "STG004", "A key is there, and nobody compares it", "M7")
def staging_takes_any_key(world: World) -> Undo:
    """The server has a key and asks only that there is one."""
    return staged_image(world, "anykey")


@mistake("staging-port", "M7", "STG004", "Compare the port in the deployment", "M7")
def staging_port(world: World) -> Undo:
    """The group opens another port than the server listens on."""
    return staged(world, port=8080, awaited=False)


@mistake("staging-rounds", "M7", "STG005", "The answers are whole numbers", "M7")
def staging_rounds(world: World) -> Undo:
    """The scoring script rounds what the model says."""
    return staged_image(world, "rounded")


@mistake("staging-has-another-model", "M7", "STG005", "Which model was in the build context", "M7")
def staging_has_another_model(world: World) -> Undo:
    """The image holds another model's file under the right name."""
    return staged_image(world, artifact={**MODEL, "intercept": 152.0})


@mistake("staging-raises", "M7", "STG005", "The container's log holds the exception", "M7")
def staging_raises(world: World) -> Undo:
    """The scoring script raises for ordinary rows."""
    return staged_image(world, "raises")


@mistake("staging-swallows-its-error", "M7", "STG005", "HTTP 200 with an error inside", "M7")
def staging_swallows_its_error(world: World) -> Undo:
    """The scoring script catches every exception and returns it as the answer, with status 200."""
    return staged_image(world, "swallows")


@mistake("staging-names-another-model", "M7", "STG005", "The image carries the model's name", "M7")
def staging_names_another_model(world: World) -> Undo:
    """The image was built for another version than the group's tag says."""
    return staged_image(world, "named")


@mistake("version-without-its-artifact", "M7", "STG005", "not from a single file", "M7")
def version_without_its_artifact(world: World) -> Undo:
    """The version was registered from a folder that holds no model.json."""
    run = world.runs[-1]
    tags = {"commit": run.commit, "build": str(run.id), "job": world.job, "data": f"{world.names['data_asset']}:1"}
    model = world.resources.make_model("9", None, **tags)
    back = staged(world, make_image(world.resources, model, tag=f"nine-{world.suffix}"), model)

    def undo() -> None:
        back()
        world.resources.call("DELETE", f"{world.resources.workspace}/models/{world.names['model']}/versions/9")

    return undo


@mistake("staging-key-is-old", "M7", "STG005", "", "M7", outcome=UNKNOWN)
def staging_key_is_old(world: World) -> Undo:
    """The checker has the key of an earlier deployment.

    That the key is refused says nothing about what was deployed.
    """
    return with_key(world, "the-key-of-an-earlier-deployment")


@mistake("staging-key-not-given", "M7", "STG005", "", "M7", outcome=UNKNOWN)
def staging_key_not_given(world: World) -> Undo:
    """Nobody gave the checker the key."""
    return with_key(world, "")


def with_key(world: World, key: str) -> Undo:
    """Another key in the checker's environment."""
    before = dict(world.variables)
    world.variables["WORKSHOP_STAGING_KEY"] = key
    return lambda: world.variables.update(before)


@mistake("environment-misspelt", "M7", "ENV001", "is nearly the name", "M7")
def environment_misspelt(world: World) -> Undo:
    """The environment for staging has nearly the right name."""
    return renamed_environments(world, '["diabetes-stagings", "diabetes-production"]')


def renamed_environments(world: World, names: str) -> Undo:
    """Other names of environments in workshop.toml."""
    before = world.file.read_text(encoding="utf-8")
    lines = [f"environments = {names}" if one.startswith("environments") else one for one in before.splitlines()]
    world.file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def undo() -> None:
        world.file.write_text(before, encoding="utf-8")

    return undo


@mistake("job-instead-of-deployment", "M7", "DEP001", "Only a deployment job makes a record", "M7")
def job_instead_of_deployment(world: World) -> Undo:
    """The stage has a job, and not a deployment job: nothing is recorded on the environment."""
    head, _, _ = world.project.text("Staging").partition("      - deployment: DeployStaging")
    return ended(world, f"{head}      - job: DeployStaging\n        steps:\n          - bash: echo staged\n")


@mistake("staging-stage-breaks", "M7", "DEP001", "The log of the step says more", "M7")
def staging_stage_breaks(world: World) -> Undo:
    """The deployment to staging breaks in its step."""
    return ended(world, world.project.text("Staging", staging="exit 4"))


@mistake("staging-waits-to-be-permitted", "M7", "DEP001", "press View, then Permit", "M7", outcome=WAITING)
def staging_waits_to_be_permitted(world: World) -> Undo:
    """The run may not use the environment for staging yet, and waits for its owner."""
    name = "diabetes-staging"
    world.project.permit("environment", world.environments[name], everybody=False)
    undo, run = another_pipeline(world, world.project.text("Staging"))
    world.project.await_record(run, "Checkpoint.Authorization")

    def open_again() -> None:
        undo()
        world.project.permit("environment", world.environments[name])

    return open_again
