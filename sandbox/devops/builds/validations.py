"""Runs that validate pull requests: of the merge that is tried beforehand, for a branch policy (reason pullRequest)."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.devops.builds.definitions import Definitions
from sandbox.devops.builds.preparing import Origin, Preparing
from sandbox.devops.builds.queueing import Cause, Queueing
from sandbox.devops.builds.records import BuildRecords
from sandbox.store import Document

REASON = "pullRequest"
NUMBER = "System.PullRequest.PullRequestId"
SOURCE = "System.PullRequest.SourceCommitId"


@dataclass(frozen=True)
class Validation:
    """What is validated: a merge commit at `refs/pull/N/merge`, by a pipeline of the project. `facts` are the
    predefined variables that runs of pull requests have."""

    project: Document
    definition: int
    ref: str
    commit: str
    facts: Mapping[str, str]
    person: Mapping[str, str]


class Validations:
    """Queues validating runs and finds them again."""

    def __init__(
        self, definitions: Definitions, records: BuildRecords, preparing: Preparing, queueing: Queueing
    ) -> None:
        self._definitions = definitions
        self._records = records
        self._preparing = preparing
        self._queueing = queueing

    def definition(self, project: Document, number: int) -> Document | None:
        return self._definitions.find(project, number)

    def queue(self, asked: Validation) -> Document | None:
        """The run; None where the pipeline is gone, is disabled, or its repository lacks the commit."""
        definition = self._definitions.find(asked.project, asked.definition)
        if definition is None or definition.body["queueStatus"] == "disabled":
            return None
        version = self._preparing.version(definition, asked.ref, asked.commit)
        if version is None:
            return None
        trigger = {
            "pr.number": asked.facts[NUMBER],
            "pr.isFork": "False",
            "pr.triggerRepository": version.repository.body["id"],
            "pr.triggerRepository.Type": "TfsGit",
        }
        origin = Origin(REASON, asked.person, {}, {}, pull_request=asked.facts)
        return self._queueing.queue_by_event(definition, version, Cause(origin, None, trigger))

    def newest(self, project: Document, definition: int, number: str, source: str) -> Document | None:
        """The newest run of a pipeline that validates a pull request at a commit of its source."""
        found = [
            one
            for one in self._records.of_project(project)
            if one.body["definition"] == definition
            and one.body.get("pullRequest", {}).get(NUMBER) == number
            and one.body.get("pullRequest", {}).get(SOURCE) == source
        ]
        return found[-1] if found else None
