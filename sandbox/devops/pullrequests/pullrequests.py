"""Pull requests: made, found, changed, completed."""

from collections.abc import Mapping
from typing import Any

from sandbox.devops import history
from sandbox.devops.context import Context, collection, flag_option, moment_option, number_option
from sandbox.devops.enumerations import MERGE_STRATEGY, PULL_REQUEST_STATUS, name_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import GIT, invalid, not_here, pull_request_closed, pull_request_exists
from sandbox.devops.pullrequests.completion import STRATEGIES, Completion
from sandbox.devops.pullrequests.records import PullRequestRecords, is_active
from sandbox.devops.pullrequests.reviewers import new_reviewer
from sandbox.devops.pushes import commit_wire
from sandbox.devops.repositories import Repositories
from sandbox.errors import Conflict
from sandbox.store import Document
from sandbox.wire import Call, Reply

LONGEST_TITLE = 400
LONGEST_DESCRIPTION = 4000
MOST = 101  # how many a list shows unless told otherwise, as documented
Rows = list[dict[str, Any]]
NOBODY = "00000000-0000-0000-0000-000000000000"


class PullRequests:
    """The pull requests of a repository, and across a project."""

    def __init__(
        self, context: Context, repositories: Repositories, records: PullRequestRecords, completion: Completion
    ) -> None:
        self._context = context
        self._git = context.git
        self._repositories = repositories
        self._records = records
        self._completion = completion

    def actions(self) -> list[Action]:
        row, by_id = location("git", "pullRequests"), location("git", "pullRequestsById")
        commits, items = location("git", "pullRequestCommits"), location("git", "pullRequestWorkItems")
        return [
            Action("git_pull_requests_list", "GET", row, self.list),
            Action("git_pull_requests_create", "POST", row, self.create),
            Action("git_pull_requests_get", "GET", row, self.get, one=True),
            Action("git_pull_requests_update", "PATCH", row, self.update, one=True),
            Action("git_pull_requests_list_of_project", "GET", location("git", "pullRequestsByProject"), self.list),
            Action("git_pull_requests_get_by_id", "GET", by_id, self.get, one=True),
            Action("git_pull_request_commits_list", "GET", commits, self.commits),
            Action("git_pull_request_work_items_list", "GET", items, self.work_items),
        ]

    # Reading

    def list(self, call: Call) -> Reply:
        """By `searchCriteria`, whose status is `active` where nothing is said."""
        found = [one for one in self._records.asked(call) if _matches(call, one)]
        skip, top = number_option(call, "$skip", 0), number_option(call, "$top", MOST)
        return collection(self._records.wire(call, self._completion.refresh(one)) for one in found[skip : skip + top])

    def get(self, call: Call) -> Reply:
        pull_request = self._completion.refresh(self._records.require(call))
        wire = self._records.wire(call, pull_request)
        if flag_option(call, "includeCommits"):
            wire["commits"] = self._commits(call, pull_request)
        return Reply.json(wire)

    def commits(self, call: Call) -> Reply:
        """What the source has and the target had not when it was looked at last."""
        return collection(self._commits(call, self._completion.refresh(self._records.require(call))))

    def _commits(self, call: Call, pull_request: Document) -> Rows:
        repository, body = self._records.repository(pull_request), pull_request.body
        revisions = [body["source"], f"^{body['target']}"]
        found = history.commits(self._git, self._repositories.folder(repository), revisions)
        return [commit_wire(call, repository, one) for one in found]

    def work_items(self, call: Call) -> Reply:
        """None: links to work items are not kept here, and making one is refused."""
        self._records.require(call)
        return collection([])

    # Making

    def create(self, call: Call) -> Reply:
        repository, body = self._repositories.require(call), call.json()
        source, target = _branch(body, "sourceRefName"), _branch(body, "targetRefName")
        self._check_branches(repository, source, target)
        if body.get("workItemRefs"):
            raise not_here("The sandbox does not link work items to pull requests.")
        reviewers = [
            new_reviewer(self._context, str(one.get("id")).lower(), one) for one in body.get("reviewers") or []
        ]
        fields = {
            "status": "active",
            "createdBy": self._context.person(call),
            "creationDate": self._context.now(),
            "closedDate": None,
            "closedBy": None,
            "autoCompleteSetBy": None,
            "title": _title(body),
            "description": _description(body),
            "sourceRefName": source,
            "targetRefName": target,
            "isDraft": bool(body.get("isDraft")),
            "mergeStatus": "queued",
            "mergeFailureMessage": None,
            "mergeId": self._context.ids.guid(),
            "source": None,
            "target": None,
            "merge": None,
            "reviewers": reviewers,
            "completionOptions": _options(body),
            "completing": None,
        }
        made = self._completion.refresh(self._create_once(repository, fields))
        return Reply.json(self._records.wire(call, made), 201)

    def _create_once(self, repository: Document, fields: dict[str, Any]) -> Document:
        with self._context.store.write():
            for one in self._records.of_repository(repository):
                pair = (one.body["sourceRefName"], one.body["targetRefName"])
                if is_active(one) and pair == (fields["sourceRefName"], fields["targetRefName"]):
                    raise pull_request_exists()
            return self._records.create(repository, fields)

    def _check_branches(self, repository: Document, source: str, target: str) -> None:
        refs = self._git.refs(self._repositories.folder(repository))
        if source not in refs or target not in refs:
            raise Conflict(
                f"{GIT}.GitPullRequestStaleException",
                "TF401398: The pull request cannot be activated because the source and/or the target branch no longer "
                "exists, or the requested refs are not branches.",
            )
        if source == target:
            raise invalid("The source and the target of a pull request are two branches.", GIT)

    # Changing

    def update(self, call: Call) -> Reply:
        """Texts, options, draft, target, auto-complete, and the status: completed, abandoned or active again."""
        pull_request, body = self._records.require(call), call.json()
        status = name_of(body.get("status") or "notset", PULL_REQUEST_STATUS)
        if pull_request.body["status"] == "completed" or (not is_active(pull_request) and status != "active"):
            raise pull_request_closed()
        was_draft = pull_request.body["isDraft"]
        pull_request = self._records.update(pull_request, **self._changed(call, pull_request, body))
        if was_draft and not pull_request.body["isDraft"]:
            self._completion.published(pull_request)
        if status == "completed":
            commit = str((body.get("lastMergeSourceCommit") or {}).get("commitId") or "")
            pull_request = self._completion.complete(pull_request, commit, self._context.person(call))
        elif status == "abandoned":
            closed = {"closedDate": self._context.now(), "closedBy": self._context.person(call)}
            pull_request = self._records.update(pull_request, status="abandoned", autoCompleteSetBy=None, **closed)
        else:
            self._completion.complete_if_due(pull_request)
        fresh = self._completion.refresh(pull_request)
        return Reply.json(self._records.wire(call, fresh))

    def _changed(self, call: Call, pull_request: Document, body: Mapping[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if body.get("title") is not None:
            fields["title"] = _title(body)
        if body.get("description") is not None:
            fields["description"] = _description(body)
        if body.get("isDraft") is not None:
            fields["isDraft"] = bool(body["isDraft"])
        if body.get("completionOptions") is not None:
            fields["completionOptions"] = _options(body)
        if body.get("autoCompleteSetBy") is not None:
            guid = str(body["autoCompleteSetBy"].get("id") or NOBODY)
            fields["autoCompleteSetBy"] = None if guid == NOBODY else self._context.person(call)
        repository = self._records.repository(pull_request)
        if body.get("targetRefName"):
            target = _branch(body, "targetRefName")
            self._check_branches(repository, pull_request.body["sourceRefName"], target)
            fields |= {"targetRefName": target, "target": None}
        if not is_active(pull_request):
            branches = (pull_request.body["sourceRefName"], pull_request.body["targetRefName"])
            self._check_branches(repository, *branches)
            fields |= {"status": "active", "closedDate": None, "closedBy": None}
        return fields


def _branch(body: Mapping[str, Any], name: str) -> str:
    given = str(body.get(name) or "")
    if not given.startswith("refs/heads/"):
        raise invalid(f"{name} is a branch in full, such as refs/heads/main; this is '{given}'.", GIT)
    return given


def _title(body: Mapping[str, Any]) -> str:
    title = str(body.get("title") or "").strip()
    if not title or len(title) > LONGEST_TITLE:
        raise invalid(f"A pull request has a title of at most {LONGEST_TITLE} characters.", GIT)
    return title


def _description(body: Mapping[str, Any]) -> str | None:
    text = body.get("description")
    if text is not None and len(str(text)) > LONGEST_DESCRIPTION:
        raise invalid(f"A description has at most {LONGEST_DESCRIPTION} characters; this has {len(str(text))}.", GIT)
    return None if text is None else str(text)


def _options(body: Mapping[str, Any]) -> dict[str, Any]:
    """Completion options with the strategy in the service's spelling. Raises BadRequest for one that is none."""
    given = {name: value for name, value in (body.get("completionOptions") or {}).items() if value is not None}
    if given.get("mergeStrategy"):
        strategy = name_of(given["mergeStrategy"], MERGE_STRATEGY)
        if strategy not in STRATEGIES:
            raise invalid(f"mergeStrategy is one of {', '.join(STRATEGIES.values())}; this is '{strategy}'.", GIT)
        given["mergeStrategy"] = STRATEGIES[strategy]
    return given


def _matches(call: Call, pull_request: Document) -> bool:
    body = pull_request.body

    def asked(name: str) -> str:
        return call.option(f"searchCriteria.{name}")

    status = name_of(asked("status") or "active", PULL_REQUEST_STATUS)
    stamp = body["closedDate" if asked("queryTimeRangeType").lower() == "closed" else "creationDate"] or ""
    since, until = moment_option(call, "searchCriteria.minTime"), moment_option(call, "searchCriteria.maxTime")
    reviewer, repository = asked("reviewerId").lower(), asked("repositoryId").lower()
    return (
        status in ("all", "notset", body["status"])
        and asked("sourceRefName") in ("", body["sourceRefName"])
        and asked("targetRefName") in ("", body["targetRefName"])
        and asked("creatorId").lower() in ("", body["createdBy"]["id"])
        and (not reviewer or any(one["id"] == reviewer for one in body["reviewers"]))
        and repository in ("", pull_request.key.split("/")[6])
        and (not since or stamp >= since)
        and (not until or stamp <= until)
    )
