"""From an active pull request to a merge on its target: what must hold, the commit, and the push it counts as."""

from collections.abc import Mapping
from typing import Any

from sandbox.devops.context import Context
from sandbox.devops.git import ZERO
from sandbox.devops.policies import TYPES, Policies
from sandbox.devops.problems import GIT, invalid, pull_request_closed, pull_request_stale
from sandbox.devops.pullrequests.evaluations import Evaluations
from sandbox.devops.pullrequests.merging import Sides, complete, try_merge
from sandbox.devops.pullrequests.records import PullRequestRecords, is_active, number_of
from sandbox.devops.pushes import Pushes
from sandbox.devops.repositories import RefUpdate, Repositories
from sandbox.errors import Forbidden
from sandbox.log import event
from sandbox.store import Document

STRATEGIES = {"nofastforward": "noFastForward", "squash": "squash", "rebase": "rebase", "rebasemerge": "rebaseMerge"}
SHORT = "refs/heads/"


class Completion:
    """Keeps the merge of a pull request fresh, and completes it. Everything happens under the repository's lock."""

    def __init__(
        self,
        context: Context,
        repositories: Repositories,
        pushes: Pushes,
        policies: Policies,
        records: PullRequestRecords,
        evaluations: Evaluations,
    ) -> None:
        self._context = context
        self._git = context.git
        self._repositories = repositories
        self._pushes = pushes
        self._policies = policies
        self._records = records
        self._evaluations = evaluations

    # The merge that is tried beforehand

    def refresh(self, pull_request: Document) -> Document:
        """The pull request, with its merge tried again if a branch has moved since; queues the runs that follow."""
        repository = self._records.repository(pull_request)
        folder = self._repositories.folder(repository)
        with self._git.lock(folder):
            fresh = self._records.by_key(pull_request.id) or pull_request
            refs, body = self._git.refs(folder), fresh.body
            source, target = refs.get(body["sourceRefName"], ""), refs.get(body["targetRefName"], "")
            if not is_active(fresh) or not (source and target) or (source, target) == (body["source"], body["target"]):
                return fresh
            moved = source != body["source"]
            fresh = self._tried(fresh, Sides(folder, target, source), moved)
        self._evaluations.queue_runs(fresh, moved)
        return fresh

    def published(self, pull_request: Document) -> None:
        """Queue what a draft did without."""
        self._evaluations.queue_runs(self.refresh(pull_request), True)

    def _tried(self, pull_request: Document, sides: Sides, moved: bool) -> Document:
        body, number = pull_request.body, number_of(pull_request)
        branches = [body[name].removeprefix(SHORT) for name in ("sourceRefName", "targetRefName")]
        message = f"Merge pull request {number} from {branches[0]} into {branches[1]}"
        attempt = try_merge(self._git, sides, message, self._signature(body["createdBy"], body["createdBy"]))
        ref = f"refs/pull/{number}/merge"
        if attempt.commit:
            self._git.run(sides.folder, "update-ref", ref, attempt.commit)
        elif ref in self._git.refs(sides.folder):
            self._git.run(sides.folder, "update-ref", "-d", ref)
        return self._records.update(
            pull_request,
            source=sides.source,
            target=sides.target,
            merge=attempt.commit,
            mergeStatus=attempt.status,
            mergeFailureMessage=attempt.message or None,
            mergeId=self._context.ids.guid(),
            reviewers=self._kept_votes(pull_request) if moved else body["reviewers"],
        )

    def _kept_votes(self, pull_request: Document) -> list[dict[str, Any]]:
        """A push to the source takes the votes back where a policy says so."""
        repository, ref = self._records.repository(pull_request), pull_request.body["targetRefName"]
        found = self._policies.in_force(repository, ref)
        reset = any(one.body["settings"].get("resetOnSourcePush") for one in found)
        return [{**one, "vote": 0 if reset else one["vote"]} for one in pull_request.body["reviewers"]]

    # Completing

    def complete_if_due(self, pull_request: Document) -> None:
        """Complete what somebody set to complete by itself, once its policies are met."""
        fresh = self.refresh(pull_request)
        due = is_active(fresh) and fresh.body["autoCompleteSetBy"] and not fresh.body["isDraft"]
        if due and fresh.body["mergeStatus"] == "succeeded" and not self._blocking(fresh):
            self._complete(fresh, fresh.body["autoCompleteSetBy"])

    def complete(self, pull_request: Document, commit: str, person: dict[str, str]) -> Document:
        """Complete at a commit of the source that the caller has seen. Raises Forbidden for policies that are not met
        and Conflict for another commit; one with conflicts stays active, as on the service."""
        fresh = self.refresh(pull_request)
        if not is_active(fresh):
            raise pull_request_closed()
        if not commit:
            raise invalid("Completing names lastMergeSourceCommit: the commit that was reviewed.", GIT)
        if commit != fresh.body["source"]:
            raise pull_request_stale()
        if fresh.body["isDraft"]:
            raise invalid("A draft cannot be completed: publish it first.", GIT)
        blocking = self._blocking(fresh)
        if blocking:
            raise Forbidden(
                f"{GIT}.GitPullRequestUpdateRejectedByPolicyException",
                "The pull request cannot be completed: these policies are not met: "
                f"{', '.join(blocking)}. Nobody here has the permission to bypass policies.",
            )
        return self._complete(fresh, person) if fresh.body["mergeStatus"] == "succeeded" else fresh

    def _blocking(self, pull_request: Document) -> list[str]:
        found = [one for one in self._evaluations.of(pull_request) if one.blocks]
        return [f"{TYPES[one.policy.body['type']]} ({one.status})" for one in found]

    def _complete(self, pull_request: Document, person: dict[str, str]) -> Document:
        repository = self._records.repository(pull_request)
        folder = self._repositories.folder(repository)
        with self._pushes.recording(repository, person):
            body = pull_request.body
            refs = self._git.refs(folder)
            if (refs.get(body["sourceRefName"]), refs.get(body["targetRefName"])) != (body["source"], body["target"]):
                raise pull_request_stale()
            options, sides = body["completionOptions"], Sides(folder, body["target"], body["source"])
            who = self._signature(body["createdBy"], person)
            attempt = complete(self._git, sides, _strategy(options), _message(pull_request), who)
            if attempt.commit is None:
                failed = {"mergeStatus": attempt.status, "mergeFailureMessage": attempt.message}
                return self._records.update(pull_request, **failed)
            pull_request = self._records.update(pull_request, completing={"commit": attempt.commit, "person": person})
            self._git.run(folder, "update-ref", body["targetRefName"], attempt.commit, body["target"])
            if options.get("deleteSourceBranch"):
                self._delete_source(repository, body)
            return self._closed(pull_request, attempt.commit, person)

    def _delete_source(self, repository: Document, body: Mapping[str, Any]) -> None:
        update = RefUpdate(body["sourceRefName"], body["source"], ZERO)
        if self._policies.refusal(repository, update):
            event("source branch kept", ref=update.name, why="a policy guards it")
            return
        self._git.run(self._repositories.folder(repository), "update-ref", "-d", update.name, update.old)

    def _closed(self, pull_request: Document, commit: str, person: dict[str, str]) -> Document:
        return self._records.update(
            pull_request,
            status="completed",
            closedDate=self._context.now(),
            closedBy=person,
            merge=commit,
            completing=None,
        )

    def settle_interrupted(self, pull_request: Document) -> None:
        """What a killed server was completing: done if the target has moved, else as if it had not begun."""
        completing = pull_request.body["completing"]
        folder = self._repositories.folder(self._records.repository(pull_request))
        target = pull_request.body["targetRefName"]
        done = self._git.attempt(folder, "merge-base", "--is-ancestor", completing["commit"], target)
        if done.returncode:
            self._records.update(pull_request, completing=None)
        else:
            self._closed(pull_request, completing["commit"], completing["person"])

    def _signature(self, author: Mapping[str, str], committer: Mapping[str, str]) -> dict[str, str]:
        """Whoever made the pull request is the author, whoever completes it the committer (INF)."""
        now = self._context.clock.timestamp()
        found: dict[str, str] = {}
        for role, person in (("AUTHOR", author), ("COMMITTER", committer)):
            found |= {
                f"GIT_{role}_NAME": person["displayName"],
                f"GIT_{role}_EMAIL": person["uniqueName"],
                f"GIT_{role}_DATE": now,
            }
        return found


def _strategy(options: Mapping[str, Any]) -> str:
    if options.get("mergeStrategy"):
        return str(options["mergeStrategy"])
    return "squash" if options.get("squashMerge") else "noFastForward"


def _message(pull_request: Document) -> str:
    body = pull_request.body
    given = str(body["completionOptions"].get("mergeCommitMessage") or "")
    title = f"Merged PR {number_of(pull_request)}: {body['title']}"
    return given or "\n\n".join(part for part in (title, body["description"] or "") if part)
