"""Jobs and deployment jobs."""

from collections.abc import Mapping
from typing import Final

from sandbox.pipelines.binding.reading import (
    Fields,
    check_identifier,
    is_broken,
    pairs_of,
    read_text,
    read_text_mapping,
    read_texts,
)
from sandbox.pipelines.binding.steps import bind_step
from sandbox.pipelines.binding.variables import bind_variables
from sandbox.pipelines.errors import Problems
from sandbox.pipelines.expressions.runtime import is_runtime
from sandbox.pipelines.model import (
    NOTHING,
    Deployment,
    EnvironmentReference,
    Hook,
    HookName,
    Job,
    Matrix,
    Parallel,
    Pool,
    Step,
)
from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode

STRATEGIES: Final = ("runOnce", "rolling", "canary")
IGNORED: Final = ("templateContext", "uses")
HINTS: Final[Mapping[str, str]] = {
    "vmImage": "`vmImage` stands one level deeper, below `pool:`.",
    "environment": "Only a `- deployment:` job has an environment.",
    "script": "A script is a step: put it below `steps:`.",
    "inputs": "Inputs belong to a task's step.",
}
DEPLOYMENT_HINTS: Final[Mapping[str, str]] = {
    "steps": "A deployment's steps stand in strategy, runOnce, deploy, steps.",
    **{key: text for key, text in HINTS.items() if key != "environment"},
}
HOOKS: Final = (HookName.PRE_DEPLOY, HookName.DEPLOY, HookName.ROUTE_TRAFFIC, HookName.POST_ROUTE_TRAFFIC)


def bind_job(node: Node, problems: Problems) -> Job | None:
    """A job, or None when its first key is neither `job` nor `deployment`."""
    fields = Fields(node, problems)
    word = fields.first()
    if word not in ("job", "deployment"):
        _refuse_first(node, fields, problems)
        return None
    name = fields.text(word)
    check_identifier(f"Job {name}", name, fields.marks[word], problems)
    job = bind_job_fields(fields, name, deployment=word == "deployment")
    fields.finish(IGNORED, DEPLOYMENT_HINTS if word == "deployment" else HINTS)
    return job


def bind_job_fields(fields: Fields, name: str, deployment: bool = False) -> Job:
    """What a job says beside its name; also the root of a steps-only file."""
    node, problems = fields.node("dependsOn"), fields.problems
    expression = node.text if isinstance(node, ScalarNode) and is_runtime(node.text) else ""
    names = fields.names("dependsOn")
    workspace = Fields(found, problems) if (found := fields.node("workspace")) else None
    return Job(
        name=name,
        mark=fields.mark,
        display_name=fields.text("displayName"),
        depends_on=() if expression else names,
        depends_on_expression=expression,
        condition=fields.text("condition"),
        continue_on_error=fields.flag("continueOnError", False),
        timeout_in_minutes=fields.number("timeoutInMinutes"),
        cancel_timeout_in_minutes=fields.number("cancelTimeoutInMinutes"),
        pool=bind_pool(fields.node("pool"), problems),
        variables=bind_variables(fields.node("variables"), problems),
        strategy=None if deployment else _strategy(fields.node("strategy"), problems),
        steps=() if deployment else fields.list("steps", lambda item: bind_step(item, name, problems)),
        deployment=_deployment(fields, name) if deployment else None,
        container=_container(fields.node("container"), problems),
        services=_services(fields.node("services"), problems),
        workspace_clean=workspace.text("clean") if workspace else "",
        marks=fields.marks,
    )


def bind_pool(node: Node | None, problems: Problems) -> Pool | None:
    """A name, or name, vmImage and demands."""
    if node is None or is_broken(node):
        return None
    if not isinstance(node, MappingNode):
        name = read_text(node, problems)
        return Pool(name=name, server=name == "server", mark=node.mark)
    fields = Fields(node, problems)
    pool = Pool(fields.text("name"), fields.text("vmImage"), fields.names("demands") or (), mark=node.mark)
    fields.finish(hint={"vmimage": "It is written vmImage."})
    return pool


def _refuse_first(node: Node, fields: Fields, problems: Problems) -> None:
    word = fields.first()
    if word:
        moved = "job" if fields.has("job") else "deployment" if fields.has("deployment") else ""
        help = (
            f"The key `{moved}` comes first."
            if moved
            else "A job begins with `- job:`, `- deployment:` or `- template:`."
        )
        problems.add(f"Unexpected value '{word}'", fields.key_mark(word), help)
    elif isinstance(node, ScalarNode) and not node.broken:
        problems.add(f"Unexpected value '{node.text}'", node.mark, "A job begins with `- job:` or `- deployment:`.")


