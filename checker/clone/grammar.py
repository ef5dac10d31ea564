"""The shape of a pipeline, as far as a typing mistake can break it: which words may stand where.

Words: the published service schema of Azure Pipelines (azure-pipelines.md, section 1). What the schema allows and the
workshop never writes is allowed here too.
"""

import difflib
from collections.abc import Iterator

import yaml

from checker.clone.indentation import JOB_KINDS, STAGE_KINDS, STEP_KINDS
from checker.clone.nodes import Problem, entry, items, keys, pairs, place, scalar, spread

CONTENTS = ("stages", "jobs", "steps", "extends")
JOB_KEYS = (
    *(*JOB_KINDS, "displayName", "dependsOn", "condition", "continueOnError", "timeoutInMinutes", "services"),
    *("cancelTimeoutInMinutes", "variables", "strategy", "pool", "container", "workspace", "uses", "steps"),
    *("templateContext", "environment", "parameters", "lockBehavior"),
)
STAGE_KEYS = (
    *(*STAGE_KINDS, "group", "displayName", "pool", "dependsOn", "condition", "variables", "jobs", "lockBehavior"),
    *("templateContext", "trigger", "isSkippable", "parameters"),
)
ROOT_KEYS = (
    *(*CONTENTS, "name", "appendCommitMessageToRunName", "trigger", "pr", "schedules", "resources", "parameters"),
    *("variables", "pool", "lockBehavior", "strategy", "container", "services", "workspace", "continueOnError"),
    *("dependsOn", "condition", "timeoutInMinutes", "cancelTimeoutInMinutes", "uses", "displayName", "jobs", "target"),
)
STEP_KEYS = (
    *(*STEP_KINDS, "displayName", "name", "condition", "continueOnError", "enabled", "env", "inputs", "target"),
    *("timeoutInMinutes", "retryCountOnTaskFailure", "parameters", "workingDirectory", "failOnStderr", "artifact"),
    *("errorActionPreference", "ignoreLASTEXITCODE", "warningPreference", "informationPreference", "clean", "path"),
    *("verbosePreference", "debugPreference", "progressPreference", "fetchDepth", "fetchTags", "fetchFilter", "lfs"),
    *("submodules", "persistCredentials", "sparseCheckoutDirectories", "sparseCheckoutPatterns", "patterns", "tags"),
    *("workspaceRepo", "reuseSandbox", "root", "project", "pipeline", "runVersion", "buildVersionToDownload"),
    *("specificBuildWithTriggering", "runBranch", "runId", "allowPartiallySucceededBuilds", "buildType", "version"),
    *("buildId", "branchName", "allowFailedBuilds", "package", "view", "itemPattern", "type", "properties"),
)


def check_root(root: yaml.Node) -> Iterator[Problem]:
    """What is wrong at the top of a pipeline."""
    yield from _unknown_keys(root, "the pipeline", ROOT_KEYS)
    if all(entry(root, content) is None for content in CONTENTS):
        yield Problem(place(root), "neither stages nor jobs nor steps", "one of stages, jobs, steps", ())


def check_stage(node: yaml.Node) -> Iterator[Problem]:
    """What is wrong with an item of `stages`."""
    yield from _kind(node, "stage", STAGE_KINDS, STAGE_KEYS)


def check_job(node: yaml.Node) -> Iterator[Problem]:
    """What is wrong with an item of `jobs`."""
    yield from _kind(node, "job", JOB_KINDS, JOB_KEYS)
    if entry(node, "deployment") is not None and entry(node, "steps") is not None:
        yield _deployment_with_steps(node)


def check_step(node: yaml.Node) -> Iterator[Problem]:
    """What is wrong with an item of `steps`."""
    yield from _kind(node, "step", STEP_KINDS, STEP_KEYS)


def placeholders(root: yaml.Node, leave_out: str) -> Iterator[Problem]:
    """Values that still have angle brackets, but for scripts, names for people, and the variable that is left out."""
    for path, node in _values(root):
        text = scalar(node)
        start, end = text.find("<"), text.find(">")
        if path[-1:] == (leave_out,) or not 0 <= start < end - 1:
            continue
        yield Problem(
            place(node),
            f"`{path[-1] if path else ''}` is `{text}`",
            "a name of yours",
            (
                "Angle brackets are a placeholder; Azure will reject them.",
                "Every place with angle brackets wants a name of yours in it, without the brackets.",
            ),
        )


NOT_LOOKED_AT = frozenset({"displayName", "script", "bash", "pwsh", "powershell", "inlineScript", "condition"})


def _values(root: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    if isinstance(root, yaml.ScalarNode):
        yield path, root
    for key, value in pairs(root):
        if scalar(key) not in NOT_LOOKED_AT:
            yield from _values(value, (*path, scalar(key)))
    if isinstance(root, yaml.SequenceNode):
        for item in spread(items(root)):
            yield from _values(item, path)


def _kind(node: yaml.Node, what: str, kinds: tuple[str, ...], allowed: tuple[str, ...]) -> Iterator[Problem]:
    """An item must have a word of its kind, and no word that its kind does not know."""
    if not isinstance(node, yaml.MappingNode):
        yield Problem(place(node), f"`{scalar(node)}` where a `{what}` is expected", f"a `{what}`", _indentation(what))
        return
    words = [scalar(key) for key in keys(node)]
    if not any(entry(node, kind) is not None for kind in kinds):
        first = words[0] if words else ""
        near = difflib.get_close_matches(first, kinds, n=1, cutoff=0.75)
        seen = f"`{first}` found where a `{what}` is expected"
        hints = (f"`{first}` may be meant as `{near[0]}`.",) if near else _misplaced(first, what, node)
        yield Problem(place(node), seen, f"one of {', '.join(kinds[:4])}", hints)
        return
    yield from _unknown_keys(node, f"a {what}", allowed)


def _misplaced(first: str, what: str, node: yaml.Node) -> tuple[str, ...]:
    return (f"`{first}` found where a `{what}` is expected, line {place(node).line}.", *_indentation(what))


def _indentation(what: str) -> tuple[str, ...]:
    return (
        f"Indentation says what belongs to what: this line stands where a {what} begins.",
        "Compare the spaces in front of it with those of its neighbours: two more, or two fewer?",
    )


def _unknown_keys(node: yaml.Node, what: str, allowed: tuple[str, ...]) -> Iterator[Problem]:
    known = {word.lower() for word in allowed}
    for key in keys(node):
        word = scalar(key)
        if word.lower() in known:
            continue
        near = difflib.get_close_matches(word, allowed, n=1, cutoff=0.7)
        hint = f"`{word}` may be meant as `{near[0]}`." if near else f"Does `{word}` belong to something further in?"
        yield Problem(place(key), f"`{word}`, which {what} does not have", "a word that belongs there", (hint,))


def _deployment_with_steps(node: yaml.Node) -> Problem:
    return Problem(
        place(node),
        "a deployment job with `steps`",
        "`strategy`, `runOnce`, `deploy`, and the steps beneath it",
        ("The steps of a deployment job belong to its strategy.",),
    )
