"""An attendee's state as it is after a module, put there at once: what is independent is made side by side."""

from concurrent.futures import Future, ThreadPoolExecutor

from journey.errors import JourneyError
from journey.worlds.pipelines import STARTER_SUFFIX
from journey.worlds.project import PRODUCTION, STAGING, Run
from journey.worlds.resources import Resources
from journey.worlds.serving import make_image, make_production, make_staging
from journey.worlds.world import World

THREADS = 6


def reach(world: World, module: str) -> World:
    """Does the work of every module up to this one, M0 for none. Raises JourneyError, also for a world that is not new.

    The pipeline grows as the attendee's does: a stage in each of M6, M7 and M8.
    """
    if world.module:
        raise JourneyError(f"world {world.suffix}", f"it is as after {world.module}", "one that nobody has used")
    world.module, number = module, int(module[1:])
    with ThreadPoolExecutor(THREADS) as pool:
        runs = pool.submit(_begin, world, number)
        if number >= 6:
            base = pool.submit(_make_base, world, pool)
            world.runs = runs.result()
            ended = pool.submit(_finish_runs, world, number)
            base.result()
            _release(world, number, pool)
            ended.result()
        runs.result()
    return world


def _begin(world: World, number: int) -> list[Run]:
    """The project, up to the runs that are started in it; they go on by themselves."""
    project = world.project
    if number >= 2:
        project.make()
    if number >= 3:
        commit = project.push(_text(world, number), comment="Import")
    if number >= 4:
        world.connection = project.make_connection()
    if number < 6:
        return []
    if number >= 7:
        world.environments[STAGING] = project.make_environment(STAGING)
    if number >= 8:
        world.environments[PRODUCTION] = project.make_environment(PRODUCTION)
        world.approval = project.require_approval(world.environments[PRODUCTION])
    world.pipeline = project.make_pipeline()
    runs = [Run(project.start(world.pipeline), commit)]
    return runs if number < 10 else [*runs, _push_change(world)]


def _text(world: World, number: int) -> str:
    last = "Build" if number < 7 else "Staging" if number < 8 else "Production"
    return world.project.text(last, suffix=STARTER_SUFFIX if number < 5 else world.suffix)


def _push_change(world: World) -> Run:
    """Module 10: the pull request whose merge starts a run which nobody starts by hand."""
    world.project.guard()
    commit = world.project.push(world.project.text(build="echo trained on less"), comment="Test on 0.33 of the data")
    return Run(world.project.await_run_of(commit), commit)


def _finish_runs(world: World, number: int) -> None:
    for run in world.runs:
        ended = world.project.approve(run.id) if number >= 8 else world.project.finish(run.id)
        if ended["result"] != "succeeded":
            raise JourneyError(f"run {run.id}", f"{ended['result']}", "succeeded")


def _make_base(world: World, pool: ThreadPoolExecutor) -> None:
    """Module 6 on Azure but for the model: the image of the newest version is built while the workspace is made."""
    resources = world.resources
    resources.make_group()
    resources.make_registry()
    newest = f"{world.names['model']}:{2 if int(world.module[1:]) >= 10 else 1}"
    image = pool.submit(make_image, resources, newest)
    resources.make_workspace(registry=True)
    assets = [
        pool.submit(resources.make_data, world.names["data_asset"]),
        pool.submit(resources.make_data, world.names["holdout_asset"]),
    ]
    resources.make_cluster()
    resources.make_environment()
    world.job = resources.make_job()
    _all(assets)
    world.image = image.result()


def _release(world: World, number: int, pool: ThreadPoolExecutor) -> None:
    """A version of the model for every run; the newest one in staging and in production."""
    resources, data = world.resources, f"{world.names['data_asset']}:1"
    for version, run in enumerate(world.runs, start=1):
        tags = {"build": str(run.id), "commit": run.commit, "job": world.job, "data": data}
        world.models.append(resources.make_model(str(version), **tags))
    parts: list[Future[None]] = []
    if number >= 7:
        parts.append(pool.submit(make_staging, resources, world.image, world.models[-1], world.key))
    if number >= 8:
        parts.append(pool.submit(_produce, resources, world))
    _all(parts)


def _produce(resources: Resources, world: World) -> None:
    make_production(resources, world.image, world.models[-1])


def _all(futures: list[Future[None]]) -> None:
    for future in futures:
        future.result()
