"""How a branch of a repository changes: its policies, its pull requests, and branches that were never merged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checker.clients.devops import CODE_SCOPE, HEADS, short_branch
from checker.clients.documents import number, sequence, text, value
from checker.clients.organization import Organization

READ = 20  # newest pull requests of a branch
CHANGES_READ = "20"  # files of a commit


@dataclass(frozen=True)
class Policy:
    """A branch policy. `kind` is the display name of its type."""

    kind: str
    enabled: bool
    blocking: bool


@dataclass(frozen=True)
class PullRequest:
    """`commit` is the merge, of a completed one; branches are without refs/heads/."""

    number: str
    title: str
    status: str
    source: str
    commit: str
    merge_status: str


@dataclass(frozen=True)
class Branch:
    """A branch that has `ahead` commits which the default branch has not; `title` and `commit` are the newest one's."""

    name: str
    ahead: int
    title: str
    commit: str


class PullRequestClient:
    """The changes of one project's repositories. Every method is one request, and raises what `Organization.get`
    raises."""

    def __init__(self, organization: Organization, project: str) -> None:
        self._organization = organization
        self._beneath = f"{project}/_apis"

    def list_policies(self, repository_id: str, branch: str) -> list[Policy]:
        """The policies that concern a branch, those that are switched off included."""
        query = {"repositoryId": repository_id, "refName": f"{HEADS}{branch}"}
        found = self._get("git/policy/configurations", query)
        return [policy(entry) for entry in sequence(found, "value") if value(entry, "isDeleted") is not True]

    def list_pull_requests(self, repository_id: str, branch: str) -> list[PullRequest]:
        """The newest pull requests into a branch, whatever became of them; newest first."""
        query = {
            "searchCriteria.status": "all",
            "searchCriteria.targetRefName": f"{HEADS}{branch}",
            "$top": str(READ),
        }
        found = self._get(f"git/repositories/{repository_id}/pullrequests", query)
        return [pull_request(entry) for entry in sequence(found, "value")]

    def list_branches(self, repository_id: str) -> list[Branch]:
        """All branches, each with its newest commit and by how many it is ahead of the default one."""
        found = self._get(f"git/repositories/{repository_id}/stats/branches", {})
        return [branch(entry) for entry in sequence(found, "value")]

    def list_changed_files(self, repository_id: str, commit: str) -> list[str]:
        """The paths that a commit changes against its first parent, without a leading slash; the first few."""
        found = self._get(f"git/repositories/{repository_id}/commits/{commit}", {"changeCount": CHANGES_READ})
        return [text(entry, "item", "path").lstrip("/") for entry in sequence(found, "changes")]

    def _get(self, path: str, query: Mapping[str, str]) -> Any | None:
        return self._organization.get(f"{self._beneath}/{path}", CODE_SCOPE, **query)


def policy(document: Any) -> Policy:
    return Policy(
        kind=text(document, "type", "displayName"),
        enabled=value(document, "isEnabled") is True,
        blocking=value(document, "isBlocking") is True,
    )


def pull_request(document: Any) -> PullRequest:
    return PullRequest(
        number=text(document, "pullRequestId"),
        title=text(document, "title"),
        status=text(document, "status"),
        source=short_branch(text(document, "sourceRefName")),
        commit=text(document, "lastMergeCommit", "commitId"),
        merge_status=text(document, "mergeStatus"),
    )


def branch(document: Any) -> Branch:
    return Branch(
        name=text(document, "name"),
        ahead=number(document, "aheadCount") or 0,
        title=text(document, "commit", "comment"),
        commit=text(document, "commit", "commitId"),
    )