def _strategy(node: Node | None, problems: Problems) -> Matrix | Parallel | None:
    if node is None:
        return None
    fields = Fields(node, problems)
    most = fields.number("maxParallel")
    if fields.has("parallel"):
        count = fields.number("parallel")
        fields.finish(hint={"matrix": "A job has either a matrix or parallel, not both."})
        return Parallel(count) if count else None
    matrix = fields.node("matrix")
    fields.finish(hint=dict.fromkeys(STRATEGIES, "Only a `- deployment:` job has this strategy."))
    if isinstance(matrix, ScalarNode):
        if not is_runtime(matrix.text):
            problems.add("Expected a mapping", matrix.mark, "A matrix is legs with their variables, or one $[ ].")
        return Matrix(expression=matrix.text, max_parallel=most)
    legs = {key.text: read_text_mapping(value, problems) for key, value in pairs_of(matrix, problems)}
    return Matrix(legs, max_parallel=most)


def _container(node: Node | None, problems: Problems) -> str:
    if not isinstance(node, MappingNode):
        return read_text(node, problems) if node else ""
    texts = {key.text: value.text for key, value in node.pairs if isinstance(value, ScalarNode)}
    return texts.get("alias") or texts.get("image", "")


def _services(node: Node | None, problems: Problems) -> Mapping[str, str]:
    return {key.text: _container(value, problems) for key, value in pairs_of(node, problems)} or NOTHING


def _deployment(fields: Fields, name: str) -> Deployment:
    problems = fields.problems
    if name == "deploy":
        problems.add(f"Unexpected value '{name}'", fields.marks["deployment"], "`deploy` is the name of a hook.")
    environment = _environment(fields.node("environment"), problems) or EnvironmentReference("")
    node = fields.node("strategy")
    strategy = Fields(node, problems) if node else None
    kinds = [kind for kind in STRATEGIES if strategy and strategy.has(kind)]
    body = strategy.node(kinds[0]) if strategy and kinds else None
    if strategy:
        strategy.finish(() if kinds else STRATEGIES, dict.fromkeys(STRATEGIES, "A deployment has one strategy."))
    if body is None:
        return Deployment(environment, kinds[0] if kinds else "", ())
    return _bind_strategy(kinds[0], Fields(body, problems), environment, name)


def _bind_strategy(kind: str, fields: Fields, environment: EnvironmentReference, job: str) -> Deployment:
    most = fields.number("maxParallel") if kind == "rolling" else ""
    increments = (fields.names("increments") or ()) if kind == "canary" else ()
    hooks = [_hook(hook, fields.node(hook.value), job, fields.problems) for hook in HOOKS]
    if (outcomes := fields.node("on")) is not None:
        on = Fields(outcomes, fields.problems)
        hooks.append(_hook(HookName.ON_SUCCESS, on.node("success"), job, fields.problems))
        hooks.append(_hook(HookName.ON_FAILURE, on.node("failure"), job, fields.problems))
        on.finish()
    fields.finish(hint={"steps": "Steps stand in a hook: deploy, then steps."})
    return Deployment(environment, kind, tuple(one for one in hooks if one), most, increments)


def _hook(name: HookName, node: Node | None, job: str, problems: Problems) -> Hook | None:
    if node is None:
        return None
    fields = Fields(node, problems)
    pool = bind_pool(fields.node("pool"), problems)
    steps: tuple[Step, ...] = fields.list("steps", lambda item: bind_step(item, job, problems))
    fields.finish(hint={"script": "A hook has `steps:`; the script is one of them."})
    return Hook(name, steps, pool, node.mark)


def _environment(node: Node | None, problems: Problems) -> EnvironmentReference | None:
    """`x` is a name, `x.y` an environment and its resource."""
    if node is None:
        return None
    if not isinstance(node, MappingNode):
        name, _, resource = read_text(node, problems).partition(".")
        return EnvironmentReference(name, resource, mark=node.mark)
    fields = Fields(node, problems)
    found = EnvironmentReference(
        fields.text("name"),
        fields.text("resourceName"),
        fields.text("resourceType"),
        fields.text("resourceId"),
        ",".join(read_texts(tags, problems)) if (tags := fields.node("tags")) else "",
        node.mark,
    )
    fields.finish()
    return found
