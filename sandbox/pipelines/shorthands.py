"""Shorthands written out, node by node: `script` as the task it stands for, `dependsOn: A` as a list, and so on.

The shapes are those of the service's recorded answers (azure-pipelines contract, 2.2). Used where the service does it:
in `finalYaml`, and in parameters of the types step, job and stage, whose members a template can look at.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sandbox.pipelines.model import DEFAULT_JOB, DEFAULT_STAGE
from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode, SequenceNode, empty

CHECKOUT: Final = "6d15af64-176c-496d-b583-fd2ae21d4df4@1"
DOWNLOAD: Final = "30f35852-3f7e-4c0c-9a88-e127b4f97211@1"
PUBLISH: Final = "ecdc45f6-832d-4ad9-b52b-ee49e94659be@1"
COMMON: Final = (
    "name",
    "displayName",
    "enabled",
    "condition",
    "continueOnError",
    "retryCountOnTaskFailure",
    "timeoutInMinutes",
    "target",
    "env",
)
JOB_KEYS: Final = ("pool", "strategy", "continueOnError", "container", "services", "workspace")
RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "publish": {"publish": "path", "artifact": "artifactName"},
    "download": {"download": "alias"},
    "checkout": {"checkout": "repository"},
    "bash": {"bash": "script"},
    "pwsh": {"pwsh": "script"},
    "powershell": {"powershell": "script"},
}
TASKS: Final[Mapping[str, str]] = {
    "script": "CmdLine@2",
    "bash": "Bash@3",
    "pwsh": "PowerShell@2",
    "powershell": "PowerShell@2",
    "publish": PUBLISH,
    "download": DOWNLOAD,
    "checkout": CHECKOUT,
}
Pair = tuple[ScalarNode, Node]


def write_out(root: Node) -> Node:
    """An expanded root with every shorthand written out."""
    if not isinstance(root, MappingNode):
        return root
    content = next((key for key in ("stages", "jobs", "steps") if root.get(key) is not None), "stages")
    moved = {content, *(JOB_KEYS if content == "steps" else ())}
    pairs = [(key, _root_value(key.text, value)) for key, value in root.pairs if key.text not in moved]
    found = root.get(content)
    if found is not None:
        pairs.append((_text(root, "stages"), _stages(content, root, found)))
    return MappingNode(root.mark, tuple(pairs))


def _stages(content: str, root: MappingNode, found: Node) -> Node:
    if content == "stages":
        return _each(found, write_out_stage)
    if content == "steps":
        own = tuple((key, value) for key, value in root.pairs if key.text in JOB_KEYS or key.text == "steps")
        found = SequenceNode(
            root.mark, (MappingNode(root.mark, ((_text(root, "job"), _text(root, DEFAULT_JOB)), *own)),)
        )
    stage = ((_text(root, "stage"), _text(root, DEFAULT_STAGE)), (_text(root, "jobs"), _each(found, write_out_job)))
    return SequenceNode(root.mark, (MappingNode(root.mark, stage),))


def _root_value(key: str, value: Node) -> Node:
    if key in ("trigger", "pr"):
        return _trigger(value)
    if key == "parameters":
        return _blank_defaults(value)
    return SHARED[key](value) if key in SHARED else value


def _trigger(value: Node) -> Node:
    if isinstance(value, ScalarNode) and value.text == "none":
        return _mapping(value, enabled=_text(value, "false"))
    if isinstance(value, SequenceNode):
        return _mapping(value, branches=_mapping(value, include=value))
    return value


def _blank_defaults(value: Node) -> Node:
    if isinstance(value, SequenceNode):
        return SequenceNode(value.mark, tuple(_blank_defaults(item) for item in value.items))
    if isinstance(value, MappingNode):
        return MappingNode(value.mark, tuple((key, _blank_defaults(one)) for key, one in value.pairs))
    return _text(value, "") if empty(value) else value


def write_out_stage(node: Node) -> Node:
    return _with(node, {**SHARED, "jobs": lambda value: _each(value, write_out_job)})


def write_out_job(node: Node) -> Node:
    return _with(node, {**SHARED, "steps": _steps, "strategy": _strategy, "environment": _environment})


def _strategy(node: Node) -> Node:
    hooks = {"preDeploy": _hook, "deploy": _hook, "routeTraffic": _hook, "postRouteTraffic": _hook}
    outcomes = {"on": lambda value: _with(value, {"success": _hook, "failure": _hook})}
    kinds = dict.fromkeys(("runOnce", "rolling", "canary"), lambda value: _with(value, {**hooks, **outcomes}))
    return _with(node, kinds)


def _hook(node: Node) -> Node:
    return _with(node, {"steps": _steps, "pool": _named("name")})


def _steps(node: Node) -> Node:
    return _each(node, write_out_step)


def write_out_step(node: Node) -> Node:
    if not isinstance(node, MappingNode) or not node.pairs:
        return node
    word = node.pairs[0][0].text
    if word not in TASKS:
        return _with(node, {"target": _named("container")})
    task = (_text(node, "task"), _text(node, TASKS[word]))
    common = [(key, value) for key, value in node.pairs if key.text in COMMON]
    if word in ("checkout", "download") and _is(node.pairs[0][1], "none") and node.get("condition") is None:
        common.append((_text(node, "condition"), _text(node, "false")))
    inputs = MappingNode(node.mark, tuple(_inputs(word, node)))
    found = MappingNode(node.mark, (task, *common, (_text(node, "inputs"), inputs)))
    return _with(found, {"target": _named("container")})


def _inputs(word: str, node: MappingNode) -> Iterable[Pair]:
    if word in ("bash", "pwsh", "powershell"):
        yield _text(node, "targetType"), _text(node, "inline")
    for key, value in node.pairs:
        if key.text not in COMMON:
            yield _text(key, RENAMED.get(word, {}).get(key.text, key.text)), value
    if word == "pwsh":
        yield _text(node, "pwsh"), _text(node, "true")


def _variables(node: Node) -> Node:
    if not isinstance(node, MappingNode):
        return node
    items = (_mapping(key, name=_text(key, key.text), value=value) for key, value in node.pairs)
    return SequenceNode(node.mark, tuple(items))


def _depends_on(node: Node) -> Node:
    return node if not isinstance(node, ScalarNode) or empty(node) else SequenceNode(node.mark, (node,))


def _environment(node: Node) -> Node:
    if not isinstance(node, ScalarNode):
        return node
    name, found, resource = node.text.partition(".")
    parts = {"name": _text(node, name), **({"resourceName": _text(node, resource)} if found else {})}
    return _mapping(node, **parts)


def _services(node: Node) -> Node:
    named = _named("alias")
    if not isinstance(node, MappingNode):
        return node
    return MappingNode(node.mark, tuple((key, named(value)) for key, value in node.pairs))


def _named(key: str) -> Callable[[Node], Node]:
    """A lone text becomes a mapping with this key."""
    return lambda node: _mapping(node, **{key: node}) if isinstance(node, ScalarNode) and node.text else node


def _with(node: Node, changes: Mapping[str, Callable[[Node], Node]]) -> Node:
    if not isinstance(node, MappingNode):
        return node
    pairs = ((key, changes[key.text](value) if key.text in changes else value) for key, value in node.pairs)
    return MappingNode(node.mark, tuple(pairs))


def _each(node: Node, change: Callable[[Node], Node]) -> Node:
    return (
        SequenceNode(node.mark, tuple(change(item) for item in node.items)) if isinstance(node, SequenceNode) else node
    )


def _mapping(at: Node, **values: Node) -> MappingNode:
    return MappingNode(at.mark, tuple((_text(at, key), value) for key, value in values.items()))


def _text(at: Node, text: str) -> ScalarNode:
    return ScalarNode(at.mark, text)


def _is(node: Node, text: str) -> bool:
    return isinstance(node, ScalarNode) and node.text == text


SHARED: Final[Mapping[str, Callable[[Node], Node]]] = {
    "variables": _variables,
    "dependsOn": _depends_on,
    "pool": _named("name"),
    "container": _named("alias"),
    "services": _services,
}

BY_TYPE: Final[Mapping[str, Callable[[Node], Node]]] = {
    "step": write_out_step,
    "job": write_out_job,
    "deployment": write_out_job,
    "stage": write_out_stage,
}
