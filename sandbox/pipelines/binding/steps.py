"""Steps: shorthands become the tasks they stand for (azure-pipelines contract, 2.2)."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from sandbox.pipelines.binding.reading import Fields, read_text_mapping, read_texts
from sandbox.pipelines.errors import Problems
from sandbox.pipelines.model import Step, StepKind, StepTarget, TaskReference
from sandbox.pipelines.shorthands import CHECKOUT, DOWNLOAD, PUBLISH
from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode

STEP_NAME: Final = re.compile(r"[-_A-Za-z0-9]*")
TASK: Final = re.compile(r"([^@\s]+)@(\d+)")
COMMON: Final = ("condition", "continueOnError", "displayName", "enabled", "env", "name")
TASK_ONLY: Final = ("retryCountOnTaskFailure", "target", "timeoutInMinutes")
HINTS: Final[Mapping[str, str]] = {
    "inputs": "Only `task:` takes inputs; here the keys stand beside the step's first key.",
    "script": "A step has one of script, bash, pwsh, powershell, task ...: put a dash before the second.",
    "bash": "A step has one of script, bash, pwsh, powershell, task ...: put a dash before the second.",
    "task": "A step has one of script, bash, pwsh, powershell, task ...: put a dash before the second.",
    "steps": "Steps stand within a job: check the indentation.",
    "azureSubscription": "A task's inputs stand one level deeper, below `inputs:`.",
}
PUBLISH_TASK: Final = TaskReference("PublishPipelineArtifact", "1")
INTERNAL: Final[Mapping[str, StepKind]] = {  # how a written-out step names what the agent does itself
    CHECKOUT: StepKind.CHECKOUT,
    DOWNLOAD: StepKind.DOWNLOAD,
    PUBLISH: StepKind.PUBLISH,
}
CHECKOUT_KEYS: Final = (
    "clean",
    "fetchDepth",
    "fetchFilter",
    "fetchTags",
    "lfs",
    "path",
    "persistCredentials",
    "sparseCheckoutDirectories",
    "sparseCheckoutPatterns",
    "submodules",
    "workspaceRepo",
)

Lift = Callable[[Fields], tuple[TaskReference | None, dict[str, str]]]


def bind_step(node: Node, job: str, problems: Problems) -> Step | None:
    """One step, or None when its first key names no kind of step."""
    fields = Fields(node, problems)
    word = fields.first()
    if word not in LIFTS:
        if word:
            problems.add(f"Unexpected value '{word}'", fields.key_mark(word), _first_key_help(fields))
        elif isinstance(node, ScalarNode):
            problems.add(f"Unexpected value '{node.text}'", node.mark, "A step begins with `- script:`, `- task:` ...")
        return None
    task, inputs = LIFTS[word](fields)
    kind = INTERNAL.get(str(task), StepKind(word))
    task = (
        None if kind in (StepKind.CHECKOUT, StepKind.DOWNLOAD) else PUBLISH_TASK if kind == StepKind.PUBLISH else task
    )
    step = _common(fields, kind, task, inputs)
    if not STEP_NAME.fullmatch(step.name):
        rule = (
            "has an invalid name. Valid names may only contain alphanumeric characters and '_' and may not start with a"
        )
        problems.add(f"Job {job}: Step {step.name} {rule} number.", fields.marks["name"])
    fields.finish(hint=HINTS)
    return step


def _common(fields: Fields, kind: StepKind, task: TaskReference | None, inputs: dict[str, str]) -> Step:
    never = kind in (StepKind.CHECKOUT, StepKind.DOWNLOAD) and "none" in (inputs.get("repository"), inputs.get("alias"))
    return Step(
        kind=kind,
        mark=fields.mark,
        task=task,
        inputs=inputs,
        name=fields.text("name"),
        display_name=fields.text("displayName"),
        condition=fields.text("condition") or ("false" if never else ""),
        enabled=fields.flag("enabled", True),
        continue_on_error=fields.flag("continueOnError", False),
        timeout_in_minutes=fields.number("timeoutInMinutes"),
        retry_count_on_task_failure=fields.number("retryCountOnTaskFailure"),
        target=_target(fields.node("target"), fields.problems),
        env=fields.texts("env"),
        marks=fields.marks,
    )


def _target(node: Node | None, problems: Problems) -> StepTarget | None:
    if node is None:
        return None
    if not isinstance(node, MappingNode):
        names = read_texts(node, problems)
        return StepTarget(container=names[0]) if names else None
    fields = Fields(node, problems)
    settable = fields.names("settableVariables")
    target = StepTarget(fields.text("container"), fields.text("commands"), () if settable == ("none",) else settable)
    fields.finish()
    return target


def _given(fields: Fields, *names: str) -> dict[str, str]:
    """Texts of the keys that are there."""
    return {name: fields.text(name) for name in names if fields.has(name)}


def _script(fields: Fields) -> tuple[TaskReference, dict[str, str]]:
    return TaskReference("CmdLine", "2"), _given(fields, "script", "workingDirectory", "failOnStderr")


def _bash(fields: Fields) -> tuple[TaskReference, dict[str, str]]:
    more = _given(fields, "workingDirectory", "failOnStderr", "bashEnvValue")
    return TaskReference("Bash", "3"), {"targetType": "inline", "script": fields.text("bash"), **more}


def _powershell(fields: Fields) -> tuple[TaskReference, dict[str, str]]:
    word = fields.first()
    more = _given(fields, "errorActionPreference", "failOnStderr", "ignoreLASTEXITCODE", "workingDirectory")
    inputs = {"targetType": "inline", "script": fields.text(word), **more}
    return TaskReference("PowerShell", "2"), {**inputs, "pwsh": "true"} if word == "pwsh" else inputs


def _publish(fields: Fields) -> tuple[TaskReference, dict[str, str]]:
    inputs = {"path": fields.text("publish")}
    if fields.has("artifact"):
        inputs["artifactName"] = fields.text("artifact")
    return PUBLISH_TASK, inputs


def _task(fields: Fields) -> tuple[TaskReference | None, dict[str, str]]:
    written = fields.text("task")
    found = TASK.fullmatch(written.strip())
    if found is None and written:
        rule = (
            "has an invalid task definition reference. A valid task definition reference must specify either an ID or a"
        )
        message = f"Step {written} {rule} name and a version specification with a major version specified."
        fields.problems.add(message, fields.marks["task"], "Write the name, an @ and the major version: AzureCLI@2.")
    inputs = fields.node("inputs")
    values = read_text_mapping(inputs, fields.problems) if inputs is not None else {}
    return (TaskReference(*found.groups()) if found else TaskReference(written, ""), values)


def _checkout(fields: Fields) -> tuple[None, dict[str, str]]:
    inputs = {"repository": fields.text("checkout")}
    for name in CHECKOUT_KEYS:
        if fields.has(name):
            inputs[name] = fields.text(name)
    return None, inputs


def _download(fields: Fields) -> tuple[None, dict[str, str]]:
    return None, {"alias": fields.text("download"), **_given(fields, "artifact", "patterns", "path", "tags")}


def _unsupported(fields: Fields) -> tuple[None, dict[str, str]]:
    word = fields.first()
    return None, _given(fields, word, "artifact", "path", "patterns", "resourceName", "inputs")


def _first_key_help(fields: Fields) -> str:
    if any(fields.has(word) for word in LIFTS):
        return "The key that says what a step is (script, task ...) comes first."
    if fields.has("job") or fields.has("deployment") or fields.has("stage"):
        return "A job stands in `jobs:`, a stage in `stages:`."
    return f"A step begins with one of {', '.join(LIFTS)}, template."


LIFTS: Final[Mapping[str, Lift]] = {
    "script": _script,
    "bash": _bash,
    "pwsh": _powershell,
    "powershell": _powershell,
    "task": _task,
    "checkout": _checkout,
    "download": _download,
    "publish": _publish,
    "getPackage": _unsupported,
    "downloadBuild": _unsupported,
    "reviewApp": _unsupported,
}
