"""Module 5: the pipeline's file in the clone, read as a person would read it, before the service does."""

import re
from collections.abc import Iterator

import yaml

from checker.checks.judgement import neighbours, quote
from checker.checks.registry import machine_check
from checker.checks.repository import SUFFIX_VARIABLE
from checker.checks.workbench import absent, clone
from checker.clone.folder import PIPELINE
from checker.clone.grammar import placeholders
from checker.clone.graph import CANONICAL, graph_problems
from checker.clone.nodes import Problem, Unreadable, place, scalar, scalars
from checker.clone.pipeline import Pipeline, read_pipeline
from checker.clone.tasks import is_known, task_problem
from checker.context import CheckContext
from checker.errors import AccessError
from checker.model import Evidence, Fail, failed

FINISHED = "solution/"
DOCKERFILE = "labs/image/Dockerfile"
FLOATING = re.compile(r"[\w./${}()-]+:latest\b")
FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE | re.MULTILINE)
CONNECTION_INPUTS = ("azuresubscription", "connectedservicenamearm", "azureresourcemanagerconnection")
KEPT = "sandbox pipeline validate {file}"


@machine_check("YML002", "M5")
def pipeline_file_can_be_read(context: CheckContext) -> Evidence:
    """The pipeline's file in your clone can be read.

    The service reads it at every push; what is wrong with it is cheaper to find before.
    """
    try:
        pipeline = pipeline_of(context)
    except Unreadable as unreadable:
        raise _fail(context, unreadable.problem) from unreadable
    found = [*pipeline.problems]
    for document in pipeline.documents:
        found += placeholders(document, SUFFIX_VARIABLE)
    if found:
        raise _fail(context, *found)
    names = ", ".join(stage.name for stage in pipeline.stages if stage.name) or "no named stage"
    count = sum(1 for _ in pipeline.steps())
    return Evidence(f"{pipeline.file}: {names}; {count} steps", {"file": pipeline.file, "steps": str(count)})


@machine_check("YML003", "M5", ("YML002",))
def stages_follow_each_other(context: CheckContext) -> Evidence:
    """The stages wait for each other as taught.

    Build, Staging, Production: what was not built is not tried, what was not tried is not released.
    """
    pipeline = pipeline_of(context)
    if problems := graph_problems(pipeline):
        raise _fail(context, *problems)
    present = [name for name in CANONICAL if any(stage.name.lower() == name.lower() for stage in pipeline.stages)]
    return Evidence(" → ".join(present) or "one stage without a name", {"stages": " ".join(present)})


@machine_check("YML004", "M5", ("YML002",))
def every_task_is_known(context: CheckContext) -> Evidence:
    """Every task is known, in a version that is looked after.

    A deprecated task runs until the day it does not, and that day is not yours to choose.
    """
    pipeline = pipeline_of(context)
    tasks = [step for step in pipeline.steps() if step.kind == "task"]
    found = [
        Problem(step.place, found[0], "a task and a major version that are looked after", found[1])
        for step in tasks
        if (found := task_problem(step.uses)) is not None
    ]
    if found:
        raise _fail(context, *found)
    unknown = sorted({step.uses for step in tasks if not is_known(step.uses)})
    more = f"; nothing is known about {quote(', '.join(unknown))}" if unknown else ""
    return Evidence(f"{len({step.uses for step in tasks})} different tasks{more}", {"unknown": " ".join(unknown)})


@machine_check("YML005", "M5", ("YML002", "CON001"))
def every_connection_exists(context: CheckContext) -> Evidence:
    """Every service connection that the file names exists.

    The service looks the name up when the run is queued, and the run does not start without it.
    """
    pipeline = pipeline_of(context)
    present = [one.name for one in context.connections()]
    known = {name.lower() for name in present}
    named = dict(_connections(pipeline))
    for name, problem_place in named.items():
        if name.lower() not in known and "$" not in name:
            raise failed(
                f"{problem_place} names the service connection `{quote(name)}`; {neighbours(name, present)}",
                "the name of a service connection of the project",
                f"The YAML looks for `{quote(name)}`, exactly; the project has another name.",
                "Project settings, Service connections: compare letter by letter.",
                f"Write `{quote(present[0])}` there." if len(present) == 1 else "Write the connection's name there.",
            )
    shown = ", ".join(f"`{quote(name)}`" for name in named) or "none yet"
    return Evidence(f"named in {pipeline.file}: {shown}", {"connections": " ".join(named)})


@machine_check("YML006", "M5", ("YML002",))
def no_image_tag_floats(context: CheckContext) -> Evidence:
    """No image is named by a tag that floats.

    `latest` is another image tomorrow: what was tested is then not what runs.
    """
    pipeline = pipeline_of(context)
    found = [f"{place(node)}: `{quote(match[0])}`" for node, match in _floating(pipeline)]
    found += _floating_bases(context)
    if found:
        raise failed(
            "; ".join(found[:4]),
            "a tag that names a version, or a digest",
            "An image named latest is a different one tomorrow.",
            "Give it a version: python:3.12-slim. A release goes by its digest, name@sha256:...",
        )
    return Evidence(f"no floating tag in {pipeline.file} and {DOCKERFILE}")


def pipeline_file(context: CheckContext) -> str:
    """The file that the learner grows. workshop.toml may name it; the finished one is there to compare with."""
    named = context.settings.devops.yaml
    return PIPELINE if named.startswith(FINISHED) else named


def pipeline_of(context: CheckContext) -> Pipeline:
    """The clone's pipeline. Raises Unreadable for a file that is no YAML, Fail when there is none."""
    return context.once("pipeline of the clone", lambda: _read(context))


def _read(context: CheckContext) -> Pipeline:
    folder, file = clone(context), pipeline_file(context)
    try:
        return read_pipeline(folder.read, file)
    except FileNotFoundError as missing:
        raise absent(folder, file) from missing
    except (OSError, UnicodeDecodeError) as problem:
        raise AccessError(file, str(problem), "a file of UTF-8 text that you may read", (f"open {file}",)) from problem


def _fail(context: CheckContext, *problems: Problem) -> Fail:
    """The first problem with its hints; how many more there are."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    command = KEPT.format(file=pipeline_file(context))
    return failed(f"{first.place}: {quote(first.seen)}{more}", first.expected, *first.hints, commands=(command,))


def _connections(pipeline: Pipeline) -> Iterator[tuple[str, object]]:
    for step in pipeline.steps():
        for name, value in step.inputs.items():
            if name.lower() in CONNECTION_INPUTS and value:
                yield pipeline.filled(value), step.place


def _floating(pipeline: Pipeline) -> Iterator[tuple[yaml.Node, re.Match[str]]]:
    for document in pipeline.documents:
        for _, node in scalars(document):
            if match := FLOATING.search(scalar(node)):
                yield node, match


def _floating_bases(context: CheckContext) -> list[str]:
    """Bases of the learner's image that name no version."""
    text = clone(context).read(DOCKERFILE) or ""
    own = {name.lower() for _, name in FROM.findall(text) if name}
    bases = [
        base for base, _ in FROM.findall(text) if base.lower() not in own and base != "scratch" and "$" not in base
    ]
    floating = [base for base in bases if base.endswith(":latest") or not re.search(r"[:@][^/]+$", base)]
    return [f"{DOCKERFILE}: `FROM {quote(base)}`" for base in floating]
