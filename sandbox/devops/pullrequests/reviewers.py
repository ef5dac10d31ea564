"""Reviewers of pull requests and their votes: 10 approves, 5 with suggestions, 0 none, -5 waits, -10 rejects."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.devops.context import Context, collection, read_list
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import GIT, invalid, missing, pull_request_closed
from sandbox.devops.pullrequests.records import PullRequestRecords, is_active, reviewer_wire
from sandbox.store import Document
from sandbox.wire import Call, Reply

VOTES = (10, 5, 0, -5, -10)


class Reviewers:
    """Reviewers of a pull request. `changed` hears of every change."""

    def __init__(self, context: Context, records: PullRequestRecords, changed: Callable[[Document], None]) -> None:
        self._context = context
        self._store = context.store
        self._records = records
        self._changed = changed

    def actions(self) -> list[Action]:
        row = location("git", "pullRequestReviewers")
        return [
            Action("git_pull_request_reviewers_list", "GET", row, self.list),
            Action("git_pull_request_reviewers_create_many", "POST", row, self.create_many),
            Action("git_pull_request_reviewers_get", "GET", row, self.get, one=True),
            Action("git_pull_request_reviewers_create", "PUT", row, self.put, one=True),
            Action("git_pull_request_reviewers_update", "PATCH", row, self.put, one=True),
            Action("git_pull_request_reviewers_delete", "DELETE", row, self.delete, one=True),
        ]

    def list(self, call: Call) -> Reply:
        pull_request = self._records.require(call)
        return collection(reviewer_wire(call, pull_request, one) for one in pull_request.body["reviewers"])

    def get(self, call: Call) -> Reply:
        pull_request = self._records.require(call)
        return Reply.json(reviewer_wire(call, pull_request, _found(pull_request, call.params["reviewerId"])))

    def create_many(self, call: Call) -> Reply:
        pull_request = self._editable(call)
        for row in read_list(call):
            pull_request = self._merged(pull_request, str(row.get("id") or ""), row)
        self._changed(pull_request)
        return collection(reviewer_wire(call, pull_request, one) for one in pull_request.body["reviewers"])

    def put(self, call: Call) -> Reply:
        """Add somebody, or vote. One votes in one's own name only (the service's rule; INF for its words)."""
        pull_request, guid, body = self._editable(call), call.params["reviewerId"].lower(), call.json()
        if int(body.get("vote") or 0) and guid != self._context.person(call)["id"]:
            raise invalid("A vote is cast in one's own name.", GIT)
        pull_request = self._merged(pull_request, guid, body)
        self._changed(pull_request)
        return Reply.json(reviewer_wire(call, pull_request, _found(pull_request, guid)))

    def delete(self, call: Call) -> Reply:
        pull_request = self._editable(call)
        gone = _found(pull_request, call.params["reviewerId"])
        kept = [one for one in pull_request.body["reviewers"] if one["id"] != gone["id"]]
        self._changed(self._records.update(pull_request, reviewers=kept))
        return Reply(204)

    def _editable(self, call: Call) -> Document:
        pull_request = self._records.require(call)
        if not is_active(pull_request):
            raise pull_request_closed()
        return pull_request

    def _merged(self, pull_request: Document, guid: str, given: Mapping[str, Any]) -> Document:
        with self._store.write():
            fresh = self._records.by_key(pull_request.id) or pull_request
            return self._records.update(fresh, reviewers=with_reviewer(self._context, fresh, guid, given))


def with_reviewer(
    context: Context, pull_request: Document, guid: str, given: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The reviewers of a pull request with one added or changed. Raises BadRequest for nobody and for a vote that is
    none."""
    known = {one["id"]: one for one in pull_request.body["reviewers"]}
    before = known.get(guid.lower())
    made = new_reviewer(context, guid.lower(), {**(before or {}), **given})
    return [*({**known, made["id"]: made}).values()]


def new_reviewer(context: Context, guid: str, given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        person = context.access.get_user(guid).fields()
    except KeyError as error:
        raise invalid(f"The reviewer {guid} is nobody whom this organisation knows.", GIT) from error
    vote = int(given.get("vote") or 0)
    if vote not in VOTES:
        raise invalid(f"A vote is one of {', '.join(str(one) for one in VOTES)}; this is {vote}.", GIT)
    flags = {name: bool(given.get(name)) for name in ("isRequired", "isFlagged", "hasDeclined")}
    return {**person, "vote": vote, **flags}


def _found(pull_request: Document, guid: str) -> Mapping[str, Any]:
    for one in pull_request.body["reviewers"]:
        if one["id"] == guid.lower():
            found: Mapping[str, Any] = one
            return found
    raise missing("GitPullRequestReviewer", f"{guid} does not review this pull request.", GIT)
