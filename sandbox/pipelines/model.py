"""A pipeline after expansion and binding: what the file says, in the vendor's words, as frozen data.

Texts may still hold `$( )` macros and, where the schema allows, a whole `$[ ]`; everything `${{ }}` is gone. An empty
text means "not written", and the reader applies the default named beside the field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from sandbox.pipelines.errors import Mark

NOTHING: Mapping[str, str] = MappingProxyType({})
DEFAULT_STAGE = "__default"
DEFAULT_JOB = "Job"


class StepKind(StrEnum):
    """How a step was written. All but checkout and download carry a task as well."""

    SCRIPT = "script"
    BASH = "bash"
    PWSH = "pwsh"
    POWERSHELL = "powershell"
    TASK = "task"
    CHECKOUT = "checkout"
    DOWNLOAD = "download"
    PUBLISH = "publish"
    GET_PACKAGE = "getPackage"
    DOWNLOAD_BUILD = "downloadBuild"
    REVIEW_APP = "reviewApp"


@dataclass(frozen=True, slots=True)
class TaskReference:
    """`name@version`: the name as written (`AzureCLI`, or a contribution's full name), the major version as text."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class StepTarget:
    """Where a step runs: `host`, a container resource's name or empty; `settable_variables` None means all."""

    container: str = ""
    commands: str = ""
    settable_variables: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    For `script`, `bash`, `pwsh`, `powershell` and `publish` the inputs are those of the task they stand for (`script`,
    `targetType`, `workingDirectory`, `failOnStderr`, `path`, `artifactName` ...). For `checkout` they are `repository`
    (self, none or an alias), `clean`, `fetchDepth`, `fetchTags`, `lfs`, `submodules`, `persistCredentials` and `path`;
    for `download` `alias` (current, none or a pipeline resource), `artifact`, `patterns` and `path`. `marks` says where
    each key of the step stands.
    """

    kind: StepKind
    mark: Mark
    task: TaskReference | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    display_name: str = ""
    condition: str = ""  # empty: succeeded()
    enabled: bool = True
    continue_on_error: bool = False
    timeout_in_minutes: str = ""  # decimal text or macros; empty or 0: no limit of its own
    retry_count_on_task_failure: str = ""  # decimal text or macros; empty: 0
    target: StepTarget | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    implicit: bool = False  # added by planning: the checkout or download that nobody wrote
    marks: Mapping[str, Mark] = field(default_factory=dict)

    def input(self, *names: str) -> str:
        """The first given input among a name and its aliases, whatever the case; empty when none is."""
        folded = {name.lower(): value for name, value in self.inputs.items()}
        return next((folded[name.lower()] for name in names if name.lower() in folded), "")


@dataclass(frozen=True, slots=True)
class Variable:
    """`value` may hold macros, or be wholly one `$[ ]`. Secret only when it comes from queue time or settings."""

    name: str
    value: str
    readonly: bool = False
    secret: bool = False
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class VariableGroupReference:
    """`- group: name`: its members are known to the run, not to the file."""

    name: str
    mark: Mark | None = None


VariableEntry = Variable | VariableGroupReference


@dataclass(frozen=True, slots=True)
class Pool:
    """Information here: jobs run on this machine. `server` marks `pool: server`."""

    name: str = ""
    vm_image: str = ""
    demands: tuple[str, ...] = ()
    server: bool = False
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """`legs` maps a leg's name to its variables; `expression` is a `$[ ]` text giving JSON instead (legs empty)."""

    legs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    expression: str = ""
    max_parallel: str = ""  # empty or 0: no limit


@dataclass(frozen=True, slots=True)
class Parallel:
    """`parallel: N`: the same job N times. Decimal text or macros."""

    count: str


@dataclass(frozen=True, slots=True)
class EnvironmentReference:
    name: str
    resource_name: str = ""
    resource_type: str = ""
    resource_id: str = ""
    tags: str = ""
    mark: Mark | None = None


class HookName(StrEnum):
    """A deployment's lifecycle hooks, in the order they run; the last two exclude each other."""

    PRE_DEPLOY = "preDeploy"
    DEPLOY = "deploy"
    ROUTE_TRAFFIC = "routeTraffic"
    POST_ROUTE_TRAFFIC = "postRouteTraffic"
    ON_SUCCESS = "on.success"
    ON_FAILURE = "on.failure"


@dataclass(frozen=True, slots=True)
class Hook:
    """Steps of one hook; `pool` None means the job's."""

    name: HookName
    steps: tuple[Step, ...]
    pool: Pool | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """What makes a job a deployment job. `strategy` is runOnce, rolling or canary; `increments` are canary's
    percentages; hooks are in running order."""

    environment: EnvironmentReference
    strategy: str
    hooks: tuple[Hook, ...]
    max_parallel: str = ""
    increments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A job or deployment job. `depends_on` None means not written (no edge)."""

    name: str
    mark: Mark
    display_name: str = ""
    depends_on: tuple[str, ...] | None = None
    depends_on_expression: str = ""  # a `$[ ]` that gives the names
    condition: str = ""  # empty: succeeded()
    continue_on_error: bool = False
    timeout_in_minutes: str = ""  # decimal text, macros or `$[ ]`; empty: 60
    cancel_timeout_in_minutes: str = ""  # empty: 5
    pool: Pool | None = None
    variables: tuple[VariableEntry, ...] = ()
    strategy: Matrix | Parallel | None = None
    steps: tuple[Step, ...] = ()
    deployment: Deployment | None = None
    container: str = ""
    services: Mapping[str, str] = field(default_factory=dict)
    workspace_clean: str = ""  # outputs, resources, all or empty
    marks: Mapping[str, Mark] = field(default_factory=dict)  # where each key stands


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage. `depends_on` None means not written: the stage above."""

    name: str
    mark: Mark
    display_name: str = ""
    depends_on: tuple[str, ...] | None = None
    condition: str = ""  # empty: succeeded()
    pool: Pool | None = None
    variables: tuple[VariableEntry, ...] = ()
    jobs: tuple[Job, ...] = ()
    lock_behavior: str = ""
    trigger: str = ""  # automatic (empty) or manual
    is_skippable: bool = True
    marks: Mapping[str, Mark] = field(default_factory=dict)  # where each key stands


@dataclass(frozen=True, slots=True)
class Filter:
    """Include and exclude patterns, as written."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A `trigger:`. `enabled` false for `none`; `written` false when the file has none: then every branch starts it."""

    enabled: bool = True
    written: bool = False
    batch: bool = False
    branches: Filter = Filter()
    paths: Filter = Filter()
    tags: Filter = Filter()
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class PullRequestTrigger:
    """A `pr:`. Honoured by GitHub and Bitbucket; Azure Repos goes by branch policies."""

    enabled: bool = True
    written: bool = False
    auto_cancel: bool = True
    drafts: bool = True
    branches: Filter = Filter()
    paths: Filter = Filter()
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron line of five fields, in UTC. `always` runs without a change since the last success."""

    cron: str
    display_name: str = ""
    branches: Filter = Filter()
    always: bool = False
    batch: bool = False
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class RepositoryResource:
    alias: str
    kind: str = "git"
    name: str = ""
    ref: str = ""
    endpoint: str = ""
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class PipelineResource:
    alias: str
    source: str = ""
    project: str = ""
    branch: str = ""
    version: str = ""
    has_trigger: bool = False
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class ContainerResource:
    """A container: `facts` are its scalar settings (image, endpoint, options ...)."""

    alias: str
    facts: Mapping[str, str] = field(default_factory=dict)
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Resources:
    """Declared resources. Builds, packages and webhooks are kept by alias only."""

    repositories: tuple[RepositoryResource, ...] = ()
    pipelines: tuple[PipelineResource, ...] = ()
    containers: tuple[ContainerResource, ...] = ()
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A root parameter as the run dialogue shows it; `default` and `value` are text (YAML text for complex types);
    `value` is what this load used."""

    name: str
    type: str = "string"
    display_name: str = ""
    default: str | None = None
    value: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A whole pipeline. `name` is the run number's format; empty means `$(Date:yyyyMMdd).$(Rev:r)`."""

    file: str
    stages: tuple[Stage, ...]
    name: str = ""
    append_commit_message_to_run_name: bool = True
    trigger: Trigger = Trigger()
    pr: PullRequestTrigger = PullRequestTrigger()
    schedules: tuple[Schedule, ...] = ()
    pool: Pool | None = None
    variables: tuple[VariableEntry, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    resources: Resources = Resources()
    lock_behavior: str = ""
