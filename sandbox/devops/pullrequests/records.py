"""Pull requests as they are stored, found and shown. Their ids are counted in the organisation."""

from collections.abc import Mapping
from typing import Any

from sandbox.devops.context import (
    Context,
    address,
    identity,
    next_number,
    project_collection,
    require_organization,
    require_project,
    without_nulls,
)
from sandbox.devops.problems import pull_request_missing
from sandbox.devops.pushes import repository_address
from sandbox.devops.repositories import Repositories
from sandbox.store import Document, Documents
from sandbox.wire import Call

PULL_REQUESTS = "devops/pull-requests"
Fields = dict[str, Any]


class PullRequestRecords:
    """The stored pull requests of every repository."""

    def __init__(self, context: Context, repositories: Repositories) -> None:
        self._context = context
        self._store = context.store
        self._repositories = repositories

    # Finding

    def of_repository(self, repository: Document) -> Documents:
        """Newest first."""
        found = self._store.list(PULL_REQUESTS, f"{repository.id}/pullrequests")
        return sorted(found, key=lambda one: -int(one.body["pullRequestId"]))

    def asked(self, call: Call) -> Documents:
        """Those of the call's repository, else of its project, else of the organisation; newest first."""
        if call.params.get("repositoryId"):
            return self.of_repository(self._repositories.require(call))
        beneath = project_collection(require_organization(self._store, call))
        if call.params.get("project"):
            beneath = require_project(self._store, call).id
        found = [one for one in self._store.list(PULL_REQUESTS) if one.key.startswith(f"{beneath.lower()}/")]
        return sorted(found, key=lambda one: -int(one.body["pullRequestId"]))

    def require(self, call: Call) -> Document:
        """The pull request that a call names. Raises NotFound in the service's words."""
        wanted = call.params["pullRequestId"]
        found = next((one for one in self.asked(call) if str(one.body["pullRequestId"]) == wanted), None)
        if found is None:
            raise pull_request_missing()
        return found

    def by_key(self, key: str) -> Document | None:
        return self._store.get(PULL_REQUESTS, key)

    def repository(self, pull_request: Document) -> Document:
        found = self._repositories.by_key(pull_request.parent.rpartition("/")[0])
        if found is None:
            raise pull_request_missing()
        return found

    # Changing

    def create(self, repository: Document, body: Fields) -> Document:
        parent = f"{repository.id}/pullrequests"
        with self._store.write() as change:
            number = next_number(change, repository.id.split("/")[2], "pullrequests")
            return change.put(PULL_REQUESTS, f"{parent}/{number}", {"pullRequestId": number, **body}, parent)

    def update(self, pull_request: Document, **fields: Any) -> Document:
        """Change some fields; whatever others changed meanwhile stays."""
        with self._store.write() as change:
            found = change.get(PULL_REQUESTS, pull_request.id) or pull_request
            return change.put(PULL_REQUESTS, found.id, {**found.body, **fields}, found.parent)

    # On the wire

    def wire(self, call: Call, pull_request: Document) -> Fields:
        """A pull request in full, as `GET` answers it."""
        body, repository = pull_request.body, self.repository(pull_request)
        merge = _commits(call, repository, body)
        return without_nulls(
            {
                "repository": self._repositories.wire(call, repository),
                "codeReviewId": body["pullRequestId"],
                **_said(body),
                "createdBy": identity(call, body["createdBy"]),
                "closedBy": identity(call, body["closedBy"]) if body["closedBy"] else None,
                "autoCompleteSetBy": identity(call, body["autoCompleteSetBy"]) if body["autoCompleteSetBy"] else None,
                **merge,
                "reviewers": [reviewer_wire(call, pull_request, one) for one in body["reviewers"]],
                "labels": [],
                "url": repository_address(call, repository, "pullRequests", str(body["pullRequestId"])),
                "completionOptions": body["completionOptions"] or None,
                "supportsIterations": True,
                "artifactId": artifact_id(pull_request),
            }
        )


def _said(body: Mapping[str, Any]) -> Fields:
    """What is shown as it is stored."""
    names = (
        *("pullRequestId", "status", "creationDate", "closedDate", "title", "description", "sourceRefName"),
        *("targetRefName", "mergeStatus", "mergeFailureMessage", "isDraft", "mergeId"),
    )
    return {name: body[name] for name in names}


def _commits(call: Call, repository: Document, body: Mapping[str, Any]) -> Fields:
    names = {"lastMergeSourceCommit": "source", "lastMergeTargetCommit": "target", "lastMergeCommit": "merge"}
    return {
        name: {"commitId": body[key], "url": repository_address(call, repository, "commits", body[key])}
        for name, key in names.items()
        if body[key]
    }


def reviewer_wire(call: Call, pull_request: Document, reviewer: Mapping[str, Any]) -> Fields:
    number, repository = str(pull_request.body["pullRequestId"]), pull_request.id.split("/")
    where = address(
        call,
        "git",
        "repositories",
        repository[6],
        "pullRequests",
        number,
        "reviewers",
        reviewer["id"],
        project=repository[4],
    )
    state = {name: reviewer[name] for name in ("vote", "isRequired", "isFlagged", "hasDeclined")}
    return {**identity(call, reviewer), "reviewerUrl": where, **state}


def artifact_id(pull_request: Document) -> str:
    """How links name a pull request."""
    parts = pull_request.id.split("/")
    return f"vstfs:///Git/PullRequestId/{parts[4]}%2f{parts[6]}%2f{pull_request.body['pullRequestId']}"


def number_of(pull_request: Document) -> str:
    return str(pull_request.body["pullRequestId"])


def is_active(pull_request: Document) -> bool:
    return bool(pull_request.body["status"] == "active")
