"""Changes of main by pull request, over REST: the policy that asks for them, and one from its branch to the merge."""

from typing import Any

from journey.errors import JourneyError
from journey.organization import Organization

MINIMUM_REVIEWERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"
HEADS = "refs/heads/"
APPROVED = 10


class Changes:
    """The pull requests of one repository. `path` leads to the project's APIs: `AIDevCollege/_apis`."""

    def __init__(self, organization: Organization, path: str, repository: str) -> None:
        self._organization = organization
        self._path = path
        self._repository = repository
        self._pull_requests = f"{path}/git/repositories/{repository}/pullrequests"

    def guard(self, branch: str = "main") -> bool:
        """Asks for a pull request with one approval, the requester's own included; whether that was still to be done.

        Who works alone approves alone: what counts is that main changes by something that can be looked at.
        """
        if self.guarded(branch):
            return False
        scope = {"repositoryId": self._repository, "refName": f"{HEADS}{branch}", "matchKind": "exact"}
        body = {
            "isEnabled": True,
            "isBlocking": True,
            "type": {"id": MINIMUM_REVIEWERS},
            "settings": {"minimumApproverCount": 1, "creatorVoteCounts": True, "scope": [scope]},
        }
        self._organization.post(f"{self._path}/policy/configurations", body)
        return True

    def guarded(self, branch: str = "main") -> bool:
        """Whether a policy asks for pull requests on a branch."""
        query = {"repositoryId": self._repository, "refName": f"{HEADS}{branch}"}
        found = self._organization.list(f"{self._path}/git/policy/configurations", query)
        return any(one["isEnabled"] and one["isBlocking"] for one in found)

    def merge(self, source: str, title: str, target: str = "main") -> str:
        """Opens a pull request unless there is one, approves it and completes it; the commit of the merge.

        Raises JourneyError where the service does not complete it.
        """
        found = self._find(source, target) or self._open(source, target, title)
        number = found["pullRequestId"]
        me = self._organization.get("_apis/connectionData", version="7.1-preview")["authenticatedUser"]["id"]
        self._organization.put(f"{self._pull_requests}/{number}/reviewers/{me}", {"vote": APPROVED})
        seen = self._organization.get(f"{self._pull_requests}/{number}")["lastMergeSourceCommit"]
        body = {
            "status": "completed",
            "lastMergeSourceCommit": {"commitId": seen["commitId"]},
            "completionOptions": {"deleteSourceBranch": True},
        }
        done = self._organization.patch(f"{self._pull_requests}/{number}", body)
        if done["status"] != "completed":
            seen_state = f"{done['status']}, its merge {done.get('mergeStatus', 'not tried')}"
            raise JourneyError(f"pull request {number} of {source}", seen_state, "completed")
        return str(done["lastMergeCommit"]["commitId"])

    def _find(self, source: str, target: str) -> dict[str, Any] | None:
        query = {
            "searchCriteria.status": "active",
            "searchCriteria.sourceRefName": f"{HEADS}{source}",
            "searchCriteria.targetRefName": f"{HEADS}{target}",
        }
        return next(iter(self._organization.list(self._pull_requests, query)), None)

    def _open(self, source: str, target: str, title: str) -> dict[str, Any]:
        body = {"sourceRefName": f"{HEADS}{source}", "targetRefName": f"{HEADS}{target}", "title": title}
        return dict(self._organization.post(self._pull_requests, body))
