"""Pipeline jobs: each step is a child job; a step starts when the steps whose outputs it reads have completed."""

import graphlib
import re
from collections.abc import Callable
from typing import Any

from sandbox.errors import BadRequest
from sandbox.machinelearning.context import Context, kind_of
from sandbox.machinelearning.runs import create_run, require_run
from sandbox.machinelearning.uris import job_output
from sandbox.store import Document, Transaction
from sandbox.store.resources import require

JOBS = kind_of("jobs")
COMPONENTS = kind_of("components", "versions")
PARENT_INPUT = re.compile(r"^\$\{\{parent\.inputs\.(?P<name>[^}.]+)\}\}$")
STEP_OUTPUT = re.compile(r"^\$\{\{parent\.jobs\.(?P<step>[^}.]+)\.outputs\.(?P<name>[^}.]+)\}\}$")
PARENT_OUTPUT = re.compile(r"^\$\{\{parent\.outputs\.(?P<name>[^}.]+)\}\}$")


def run_pipeline(
    context: Context, job: Document, run: Callable[[str], None], is_canceled: Callable[[str], bool]
) -> str | None:
    """Run the steps; the sentence that says which step failed, or None. Raises BadRequest for what cannot be run."""
    steps: dict[str, dict[str, Any]] = job.body["properties"].get("jobs") or {}
    children: dict[str, str] = {}
    for name in order(steps):
        if is_canceled(job.id):
            return None
        with context.store.write() as change:
            child = create_child(context, change, job, name, steps[name], children)
        children[name] = child.name
        run(child.id)
        workspace = job.id.rsplit("/jobs/", 1)[0]
        ended = require_run(context.store, workspace, child.name).body
        if ended["status"] != "Completed":
            return f"Step '{name}' ended as {ended['status']}: {ended['error'] or 'see its log'}"
    return None


def order(steps: dict[str, dict[str, Any]]) -> list[str]:
    """Step names so that data flows forward. Raises BadRequest for a circle or a step that is not there."""
    graph = {name: _predecessors(step) for name, step in steps.items()}
    unknown = {one for before in graph.values() for one in before} - set(steps)
    if unknown:
        raise BadRequest("ValidationError", f"The pipeline reads outputs of steps it does not have: {sorted(unknown)}.")
    try:
        return list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        raise BadRequest("ValidationError", f"The steps wait for each other: {' -> '.join(error.args[1])}.") from error


def _predecessors(step: dict[str, Any]) -> set[str]:
    values = [str(_address(given)) for given in (step.get("inputs") or {}).values()]
    return {found["step"] for value in values if (found := STEP_OUTPUT.match(value))}


def _address(given: dict[str, Any]) -> Any:
    return given.get("value", given.get("uri"))


def create_child(
    context: Context, change: Transaction, parent: Document, step: str, given: dict[str, Any], children: dict[str, str]
) -> Document:
    """The child job of a step: its component's command with the pipeline's data."""
    workspace = parent.id.rsplit("/jobs/", 1)[0]
    spec = require(change, COMPONENTS, given["componentId"]).body["properties"]["componentSpec"]
    properties = parent.body["properties"]
    name = context.ids.guid()
    compute = (
        given.get("computeId")
        or (properties.get("settings") or {}).get("default_compute")
        or properties.get("computeId")
    )
    child = {
        "jobType": "Command",
        "command": spec["command"],
        "codeId": _reference(spec.get("code")),
        "environmentId": _reference(given.get("environment") or spec.get("environment")),
        "computeId": compute,
        "displayName": step,
        "experimentName": properties["experimentName"],
        "inputs": _inputs(properties, spec, given, children),
        "outputs": _outputs(workspace, name, properties, spec, given),
        "environmentVariables": {
            **(spec.get("environment_variables") or {}),
            **(given.get("environment_variables") or {}),
        },
    }
    now = context.clock.timestamp()
    target = str(compute or "local").rsplit("/", 1)[-1]
    create_run(change, workspace, name, properties["experimentName"], "NotStarted", step, now, parent.name, target)
    return change.put(JOBS, f"{workspace}/jobs/{name}", {"properties": child}, f"{workspace}/jobs")


def _reference(value: Any) -> str | None:
    """`azureml:/subscriptions/...` in a component is an ARM id behind a prefix."""
    return str(value).removeprefix("azureml:") if value else None


def _inputs(
    parent: dict[str, Any], spec: dict[str, Any], given: dict[str, Any], children: dict[str, str]
) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for name, declared in (spec.get("inputs") or {}).items():
        entry = (given.get("inputs") or {}).get(name)
        if entry is None:
            if declared.get("default") is not None:
                inputs[name] = {"jobInputType": "literal", "value": str(declared["default"])}
            continue
        inputs[name] = _bound(parent, entry, children)
    return inputs


def _bound(parent: dict[str, Any], entry: dict[str, Any], children: dict[str, str]) -> dict[str, Any]:
    value = str(_address(entry))
    if found := PARENT_INPUT.match(value):
        return dict((parent.get("inputs") or {})[found["name"]])
    if found := STEP_OUTPUT.match(value):
        address = f"azureml://jobs/{children[found['step']]}/outputs/{found['name']}"
        return {"jobInputType": "uri_folder", "uri": address, "mode": "ReadOnlyMount"}
    return dict(entry)


def _outputs(
    workspace: str, child: str, parent: dict[str, Any], spec: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    for name, declared in (spec.get("outputs") or {}).items():
        uri = job_output(workspace, child, name).uri
        found = PARENT_OUTPUT.match(str(((given.get("outputs") or {}).get(name) or {}).get("value")))
        if found:
            uri = parent["outputs"][found["name"]]["uri"]
        outputs[name] = {"jobOutputType": declared.get("type", "uri_folder"), "uri": uri}
    return outputs
