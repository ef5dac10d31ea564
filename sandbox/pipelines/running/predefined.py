"""Predefined variables of a run and of an agent job (azure-pipelines contract, 2.9). None of them can be set by a step,
but System.Debug and Build.Clean."""

import platform
import uuid
from collections.abc import Iterator, Mapping

from sandbox.pipelines.running.context import SOURCE_VARIABLES, JobFolders, RunState
from sandbox.pipelines.running.variables import Variables

WRITABLE = frozenset({"system.debug", "build.clean"})
SYSTEMS = {"Linux": "Linux", "Darwin": "Darwin", "Windows": "Windows_NT"}
MACHINES = {"x86_64": "X64", "amd64": "X64", "arm64": "ARM64", "aarch64": "ARM64"}
PLACEHOLDER_TOKEN = "a-local-run-has-no-access-token"


def define_run(variables: Variables, run: RunState) -> None:
    """Facts of the run: the given ones, and what follows from them."""
    request = run.request
    facts = {name.lower(): value for name, value in request.facts.items()}
    branch = facts.get("build.sourcebranch", "")
    names = {
        "System": "build",
        "System.HostType": "build",
        "System.ServerType": "OnPremises",
        "System.Culture": "en-US",
        "System.EnableAccessToken": "SecretVariable",
        "System.PipelineStartTime": f"{run.host.now():%Y-%m-%d %H:%M:%S}+00:00",
        "Build.BuildId": str(request.run_id),
        "Build.BuildUri": f"vstfs:///Build/Build/{request.run_id}",
        "Build.ContainerId": str(request.run_id),
        "Build.Reason": "Manual",
        "Build.SourceBranchName": branch.rpartition("/")[2],
        "Build.Repository.Clean": "False",
        "Build.Repository.Git.SubmoduleCheckout": "False",
        "Build.Repository.Provider": "TfsGit",
    }
    for name, value in (names | dict(request.facts)).items():
        variables.define(name, value, readonly=name.lower() not in WRITABLE)
    token = request.access_token or PLACEHOLDER_TOKEN
    variables.define("System.AccessToken", token, secret=True, readonly=True)
    run.add_secret(token)


def define_build_number(variables: Variables, number: str) -> None:
    variables.define("Build.BuildNumber", number, readonly=True)


def define_job(variables: Variables, facts: Mapping[str, str]) -> None:
    """Names of the job, already known to its scheduler: System.StageName, System.JobName ..."""
    for name, value in facts.items():
        variables.define(name, value, readonly=True)


def define_agent(variables: Variables, run: RunState, folders: JobFolders) -> None:
    """The agent and its folders."""
    for name, value in _agent(run, folders):
        variables.define(name, value, readonly=True)


def _agent(run: RunState, folders: JobFolders) -> Iterator[tuple[str, str]]:
    machine = platform.machine()
    yield "Agent.Id", "1"
    yield "Agent.Name", run.request.agent_name
    yield "Agent.MachineName", platform.node()
    yield "Agent.OS", SYSTEMS.get(platform.system(), platform.system())
    yield "Agent.OSArchitecture", MACHINES.get(machine.lower(), machine)
    yield "Agent.HomeDirectory", str(folders.home)
    yield "Agent.RootDirectory", str(folders.work)
    yield "Agent.WorkFolder", str(folders.work)
    yield "Agent.TempDirectory", str(folders.temp)
    yield "Agent.ToolsDirectory", str(folders.tools)
    yield "Agent.BuildDirectory", str(folders.workspace)
    yield "Agent.JobStatus", "Succeeded"
    yield "Pipeline.Workspace", str(folders.workspace)
    for name in SOURCE_VARIABLES:
        yield name, str(folders.sources)
    for name in ("Build.ArtifactStagingDirectory", "Build.StagingDirectory", "System.ArtifactsDirectory"):
        yield name, str(folders.artifacts)
    yield "Build.BinariesDirectory", str(folders.binaries)
    yield "Common.TestResultsDirectory", str(folders.test_results)
    yield "System.WorkFolder", str(folders.work)
    yield "System.JobId", str(uuid.uuid4())
