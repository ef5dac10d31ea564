"""The tasks that are rehearsed here. One module a task: NAME, VERSIONS, INPUTS and `run`, which raises StepError to
fail. Facts are from azure-pipelines contract, section 3. A task that is not in the table fails its step: never a pass.
"""

from collections.abc import Mapping
from typing import Protocol

from sandbox.pipelines.model import StepKind
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.tasks import (
    archive_files,
    azure_cli,
    bash,
    cache,
    checkout,
    command_line,
    copy_files,
    delay,
    delete_files,
    download,
    download_build_artifacts,
    download_pipeline_artifact,
    extract_files,
    manual_validation,
    power_shell,
    publish_build_artifacts,
    publish_code_coverage_results,
    publish_pipeline_artifact,
    publish_test_results,
    python_script,
    use_python_version,
)
from sandbox.pipelines.tasks.inputs import Input, Inputs


class Task(Protocol):
    """What a task's module offers."""

    @property
    def NAME(self) -> str: ...  # noqa: N802 - a module's constant
    @property
    def VERSIONS(self) -> tuple[str, ...]: ...  # noqa: N802
    @property
    def INPUTS(self) -> tuple[Input, ...]: ...  # noqa: N802

    def run(self, step: StepContext, inputs: Inputs) -> None: ...


_MODULES: tuple[Task, ...] = (
    archive_files,
    azure_cli,
    bash,
    cache,
    command_line,
    copy_files,
    delay,
    delete_files,
    download_build_artifacts,
    download_pipeline_artifact,
    extract_files,
    manual_validation,
    power_shell,
    publish_build_artifacts,
    publish_code_coverage_results,
    publish_pipeline_artifact,
    publish_test_results,
    python_script,
    use_python_version,
)
TASKS: Mapping[str, Task] = {module.NAME.lower(): module for module in _MODULES}
OF_KINDS: Mapping[StepKind, Task] = {StepKind.CHECKOUT: checkout, StepKind.DOWNLOAD: download}
SERVER_TASKS = frozenset({"delay", "manualvalidation"})
