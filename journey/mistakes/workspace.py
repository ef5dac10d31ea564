"""Mistakes of module 6 on Azure: workspace, cluster, data, job, model and image."""

from journey.mistakes.pipelines import changed
from journey.mistakes.registry import WAITING, Undo, mistake
from journey.worlds import World
from journey.worlds.resources import ASSETS, MODEL, TAGS
from journey.worlds.serving import build, make_image


@mistake("group-misspelt", "M6", "WSP001", "is nearly the name", "M8")
def group_misspelt(world: World) -> Undo:
    """The group has another name than workshop.toml says."""
    return changed(world, "resource_group", "rg-diabetis-{suffix}")


@mistake("workspace-misspelt", "M6", "WSP002", "is nearly the name", "M8")
def workspace_misspelt(world: World) -> Undo:
    """The workspace has another name than workshop.toml says."""
    return changed(world, "workspace", "mlw-diabetis-{suffix}")


@mistake("cluster-costs-when-idle", "M6", "WSP003", "costs money even when nothing runs", "M8")
def cluster_costs_when_idle(world: World) -> Undo:
    """The cluster keeps a node when nothing runs."""
    world.resources.make_cluster(minimum=1)
    return world.resources.make_cluster


@mistake("cluster-missing", "M6", "WSP003", "Quota is the usual reason", "M8")
def cluster_missing(world: World) -> Undo:
    """The cluster was never made, for want of quota."""
    path = f"{world.resources.workspace}/computes/{world.names['compute']}"
    world.resources.wire.call("DELETE", path)
    return world.resources.make_cluster


@mistake("data-outside-the-workspace", "M6", "DAT001", "can change under the version", "M8")
def data_outside_the_workspace(world: World) -> Undo:
    """The data asset points at an address on the internet."""
    name = f"outside-{world.suffix}"
    make = lambda: world.resources.make_data(name, "https://example.org/diabetes.csv")  # noqa: E731
    return changed(world, "data_asset", name, make)


@mistake("data-asset-missing", "M6", "DAT001", "The data step uploads the file", "M8")
def data_asset_missing(world: World) -> Undo:
    """The training data was never registered under its name."""
    return changed(world, "data_asset", "patients-{suffix}")


@mistake("holdout-missing", "M6", "DAT002", "The data step uploads the file", "M8")
def holdout_missing(world: World) -> Undo:
    """The hold-out was forgotten."""
    return changed(world, "holdout_asset", "kept-apart-{suffix}")


@mistake("environment-without-a-name", "M6", "TRN001", "written into the job itself", "M8")
def environment_without_a_name(world: World) -> Undo:
    """The job brings its environment along, and nothing is registered under the environment's name."""
    return changed(world, "environment", "sklearn-{suffix}")


@mistake("no-job-of-the-experiment", "M6", "TRN002", "under the experiment's name", "M8")
def no_job_of_the_experiment(world: World) -> Undo:
    """The model was trained elsewhere: the experiment has no job."""
    return changed(world, "experiment", "unseen-{suffix}")


@mistake("job-failed", "M6", "TRN002", "read the first error line, not the last", "M8")
def job_failed(world: World) -> Undo:
    """The only job of the experiment has failed."""
    name = f"failing-{world.suffix}"
    return changed(world, "experiment", name, lambda: world.resources.make_job("exit 3", experiment=name))


@mistake("job-is-running", "M6", "TRN002", "A first job waits for a node", "M8", outcome=WAITING)
def job_is_running(world: World) -> Undo:
    """The job has not ended: nothing is wrong, only early."""
    name = f"running-{world.suffix}"
    job = world.resources.make_job("sleep 60", ended=False, experiment=name)
    back = changed(world, "experiment", name)

    def undo() -> None:
        back()
        world.resources.call("POST", f"{world.resources.workspace}/jobs/{job}/cancel", version=ASSETS)
        world.resources.wait_job(job)

    return undo


@mistake("job-logs-no-mse", "M6", "TRN003", "the names are compared exactly", "M8")
def job_logs_no_mse(world: World) -> Undo:
    """The training script logs alpha and forgets mse."""
    name = f"silent-{world.suffix}"
    return changed(world, "experiment", name, lambda: world.resources.make_job(logged=("alpha",), experiment=name))


@mistake("model-missing", "M6", "MOD001", "did the gate say yes", "M8")
def model_missing(world: World) -> Undo:
    """No version of the model is registered."""
    return changed(world, "model", "patients-model-{suffix}")


def registered(world: World, **tags: str) -> Undo:
    """A third version with other tags; undone by tags that are in order, as nobody deletes a version lightly."""
    right = {**TAGS, "job": world.job, "data": f"{world.names['data_asset']}:1"}
    world.resources.make_model("3", MODEL, **{**right, **tags})
    path = f"{world.resources.workspace}/models/{world.names['model']}/versions/3"
    return lambda: world.resources.call("DELETE", path)


@mistake("version-without-tags", "M6", "MOD002", "A version without tags is a model nobody can explain", "M8")
def version_without_tags(world: World) -> Undo:
    """A version was registered by hand, without a tag."""
    return registered(world, commit="", build="", data="", job="", mse="")


@mistake("version-with-a-word-for-mse", "M6", "MOD002", "mse is a number with a point", "M8")
def version_with_a_word_for_mse(world: World) -> Undo:
    """The tag mse is not a number."""
    return registered(world, mse="3200,5")


@mistake("version-names-the-build-as-job", "M6", "MOD003", "is not the name of the job", "M8")
def version_names_the_build_as_job(world: World) -> Undo:
    """The tag job holds the number of the pipeline's run."""
    return registered(world, job=str(world.runs[0].id))


@mistake("version-of-a-failed-job", "M6", "MOD003", "job that failed has no model", "M8")
def version_of_a_failed_job(world: World) -> Undo:
    """The version is said to come from a job that failed."""
    return registered(world, job=world.resources.make_job("exit 3", experiment=f"other-{world.suffix}"))


@mistake("version-of-unknown-data", "M6", "MOD003", "name:version of the data asset", "M8")
def version_of_unknown_data(world: World) -> Undo:
    """The tag data names a version that nobody registered."""
    return registered(world, data=f"{world.names['data_asset']}:9")


@mistake("registry-misspelt", "M6", "IMG001", "is nearly the name", "M8")
def registry_misspelt(world: World) -> Undo:
    """The registry has another name than workshop.toml says."""
    return changed(world, "registry", "crdiabetis{suffix}")


@mistake("image-never-built", "M6", "IMG002", "The packaging step sends a build", "M6")
def image_never_built(world: World) -> Undo:
    """The registry has not built anything."""
    name = f"crempty{world.suffix}"
    return changed(world, "registry", name, lambda: world.resources.make_registry(name))


@mistake("image-build-failed", "M6", "IMG002", "names the line of the Dockerfile", "M6")
def image_build_failed(world: World) -> Undo:
    """The build of the image broke."""
    name = f"crbroken{world.suffix}"
    broken = {"Dockerfile": b"FROM python:3.12-slim\nCOPY missing.txt .\n"}
    world.resources.make_registry(name)
    build(world.resources, broken, f"{world.names['image']}:9", succeeds=False, registry=name)
    return changed(world, "registry", name)


@mistake("image-of-another-name", "M6", "IMG002", "comes from `image` in workshop.toml", "M6")
def image_of_another_name(world: World) -> Undo:
    """The image was built under another name."""
    name = f"crother{world.suffix}"
    world.resources.make_registry(name)
    make_image(world.resources, "any:1", repository=f"diabetic-{world.suffix}", registry=name)
    return changed(world, "registry", name)
