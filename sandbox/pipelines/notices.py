"""What a pipeline asks for and this machine does not give, said before a run instead of passed over."""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.pipelines.errors import Mark
from sandbox.pipelines.model import Job, Pipeline, Pool, StepKind, VariableGroupReference

UNSUPPORTED_STEPS = frozenset({StepKind.GET_PACKAGE, StepKind.DOWNLOAD_BUILD, StepKind.REVIEW_APP})


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that is not honoured, or that somebody must supply."""

    message: str
    mark: Mark | None = None


def list_notices(pipeline: Pipeline) -> tuple[Notice, ...]:
    """In document order, each once."""
    return tuple(dict.fromkeys((*_of_resources(pipeline), *_of_stages(pipeline))))


def _of_resources(pipeline: Pipeline) -> Iterator[Notice]:
    for repository in pipeline.resources.repositories:
        message = (
            f"Repository '{repository.alias}' ({repository.name}): checkout and templates need a local folder for it."
        )
        yield Notice(message, repository.mark)
    for resource in pipeline.resources.pipelines:
        yield Notice(
            f"Pipeline resource '{resource.alias}' is not honoured: its artifacts and triggers.", resource.mark
        )
    for container in pipeline.resources.containers:
        yield Notice(f"Container '{container.alias}' is not honoured: jobs run on this machine.", container.mark)
    for kind, aliases in pipeline.resources.others.items():
        for alias in aliases:
            yield Notice(f"{kind} resource '{alias}' is not honoured.")
    for entry in pipeline.variables:
        if isinstance(entry, VariableGroupReference):
            yield Notice(f"Variable group '{entry.name}': its members are known when the run starts.", entry.mark)


def _of_stages(pipeline: Pipeline) -> Iterator[Notice]:
    for stage in pipeline.stages:
        if stage.lock_behavior:
            yield Notice(f"lockBehavior '{stage.lock_behavior}' of stage '{stage.name}' is shown only.", stage.mark)
        for job in stage.jobs:
            yield from _of_job(job, job.pool or stage.pool or pipeline.pool)


def _of_job(job: Job, pool: Pool | None) -> Iterator[Notice]:
    if pool and not pool.server and (pool.vm_image or pool.name):
        yield Notice(f"Pool '{pool.vm_image or pool.name}': its jobs run on this machine.", pool.mark)
    if job.container:
        yield Notice(f"Container '{job.container}' of job '{job.name}' is not honoured.", job.mark)
    if job.services:
        yield Notice(f"Service containers of job '{job.name}' are not started: {', '.join(job.services)}.", job.mark)
    hooks = job.deployment.hooks if job.deployment else ()
    for step in (*job.steps, *(one for hook in hooks for one in hook.steps)):
        if step.kind in UNSUPPORTED_STEPS:
            yield Notice(f"Step '{step.kind}' is not implemented here.", step.mark)
    if job.deployment and job.deployment.strategy == "rolling":
        yield Notice(f"Rolling deployment '{job.name}': one target, this machine.", job.mark)
