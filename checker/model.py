"""The words the checker thinks in: checks, outcomes, findings, evidence, reports. Data only, no look at Azure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What a check came to. Only PASS and FAIL say something about the work."""

    PASS = "pass"
    FAIL = "fail"
    BLOCKED = "blocked"  # a prerequisite did not pass
    WAITING = "waiting"  # in progress, the finding says with what
    UNKNOWN = "unknown"  # could not look: network, 401, 403, 429
    ERROR = "error"  # a defect of the checker


class Service(StrEnum):
    """What a check looks at. One that nobody configured is left out, with all checks that look at it."""

    AZURE = "Azure"
    DEVOPS = "Azure DevOps"
    MACHINE = "this machine"  # the learner's clone, tools and scripts; never looked at for a class


@dataclass(frozen=True)
class Module:
    """One module of the workshop. `page` is its address in the documentation, or None while it has none.

    One that is not `usual` is looked at only when it is named: the preflight comes before the day, and the clean-up
    wants gone what all others want there.
    """

    code: str
    title: str
    page: str | None = None
    usual: bool = True


MODULES: Mapping[str, Module] = {
    module.code: module
    for module in (
        Module("M0", "Preflight and lanes", usual=False),
        Module("M1", "MLOps, from notebook to pipeline"),
        Module("M2", "Azure DevOps: organisation and project"),
        Module("M3", "The repository"),
        Module("M4", "A service connection without a secret"),
        Module("M5", "Reading the pipeline"),
        Module("M6", "First run: train, evaluate, register"),
        Module("M7", "Staging: deploy and test"),
        Module("M8", "Production: release"),
        Module("M9", "Behind the scenes"),
        Module("M10", "Change the code, get a new model"),
        Module("M11", "Gates that can say no"),
        Module("M12", "Blue-green and roll-back"),
        Module("M13", "Monitoring and drift"),
        Module("M14", "Responsible AI, briefly"),
        Module("M15", "Least privilege, secrets, cost"),
        Module("M16", "Clean up, and prove it", usual=False),
        Module("M17", "Wrap-up: compare with the solution"),
    )
}


@dataclass(frozen=True)
class Evidence:
    """What a check saw: one line for a person, and named facts for a program."""

    seen: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """Why a check did not pass. `hints` is a ladder: nudge, pointer, solution."""

    seen: str
    expected: str
    hints: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    page: str | None = None


@dataclass(frozen=True)
class Check:
    """One statement about the work that can be true. `run` takes a CheckContext and returns Evidence, or raises.

    The context type stays Any here: the model is below the context and does not know it.
    """

    code: str
    title: str
    why: str
    module: str
    requires: tuple[str, ...]
    run: Callable[[Any], Evidence]
    service: Service = Service.AZURE


@dataclass(frozen=True)
class CheckResult:
    """One check that was decided. `seconds` is wall time; `blocked_by` names the prerequisites that did not pass.

    `first_passed_at` and `hints_used` come from what is kept on this machine; nothing is kept of a class.
    """

    check: Check
    outcome: Outcome
    finding: Finding | None
    evidence: Evidence | None
    seconds: float
    blocked_by: tuple[str, ...] = ()
    first_passed_at: datetime | None = None
    hints_used: int = 0


@dataclass(frozen=True)
class Calls:
    """Requests sent: `reads` to Azure (the list-keys family included), `scores` to scoring addresses, `devops` to the
    organisation."""

    reads: int
    scores: int
    devops: int = 0


@dataclass(frozen=True)
class LeftOut:
    """Checks that were asked for and not run, because the service they look at is not to be looked at, and why."""

    service: Service
    reason: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class AttendeeReport:
    """Everything one run of the checker found out about one attendee. `organization` is '' when nobody looked at it."""

    suffix: str
    subscription: str
    target: str
    started: datetime
    seconds: float
    seed: int
    calls: Calls
    request_ids: tuple[str, ...]
    results: tuple[CheckResult, ...]
    organization: str = ""
    left_out: tuple[LeftOut, ...] = ()

    def count(self, outcome: Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)


class Verdict(Exception):
    """Raised inside a check that looked and cannot say pass."""

    outcome: Outcome

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.seen)
        self.finding = finding


class Fail(Verdict):
    """The check looked, and the work is not as expected."""

    outcome = Outcome.FAIL


class Waiting(Verdict):
    """The work is in progress; nothing is wrong yet."""

    outcome = Outcome.WAITING


def failed(seen: str, expected: str, *hints: str, commands: tuple[str, ...] = ()) -> Fail:
    """A Fail to raise, with its structure; `hints` go from nudge to solution."""
    return Fail(Finding(seen, expected, hints, commands))


def waiting(seen: str, expected: str, *hints: str, commands: tuple[str, ...] = ()) -> Waiting:
    """A Waiting to raise, with its structure."""
    return Waiting(Finding(seen, expected, hints, commands))
