"""What a pull request's policies say about it now. Worked out when somebody asks, from votes, comments and runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.devops.builds.validations import Validation, Validations
from sandbox.devops.context import Context, collection, require_organization, require_project, without_nulls
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.policies import BUILD, COMMENTS, NAMESPACE, REVIEWERS, Policies, configuration_wire
from sandbox.devops.problems import invalid, missing
from sandbox.devops.pullrequests.records import PULL_REQUESTS, PullRequestRecords, number_of
from sandbox.devops.pullrequests.threads import Threads
from sandbox.devops.repositories import project_of
from sandbox.ids import derived_guid
from sandbox.store import Document
from sandbox.wire import Call, Reply

ARTIFACT = "vstfs:///CodeReview/CodeReviewId/"
GOOD = ("succeeded", "partiallySucceeded")


@dataclass(frozen=True)
class Evaluation:
    """A policy and what it says: `status` is approved, rejected, running, queued or broken."""

    policy: Document
    status: str
    context: Mapping[str, Any]

    @property
    def blocks(self) -> bool:
        return bool(self.policy.body["isBlocking"]) and self.status != "approved"


class Evaluations:
    """Evaluates policies, and queues the runs that they ask for."""

    def __init__(
        self,
        context: Context,
        policies: Policies,
        records: PullRequestRecords,
        threads: Threads,
        validations: Validations,
    ) -> None:
        self._context = context
        self._store = context.store
        self._policies = policies
        self._records = records
        self._threads = threads
        self._validations = validations

    def actions(self) -> list[Action]:
        row = location("policy", "evaluations")
        return [
            Action("policy_evaluations_list", "GET", location("policy", "evaluationsOfArtifact"), self.list),
            Action("policy_evaluations_get", "GET", row, self.get, one=True),
            Action("policy_evaluations_requeue", "PATCH", row, self.requeue, one=True),
        ]

    # Evaluating

    def of(self, pull_request: Document) -> list[Evaluation]:
        repository = self._records.repository(pull_request)
        found = self._policies.in_force(repository, pull_request.body["targetRefName"])
        return [self._evaluate(one, pull_request) for one in found]

    def _evaluate(self, policy: Document, pull_request: Document) -> Evaluation:
        kind = policy.body["type"]
        if kind == REVIEWERS:
            return Evaluation(policy, _votes(policy.body["settings"], pull_request), {})
        if kind == COMMENTS:
            resolved = self._threads.all_resolved(pull_request)
            return Evaluation(policy, "approved" if resolved else "rejected", {})
        return self._evaluate_build(policy, pull_request)

    def _evaluate_build(self, policy: Document, pull_request: Document) -> Evaluation:
        settings, project = policy.body["settings"], project_of(self._store, pull_request)
        definition = self._validations.definition(project, settings["buildDefinitionId"])
        if definition is None:
            return Evaluation(policy, "broken", {"buildDefinitionId": settings["buildDefinitionId"]})
        build = self._newest(policy, pull_request)
        about = {
            "buildDefinitionId": definition.body["id"],
            "buildDefinitionName": definition.body["name"],
            "lastMergeSourceCommitId": pull_request.body["source"],
        }
        if build is None:
            return Evaluation(policy, "queued", about)
        current = self._is_current(settings, build, pull_request)
        about |= {"buildId": build.body["id"], "buildIsNotCurrent": not current, "isExpired": not current}
        return Evaluation(policy, _state(build) if current else "queued", about)

    def _newest(self, policy: Document, pull_request: Document) -> Document | None:
        project, number = project_of(self._store, pull_request), policy.body["settings"]["buildDefinitionId"]
        return self._validations.newest(project, int(number), number_of(pull_request), pull_request.body["source"])

    def _is_current(self, settings: Mapping[str, Any], build: Document, pull_request: Document) -> bool:
        """A run of another merge counts for as long as the settings say: never, some minutes, or for ever."""
        if build.body["sourceVersion"] == pull_request.body["merge"]:
            return True
        if not settings.get("queueOnSourceUpdateOnly"):
            return False
        minutes, ended = float(settings.get("validDuration") or 0), build.body["finishTime"]
        if not minutes or not ended:
            return True
        return bool(datetime.fromisoformat(ended) + timedelta(minutes=minutes) > self._context.clock.now())

    # Runs

    def queue_runs(self, pull_request: Document, source_moved: bool) -> None:
        """Queue what validates the present merge and is not queued yet. Drafts are left alone."""
        if pull_request.body["isDraft"] or pull_request.body["merge"] is None:
            return
        for one in self.of(pull_request):
            settings = one.policy.body["settings"]
            waits = one.policy.body["type"] == BUILD and one.status == "queued" and not settings.get("manualQueueOnly")
            if waits and (source_moved or not settings.get("queueOnSourceUpdateOnly")):
                self._queue(one.policy, pull_request)

    def _queue(self, policy: Document, pull_request: Document) -> None:
        body = pull_request.body
        number = number_of(pull_request)
        facts = {
            "System.PullRequest.PullRequestId": number,
            "System.PullRequest.SourceBranch": body["sourceRefName"],
            "System.PullRequest.SourceCommitId": body["source"],
            "System.PullRequest.TargetBranch": body["targetRefName"],
            "System.PullRequest.TargetBranchName": body["targetRefName"].removeprefix("refs/heads/"),
        }
        project, definition = project_of(self._store, pull_request), int(policy.body["settings"]["buildDefinitionId"])
        ref = f"refs/pull/{number}/merge"
        self._validations.queue(Validation(project, definition, ref, body["merge"], facts, body["createdBy"]))

    # Calls

    def list(self, call: Call) -> Reply:
        """By `artifactId`, which names a pull request: vstfs:///CodeReview/CodeReviewId/{project}/{number}."""
        project = require_project(self._store, call)
        pull_request = self._named(call, project)
        return collection(self._wire(call, project, pull_request, one) for one in self.of(pull_request))

    def _named(self, call: Call, project: Document) -> Document:
        artifact = call.option("artifactId")
        number = artifact.rpartition("/")[2]
        for one in self._store.list(PULL_REQUESTS):
            if one.key.startswith(f"{project.key}/") and number_of(one) == number and artifact.startswith(ARTIFACT):
                return one
        raise invalid(f"artifactId names a pull request as {ARTIFACT}<project id>/<number>; this is '{artifact}'.")

    def get(self, call: Call) -> Reply:
        project = require_project(self._store, call)
        return Reply.json(self._wire(call, project, *self._require(call, project)))

    def requeue(self, call: Call) -> Reply:
        """A build runs again; the others are worked out anew at every look."""
        project = require_project(self._store, call)
        pull_request, found = self._require(call, project)
        if found.policy.body["type"] == BUILD and pull_request.body["merge"]:
            self._queue(found.policy, pull_request)
            found = self._evaluate(found.policy, pull_request)
        return Reply.json(self._wire(call, project, pull_request, found))

    def _require(self, call: Call, project: Document) -> tuple[Document, Evaluation]:
        require_organization(self._store, call)
        wanted = call.params["evaluationId"].lower()
        for pull_request in self._store.list(PULL_REQUESTS):
            if pull_request.key.startswith(f"{project.key}/"):
                for one in self.of(pull_request):
                    if _guid(pull_request, one.policy) == wanted:
                        return pull_request, one
        raise missing("PolicyEvaluation", f"There is no policy evaluation with the id {wanted}.", NAMESPACE)

    def _wire(self, call: Call, project: Document, pull_request: Document, one: Evaluation) -> dict[str, Any]:
        done = one.status in ("approved", "rejected")
        return without_nulls(
            {
                "configuration": configuration_wire(call, project, one.policy),
                "artifactId": f"{ARTIFACT}{project.body['id']}/{number_of(pull_request)}",
                "evaluationId": _guid(pull_request, one.policy),
                "startedDate": pull_request.body["creationDate"],
                "completedDate": self._context.now() if done else None,
                "status": one.status,
                "context": dict(one.context) or None,
            }
        )


def _guid(pull_request: Document, policy: Document) -> str:
    return derived_guid("policy-evaluation", f"{pull_request.key}/{policy.body['id']}")


def _votes(settings: Mapping[str, Any], pull_request: Document) -> str:
    """Enough approvals, and nobody who waits or rejects unless that is allowed."""
    body = pull_request.body
    if any(one["vote"] < 0 for one in body["reviewers"]) and not settings.get("allowDownvotes"):
        return "rejected"
    own = settings.get("creatorVoteCounts")
    counted = [one["vote"] for one in body["reviewers"] if own or one["id"] != body["createdBy"]["id"]]
    enough = sum(vote > 0 for vote in counted) >= int(settings["minimumApproverCount"])
    return "approved" if enough else "running"


def _state(build: Document) -> str:
    if build.body["status"] != "completed":
        return "running"
    return "approved" if build.body["result"] in GOOD else "rejected"
