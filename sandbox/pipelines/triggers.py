"""Whether an event would start a run, and why (azure-pipelines contract, 2.10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sandbox.pipelines.filters import HEADS, TAGS, match_paths, match_ref
from sandbox.pipelines.model import Pipeline, PullRequestTrigger, Schedule, Trigger

SKIP_WORDS: Final = (
    "[skip ci]",
    "[ci skip]",
    "skip-checks: true",
    "skip-checks:true",
    "[skip azurepipelines]",
    "[azurepipelines skip]",
    "[skip azpipelines]",
    "[azpipelines skip]",
    "[skip azp]",
    "[azp skip]",
    "***no_ci***",
)


class Reason(StrEnum):
    """Build.Reason of the run that would start."""

    INDIVIDUAL_CI = "IndividualCI"
    BATCHED_CI = "BatchedCI"
    PULL_REQUEST = "PullRequest"
    SCHEDULE = "Schedule"


@dataclass(frozen=True, slots=True)
class Push:
    """A push to one ref. `paths` are the changed files from the root; `messages` those of all its commits. `deleted`
    for a ref that is gone."""

    ref: str
    paths: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request into `target` (a branch or ref). `host` is AzureRepos, GitHub or Bitbucket."""

    target: str
    paths: tuple[str, ...] = ()
    draft: bool = False
    host: str = "AzureRepos"


@dataclass(frozen=True, slots=True)
class Tick:
    """A schedule's time has come for a branch. `changed` says whether it changed since the last successful run."""

    schedule: Schedule
    ref: str
    changed: bool = True


Event = Push | PullRequest | Tick


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: `why` is one sentence; `batched` that the push waits while a run of the branch is under way."""

    starts: bool
    why: str
    reason: Reason | None = None
    batched: bool = False


def decide(pipeline: Pipeline, event: Event) -> Decision:
    """Whether an event starts a run of the pipeline, as the file stands at the event's branch."""
    if isinstance(event, Push):
        return decide_push(pipeline.trigger, event)
    if isinstance(event, PullRequest):
        return decide_pull_request(pipeline.pr, event)
    return decide_tick(event)


def decide_push(trigger: Trigger, push: Push) -> Decision:
    """Branches and tags are alternatives; paths count for branches only."""
    if push.deleted:
        return Decision(False, "the ref is deleted")
    word = skip_word(push.messages)
    if word:
        return Decision(False, f"a commit message holds {word}")
    if not trigger.enabled:
        return Decision(False, "trigger is none")
    if push.ref.startswith(TAGS):
        return _tag(trigger, push)
    if trigger.tags and not trigger.branches:
        return Decision(False, "the trigger names tags only, and this is a branch")
    branch = match_ref(trigger.branches, push.ref, HEADS, "branch")
    why = branch.reason if trigger.written else "the file has no trigger: every branch starts a run"
    if branch.passes and trigger.paths:
        paths = match_paths(trigger.paths, push.paths)
        if not paths.passes:
            return Decision(False, f"path filter: {paths.reason}")
        why = f"{why}; {paths.reason}"
    if not branch.passes:
        return Decision(False, f"branch filter: {why}")
    return Decision(True, why, Reason.BATCHED_CI if trigger.batch else Reason.INDIVIDUAL_CI, trigger.batch)


def decide_pull_request(trigger: PullRequestTrigger, request: PullRequest) -> Decision:
    """`pr:` filters the target branch; Azure Repos does not look at it."""
    if request.host == "AzureRepos":
        return Decision(
            False, "Azure Repos does not look at `pr:`; a branch policy (build validation) starts these runs"
        )
    if not trigger.enabled:
        return Decision(False, "pr is none")
    if request.draft and not trigger.drafts:
        return Decision(False, "it is a draft, and drafts is false")
    target = request.target if request.target.startswith("refs/") else f"{HEADS}{request.target}"
    branch = match_ref(trigger.branches, target, HEADS, "target branch")
    if not branch.passes:
        return Decision(False, f"branch filter: {branch.reason}")
    if trigger.paths:
        paths = match_paths(trigger.paths, request.paths)
        if not paths.passes:
            return Decision(False, f"path filter: {paths.reason}")
    return Decision(True, branch.reason, Reason.PULL_REQUEST)


def decide_tick(tick: Tick) -> Decision:
    """A due schedule runs when its branch filter passes and, unless `always`, something changed."""
    branch = match_ref(tick.schedule.branches, tick.ref, HEADS, "branch")
    if not branch.passes:
        return Decision(False, f"branch filter: {branch.reason}")
    if not tick.changed and not tick.schedule.always:
        return Decision(False, "nothing changed since the last successful run, and always is false")
    return Decision(True, branch.reason, Reason.SCHEDULE, tick.schedule.batch)


def skip_word(messages: Sequence[str]) -> str:
    """The words in a commit message that keep a push from starting a run; empty when there are none."""
    return next((word for message in messages for word in SKIP_WORDS if word in message.lower()), "")


def _tag(trigger: Trigger, push: Push) -> Decision:
    if not trigger.tags:
        return Decision(False, "a tag starts a run only with a tags filter")
    tag = match_ref(trigger.tags, push.ref, TAGS, "tag")
    return Decision(
        tag.passes,
        tag.reason if tag.passes else f"tag filter: {tag.reason}",
        Reason.INDIVIDUAL_CI if tag.passes else None,
    )
