"""The whole pipeline: exactly one of stages, jobs and steps, and what stands beside it."""

from collections.abc import Mapping
from typing import Final

from sandbox.pipelines.binding.jobs import HINTS as JOB_HINTS
from sandbox.pipelines.binding.jobs import bind_job, bind_job_fields, bind_pool
from sandbox.pipelines.binding.reading import Fields, check_identifier
from sandbox.pipelines.binding.resources import bind_resources
from sandbox.pipelines.binding.triggers import bind_pull_request_trigger, bind_schedule, bind_trigger
from sandbox.pipelines.binding.variables import bind_variables
from sandbox.pipelines.errors import Problems
from sandbox.pipelines.model import DEFAULT_JOB, DEFAULT_STAGE, Job, Parameter, Pipeline, Stage
from sandbox.pipelines.syntax import Node, ScalarNode

CONTENT: Final = ("stages", "jobs", "steps")
JOB_KEYS: Final = ("strategy", "container", "services", "workspace", "continueOnError")
ROOT_HINTS: Final[Mapping[str, str]] = {
    "stage": "Stages are items of `stages:`.",
    "job": "Jobs are items of `jobs:`.",
    "step": "Steps are items of `steps:`.",
    "script": "A script is a step: put it below `steps:`.",
    "task": "A task is a step: put it below `steps:`.",
    "vmImage": "`vmImage` stands one level deeper, below `pool:`.",
    "template": "A template is an item of stages, jobs, steps or variables, or stands below `extends:`.",
}


def bind_pipeline(root: Node, parameters: tuple[Parameter, ...], problems: Problems) -> Pipeline:
    """Bind an expanded root."""
    fields = Fields(root, problems)
    pipeline = Pipeline(
        file=root.mark.file,
        stages=_stages(fields),
        name=fields.text("name"),
        append_commit_message_to_run_name=fields.flag("appendCommitMessageToRunName", True),
        trigger=bind_trigger(fields.node("trigger"), problems),
        pr=bind_pull_request_trigger(fields.node("pr"), problems),
        schedules=fields.list("schedules", lambda item: bind_schedule(item, problems)),
        pool=bind_pool(fields.node("pool"), problems),
        variables=bind_variables(fields.node("variables"), problems),
        parameters=parameters,
        resources=bind_resources(fields.node("resources"), problems),
        lock_behavior=fields.text("lockBehavior"),
    )
    fields.finish(("parameters", "extends", *CONTENT), ROOT_HINTS)
    if not pipeline.stages and not problems:
        help = "A pipeline has one of these keys at its root, with at least one item below it."
        problems.add("Expected one of: stages, jobs, steps, extends", root.mark, help)
    return pipeline


def _stages(fields: Fields) -> tuple[Stage, ...]:
    present = [key for key in CONTENT if fields.has(key)]
    if not present:
        return ()
    for extra in present[1:]:
        fields.node(extra)
        help = f"A file has one of stages, jobs and steps: move the {extra} into `{present[0]}:`."
        fields.problems.add(f"Unexpected value '{extra}'", fields.key_mark(extra), help)
    if present[0] == "stages":
        return fields.list("stages", lambda item: bind_stage(item, fields.problems))
    if present[0] == "jobs":
        jobs = fields.list("jobs", lambda item: bind_job(item, fields.problems))
        return (Stage(DEFAULT_STAGE, fields.mark, jobs=jobs),)
    return (Stage(DEFAULT_STAGE, fields.mark, jobs=(_only_job(fields),)),)


def _only_job(fields: Fields) -> Job:
    """The job of a steps-only file, with the job keys that may stand at the root."""
    inner = fields.only((*JOB_KEYS, "steps"))
    return bind_job_fields(inner, DEFAULT_JOB)


def bind_stage(node: Node, problems: Problems) -> Stage | None:
    """A stage, or None when its first key is not `stage`."""
    fields = Fields(node, problems)
    word = fields.first()
    if word != "stage":
        if word:
            help = (
                "The key `stage` comes first."
                if fields.has("stage")
                else "A stage begins with `- stage:` or `- template:`."
            )
            problems.add(f"Unexpected value '{word}'", fields.key_mark(word), help)
        elif isinstance(node, ScalarNode) and not node.broken:
            problems.add(f"Unexpected value '{node.text}'", node.mark, "A stage begins with `- stage:`.")
        return None
    name = fields.text("stage")
    check_identifier(f"Stage {name}", name, fields.marks["stage"], problems)
    stage = Stage(
        name=name,
        mark=fields.mark,
        display_name=fields.text("displayName"),
        depends_on=fields.names("dependsOn"),
        condition=fields.text("condition"),
        pool=bind_pool(fields.node("pool"), problems),
        variables=bind_variables(fields.node("variables"), problems),
        jobs=fields.list("jobs", lambda item: bind_job(item, problems)),
        lock_behavior=fields.text("lockBehavior"),
        trigger=fields.text("trigger"),
        is_skippable=fields.flag("isSkippable", True),
        marks=fields.marks,
    )
    fields.finish(("templateContext",), {**JOB_HINTS, "steps": "A stage has `jobs:`, and a job has `steps:`."})
    if not fields.has("jobs"):
        problems.add(f"Stage {name}: a list of jobs is required.", fields.mark, "Write `jobs:` with `- job:` below.")
    return stage
