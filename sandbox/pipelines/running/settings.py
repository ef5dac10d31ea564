"""What a run is asked to do, and how patient it is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.pipelines.expressions.contexts import DependencyState, Result
from sandbox.pipelines.model import Variable
from sandbox.pipelines.planning import Plan


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in seconds. `minute` is how long a minute of the file lasts; `retry_scale` shortens the waits between the
    attempts of a step, and the log says so; a stopped command is interrupted, later asked to terminate, then killed."""

    minute: float = 60.0
    retry_scale: float = 0.1
    interrupt: float = 7.5
    terminate: float = 2.5


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """A finished stage: its own result, and each job's with its outputs."""

    result: Result
    jobs: Mapping[str, DependencyState] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended. `stages` may be given to a later run as `earlier`, to run only what failed."""

    result: Result
    build_number: str
    stages: Mapping[str, StageOutcome]
    tags: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run of a plan.

    `facts` are predefined variables by name (Build.SourceBranch, Build.SourceVersion, Build.DefinitionName,
    Build.Reason, System.TeamProject ...); `variables` those of the pipeline's settings and of queue time, the stronger
    ones last. `only` names the stages to run, as if they depended on nothing else; `skip` those that are left out.
    `caches` is where Cache tasks of this pipeline keep folders from run to run; None keeps nothing.
    `earlier` holds stages that are not run again. `build_number` is one that was given before; empty: made from the
    pipeline's `name`. `agents` is how many jobs run at once. With `checkpoints` the host is
    asked once before each stage, for everything that the stage waits for (GateRequest kind `checkpoint`).
    """

    plan: Plan
    run_id: int
    facts: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[Variable, ...] = ()
    only: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    earlier: Mapping[str, StageOutcome] = field(default_factory=dict)
    stage_attempts: Mapping[str, int] = field(default_factory=dict)
    access_token: str = ""
    build_number: str = ""
    agent_name: str = "local agent"
    agents: int = max(2, os.cpu_count() or 2)
    patience: Patience = Patience()
    keep_workspaces: bool = False
    caches: Path | None = None
    checkpoints: bool = False
