"""The `checkout` step: the agent's own."""

from pathlib import Path

from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.running.host import CheckoutRequest
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "Checkout"
VERSIONS = ("1",)
INPUTS = (
    Input("repository", default="self"),
    Input("clean"),
    Input("fetchDepth", default="0"),
    Input("fetchFilter"),
    Input("fetchTags", default="false"),
    Input("lfs", default="false"),
    Input("submodules", default="false"),
    Input("persistCredentials", default="false"),
    Input("path"),
    Input("workspaceRepo"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """One repository goes to `s`; of several, each to a folder of its name below it. `path` is below the workspace.
    Raises StepError."""
    alias = inputs.text("repository")
    folder = _folder(step, alias, inputs.text("path"))
    folder.mkdir(parents=True, exist_ok=True)
    request = CheckoutRequest(
        repository=alias,
        folder=folder,
        depth=int(inputs.number("fetchDepth")),
        tags=inputs.flag("fetchTags"),
        lfs=inputs.flag("lfs"),
        submodules=inputs.text("submodules"),
        persist_credentials=inputs.flag("persistCredentials"),
        execute=step.run_agent_command,
        write=step.write,
        kept=step.folders.work / "_repositories",
    )
    step.host.checkout(request)


def _folder(step: StepContext, alias: str, path: str) -> Path:
    workspace = step.folders.workspace
    if not path:
        return (
            step.folders.sources / step.host.repository_name(alias) if step.job.checkouts > 1 else step.folders.sources
        )
    folder = (workspace / path).resolve()
    if not folder.is_relative_to(workspace.resolve()) or folder == workspace.resolve():
        raise StepError(f"Checkout path '{path}' is not below the agent's build directory '{workspace}'.")
    if step.job.checkouts == 1:
        step.job.move_sources(folder)
    return folder
