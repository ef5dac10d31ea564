"""An attendee's state as it is after a module, put there at once: what is independent is made side by side."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from journey.errors import JourneyError
from journey.worlds.cards import card_text, link_card, write_card
from journey.worlds.clones import commit_clone, write_clone, write_passport
from journey.worlds.monitoring import (
    COLLECTED,
    CONTROL,
    SHIFTED,
    make_drift_job,
    make_monitor,
    put_records,
    read_patients,
)
from journey.worlds.pipelines import STARTER_SUFFIX
from journey.worlds.project import PRODUCTION, STAGING, Run
from journey.worlds.resources import Resources
from journey.worlds.serving import make_image, make_production, make_staging, set_traffic
from journey.worlds.world import World

THREADS = 6
NEWEST_MSE, BETTER = 3200.5, 60.0
DATA_STEP = "Check the data"  # what the pipeline's file calls the step that runs the data tests


def reach(world: World, module: str, clone: bool = False) -> World:
    """Does the work of every module up to this one, M0 for none. Raises JourneyError, also for a world that is not new.

    The pipeline grows as the attendee's does: a stage in each of M6, M7 and M8. `clone` fills the folder as well.
    """
    if world.module:
        raise JourneyError(f"world {world.suffix}", f"it is as after {world.module}", "one that nobody has used")
    world.module, number = module, int(module[1:])
    with ThreadPoolExecutor(THREADS) as pool:
        runs = pool.submit(_begin, world, number)
        written = pool.submit(_write_clone, world, number) if clone else None
        if number >= 6:
            base = pool.submit(_make_base, world, pool)
            world.runs = runs.result()
            ended = pool.submit(_finish_runs, world, number)
            base.result()
            _release(world, number, pool)
            ended.result()
        runs.result()
        if written is not None:
            written.result()
    if clone and number >= 9:
        _fill_passport(world)
    if clone and number >= 14:
        _card(world)
    return world


def _write_clone(world: World, number: int) -> None:
    write_clone(world.ground.kit, world.folder, number)
    commit_clone(world.folder)


def _fill_passport(world: World) -> None:
    values = {
        "model_version": world.models[-1],
        "run_id": world.job,
        "commit": world.runs[-1].commit,
        "data_version": f"{world.names['data_asset']}:1",
        "approver": world.project.me["displayName"],
    }
    write_passport(world.folder, values)
    commit_clone(world.folder, "Fill in the passport")


def _card(world: World) -> None:
    """Module 14: the card of the newest version, and the version that names it."""
    text = card_text(world.folder, world.models[-1], mse_of(world, len(world.models)))
    write_card(world.folder, text)
    commit_clone(world.folder, "Add the model card")
    link_card(world.resources, world.models[-1], text)


def mse_of(world: World, version: int) -> str:
    """What the training of a version has measured: each a little less than the one before."""
    return f"{NEWEST_MSE + BETTER * (len(world.runs) - version):.1f}"


def _begin(world: World, number: int) -> list[Run]:
    """The project, up to the runs that are started in it; they go on by themselves."""
    project = world.project
    if number >= 2:
        project.make()
    if number >= 3:
        commit = project.push(_text(world, number), comment="Import")
    if number >= 4:
        world.connection = _connect(world, number)
    if number < 6:
        return []
    if number >= 7:
        world.environments[STAGING] = project.make_environment(STAGING)
    if number >= 8:
        world.environments[PRODUCTION] = project.make_environment(PRODUCTION)
        world.approval = project.require_approval(world.environments[PRODUCTION])
    world.pipeline = project.make_pipeline()
    runs = [Run(project.start(world.pipeline), commit)]
    if number >= 11:
        world.stopped = _start_stopped(world)
    return runs if number < 10 else [*runs, _push_change(world)]


def _connect(world: World, number: int) -> str:
    """The connection. Its identity is looked at in M15 only; until then nothing waits for the service to make one."""
    if number < 15:
        return world.project.make_connection()
    world.resources.make_group()
    made = world.project.make_connection(mode="Automatic")
    world.project.await_connection(made)
    return made


def _start_stopped(world: World) -> int:
    """Module 11: a run of a branch with damaged data, which the data tests stop."""
    text = world.project.text("Build", build="exit 1").replace("displayName: Train it", f"displayName: {DATA_STEP}")
    world.project.branch("damaged-data", world.project.tip())
    world.project.push(text, branch="damaged-data", comment="Damage the data")
    return world.project.start(world.pipeline, "damaged-data")


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
    if world.stopped:
        world.project.finish(world.stopped)


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
        tags["mse"] = mse_of(world, version)
        if number >= 11:
            tags |= {"accepted": "true", "evaluation": world.job}
        world.models.append(resources.make_model(str(version), **tags))
    parts: list[Future[Any]] = []
    if number >= 7:
        parts.append(pool.submit(make_staging, resources, world.image, world.models[-1], world.key))
    if number >= 8:
        parts.append(pool.submit(_produce, resources, world))
    if number >= 13:
        parts += [pool.submit(_judge, world, window) for window in (CONTROL, SHIFTED)]
        parts.append(pool.submit(_watch, world))
    if number >= 15:
        parts.append(pool.submit(resources.make_budget))
    _all(parts)


def _produce(resources: Resources, world: World) -> None:
    number = int(world.module[1:])
    make_production(resources, world.image, world.models[-1], collections=COLLECTED if number >= 13 else ())
    if number >= 12:
        set_traffic(resources, {"blue": 100}, tags=rolled_back(world))


def _watch(world: World) -> None:
    """Module 13: the requests of both windows, and the monitor."""
    put_records(world.resources, read_patients(world.ground.kit) * 2)
    make_monitor(world.resources)


def _judge(world: World, window: str) -> None:
    world.drift[window] = make_drift_job(world.resources, window)


def rolled_back(world: World) -> dict[str, str]:
    """What the endpoint remembers after module 12: an older version took over, and the way back was taken."""
    older, newer = world.models[0], world.models[-1]
    return {"rolled_back": f"2026-11-24T10:00:00Z from {older} to {newer}"}


def _all(futures: Sequence[Future[Any]]) -> None:
    for future in futures:
        future.result()
