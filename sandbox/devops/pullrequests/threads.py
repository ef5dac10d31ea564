"""Comment threads of pull requests: what the policy for comments counts."""

from collections.abc import Callable
from typing import Any

from sandbox.devops.context import Context, collection, identity, without_nulls
from sandbox.devops.enumerations import THREAD_STATUS, name_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import GIT, invalid, missing
from sandbox.devops.pullrequests.records import PullRequestRecords, number_of
from sandbox.devops.pushes import repository_address
from sandbox.store import Document, Documents
from sandbox.wire import Call, Reply

THREADS = "devops/pull-request-threads"
OPEN = ("active", "pending")
SPELT = {name.lower(): name for name in ("unknown", "active", "fixed", "wontFix", "closed", "byDesign", "pending")}


class Threads:
    """Threads and their comments. `changed` hears of every change of a pull request's threads."""

    def __init__(self, context: Context, records: PullRequestRecords, changed: Callable[[Document], None]) -> None:
        self._context = context
        self._store = context.store
        self._records = records
        self._changed = changed

    def actions(self) -> list[Action]:
        row, comments = location("git", "pullRequestThreads"), location("git", "pullRequestThreadComments")
        return [
            Action("git_pull_request_threads_list", "GET", row, self.list),
            Action("git_pull_request_threads_create", "POST", row, self.create),
            Action("git_pull_request_threads_get", "GET", row, self.get, one=True),
            Action("git_pull_request_threads_update", "PATCH", row, self.update, one=True),
            Action("git_pull_request_thread_comments_list", "GET", comments, self.comments),
            Action("git_pull_request_thread_comments_create", "POST", comments, self.comment),
        ]

    def all_resolved(self, pull_request: Document) -> bool:
        return not any(one.body["status"] in OPEN for one in self._of(pull_request))

    def _of(self, pull_request: Document) -> Documents:
        found = self._store.list(THREADS, f"{pull_request.id}/threads")
        return sorted(found, key=lambda one: int(one.body["id"]))

    def list(self, call: Call) -> Reply:
        pull_request = self._records.require(call)
        return collection(self._wire(call, pull_request, one) for one in self._of(pull_request))

    def get(self, call: Call) -> Reply:
        pull_request, thread = self._require(call)
        return Reply.json(self._wire(call, pull_request, thread))

    def create(self, call: Call) -> Reply:
        pull_request, body = self._records.require(call), call.json()
        comments = body.get("comments") or []
        if not comments:
            raise invalid("A thread has at least one comment.", GIT)
        now = self._context.now()
        with self._store.write() as change:
            number = len(change.list(THREADS, f"{pull_request.id}/threads")) + 1
            fields = {
                "id": number,
                "status": _status(body),
                "publishedDate": now,
                "lastUpdatedDate": now,
                "threadContext": body.get("threadContext"),
                "comments": [self._comment(call, one, index) for index, one in enumerate(comments, 1)],
            }
            parent = f"{pull_request.id}/threads"
            thread = change.put(THREADS, f"{parent}/{number}", fields, parent)
        self._changed(pull_request)
        return Reply.json(self._wire(call, pull_request, thread))

    def update(self, call: Call) -> Reply:
        """The status is what can be changed."""
        pull_request, thread = self._require(call)
        body = {**thread.body, "status": _status(call.json()), "lastUpdatedDate": self._context.now()}
        thread = self._store.put(THREADS, thread.id, body, thread.parent)
        self._changed(pull_request)
        return Reply.json(self._wire(call, pull_request, thread))

    def comments(self, call: Call) -> Reply:
        pull_request, thread = self._require(call)
        return collection(self._wire(call, pull_request, thread)["comments"])

    def comment(self, call: Call) -> Reply:
        pull_request, thread = self._require(call)
        with self._store.write() as change:
            fresh = change.get(THREADS, thread.id) or thread
            comments = [*fresh.body["comments"], self._comment(call, call.json(), len(fresh.body["comments"]) + 1)]
            body = {**fresh.body, "comments": comments, "lastUpdatedDate": self._context.now()}
            thread = change.put(THREADS, thread.id, body, thread.parent)
        return Reply.json(self._wire(call, pull_request, thread)["comments"][-1])

    def _comment(self, call: Call, given: dict[str, Any], number: int) -> dict[str, Any]:
        now = self._context.now()
        return {
            "id": number,
            "parentCommentId": int(given.get("parentCommentId") or 0),
            "author": self._context.person(call),
            "content": str(given.get("content") or ""),
            "publishedDate": now,
            "lastUpdatedDate": now,
            "lastContentUpdatedDate": now,
        }

    def _require(self, call: Call) -> tuple[Document, Document]:
        pull_request, number = self._records.require(call), call.params["threadId"]
        found = self._store.get(THREADS, f"{pull_request.id}/threads/{number}")
        if found is None:
            message = f"There is no comment thread {number} in the pull request {number_of(pull_request)}."
            raise missing("GitPullRequestCommentThread", message, GIT)
        return pull_request, found

    def _wire(self, call: Call, pull_request: Document, thread: Document) -> dict[str, Any]:
        body, repository = thread.body, self._records.repository(pull_request)
        segments = ("pullRequests", number_of(pull_request), "threads", str(body["id"]))
        comments = [
            {**one, "author": identity(call, one["author"]), "commentType": "text", "usersLiked": []}
            for one in body["comments"]
        ]
        shown = {name: body[name] for name in ("id", "publishedDate", "lastUpdatedDate", "status", "threadContext")}
        where = repository_address(call, repository, *segments)
        return without_nulls({**shown, "comments": comments, "isDeleted": False, "_links": {"self": {"href": where}}})


def _status(body: dict[str, Any]) -> str:
    """The service's spelling of a status. Raises BadRequest."""
    given = name_of(body.get("status") or "active", THREAD_STATUS)
    if given not in SPELT:
        raise invalid(f"A thread's status is one of {', '.join(SPELT.values())}; this is '{given}'.", GIT)
    return SPELT[given]
