"""Tasks of Azure Pipelines that the workshop uses or that stand beside them in many pipelines, with their versions.

Majors as the published service schema and the tasks' own manifests give them (azure-pipelines.md, section 3). A task
that is not here may come from an extension: nothing is said about it, unless its name is nearly one of these.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

REFERENCE = re.compile(r"(?P<name>[^@\s]+)(?:@(?P<major>\d+)(?:\.\d+)*)?")
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Task:
    """A task's majors, the newest first; `retired` ones still run somewhere and are deprecated."""

    majors: tuple[int, ...]
    retired: tuple[int, ...] = ()


TASKS: Mapping[str, Task] = {
    "ArchiveFiles": Task((2,), (1,)),
    "AzureCLI": Task((3, 2), (1, 0)),
    "AzureContainerApps": Task((1,), (0,)),
    "AzureFileCopy": Task((6,), (5, 4, 3, 2, 1)),
    "AzureKeyVault": Task((2,), (1,)),
    "AzurePowerShell": Task((5,), (4, 3, 2, 1)),
    "AzureResourceManagerTemplateDeployment": Task((3,)),
    "AzureWebApp": Task((1,)),
    "Bash": Task((3,), (2,)),
    "Cache": Task((2,), (1, 0)),
    "CmdLine": Task((2,), (1,)),
    "CopyFiles": Task((2,), (1,)),
    "Delay": Task((1,)),
    "DeleteFiles": Task((1,)),
    "Docker": Task((2,), (1, 0)),
    "DotNetCoreCLI": Task((2,), (1, 0)),
    "DownloadBuildArtifacts": Task((1,), (0,)),
    "DownloadPipelineArtifact": Task((2,), (1, 0)),
    "DownloadSecureFile": Task((1,)),
    "ExtractFiles": Task((1,)),
    "HelmDeploy": Task((1,), (0,)),
    "InvokeRESTAPI": Task((1,), (0,)),
    "Kubernetes": Task((1,), (0,)),
    "KubernetesManifest": Task((1,), (0,)),
    "ManualValidation": Task((1, 0)),
    "PipAuthenticate": Task((1,), (0,)),
    "PowerShell": Task((2,), (1,)),
    "PublishBuildArtifacts": Task((1,)),
    "PublishCodeCoverageResults": Task((2,), (1,)),
    "PublishPipelineArtifact": Task((1,), (0,)),
    "PublishTestResults": Task((2,), (1,)),
    "PythonScript": Task((0,)),
    "UseNode": Task((1,)),
    "UsePythonVersion": Task((0,)),
}


def task_problem(reference: str) -> tuple[str, tuple[str, ...]] | None:
    """What is wrong with `Name@major`, as what was seen and the hints; None when nothing is, or nothing is known."""
    parts = REFERENCE.fullmatch(reference.strip())
    if parts is None:
        return f"the task `{reference}`", ("A task is written as its name, an @, and a major version.",)
    name, major = parts["name"], parts["major"]
    known = next((one for one in TASKS if one.lower() == name.lower()), None)
    if known is None:
        return _unknown(name)
    newest = TASKS[known].majors[0]
    if major is None:
        return f"`{name}` without a version", (f"A task without a version is refused: {known}@{newest}.",)
    if int(major) in TASKS[known].retired:
        return f"`{name}@{major}`, a deprecated task", (f"`{known}@{major}` is deprecated: take {known}@{newest}.",)
    if int(major) not in TASKS[known].majors:
        versions = " and ".join(f"{known}@{one}" for one in TASKS[known].majors)
        return f"`{name}@{major}`, a version that does not exist", (f"There is {versions}.",)
    return None


def is_known(reference: str) -> bool:
    """Whether the table says anything about a task."""
    return reference.partition("@")[0].lower() in {name.lower() for name in TASKS}


def _unknown(name: str) -> tuple[str, tuple[str, ...]] | None:
    near = difflib.get_close_matches(name, TASKS, n=1, cutoff=0.75)
    if GUID.fullmatch(name) or "." in name or not near:
        return None
    return f"the task `{name}`", (f"There is no task of this name: `{near[0]}` is near it.",)
