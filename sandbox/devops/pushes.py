"""Pushes: found by comparing the refs before and after, recorded, and told to whoever starts runs.

One function serves git itself, the pushes and refs of the API, and imports; there are no hook scripts, which would
need a POSIX shell (azure-devops.md, 4).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sandbox.devops import history
from sandbox.devops.context import (
    Context,
    address,
    collection,
    flag_option,
    identity,
    moment_option,
    next_number,
    number_option,
)
from sandbox.devops.front import Action
from sandbox.devops.git import ZERO
from sandbox.devops.locations import location
from sandbox.devops.problems import GIT, invalid, missing
from sandbox.devops.repositories import RefUpdate, Repositories
from sandbox.store import Document, Documents
from sandbox.wire import Call, Reply

PUSHES = "devops/pushes"
UNTOLD = "devops/untold-pushes"
UNSETTLED = "devops/unsettled-pushes"
CREATORS = "devops/ref-creators"
PULL_REFS = "refs/pull/"

Announce = Callable[[Document, Sequence[RefUpdate], dict[str, str], str], None]


class Pushes:
    """The record of pushes. Whoever changes refs does it inside `recording`."""

    def __init__(self, context: Context, repositories: Repositories, announce: Announce) -> None:
        self._context = context
        self._store = context.store
        self._git = context.git
        self._repositories = repositories
        self._announce = announce

    def actions(self) -> list[Action]:
        row = location("git", "pushes")
        return [
            Action("git_pushes_list", "GET", row, self.list),
            Action("git_pushes_get", "GET", row, self.get, one=True),
        ]

    @contextmanager
    def recording(self, document: Document, pusher: dict[str, str]) -> Iterator[list[Document]]:
        """Holds the repository's lock while refs change, then records the difference.

        Yields a list that holds the push's document afterwards, or stays empty where nothing changed. What the refs
        were is stored first, so that the next server records a push that this one is killed in the middle of.
        """
        folder, recorded = self._repositories.folder(document), list[Document]()
        with self._git.lock(folder):
            before = self._git.refs(folder)
            key = f"{document.id}/unsettled"
            self._store.put(UNSETTLED, key, {"before": before, "pusher": pusher, "repository": document.id})
            try:
                yield recorded
            finally:
                recorded += self._settled(document, before, pusher)
                self._store.delete(UNSETTLED, key)

    def _settled(self, document: Document, before: Mapping[str, str], pusher: dict[str, str]) -> Documents:
        """The record of what changed since `before`, or nothing."""
        updates = _difference(before, self._git.refs(self._repositories.folder(document)))
        return [self._record(document, updates, pusher)] if updates else []

    def _record(self, document: Document, updates: Sequence[RefUpdate], pusher: dict[str, str]) -> Document:
        self._settle(document, updates, pusher)
        rows = [{"name": one.name, "oldObjectId": one.old, "newObjectId": one.new} for one in updates]
        with self._store.write() as change:
            number = next_number(change, document.id.split("/")[2], "pushes")
            body = {"pushId": number, "date": self._context.now(), "pushedBy": pusher, "refUpdates": rows}
            push = change.put(PUSHES, f"{document.id}/pushes/{number}", body, f"{document.id}/pushes")
            change.put(UNTOLD, push.id, {"repository": document.id})
        self._context.work.begin_in_order(partial(self._tell, push))
        return push

    def _settle(self, document: Document, updates: Sequence[RefUpdate], pusher: dict[str, str]) -> None:
        """Size, default branch and who made each ref. The first branch pushed becomes the default one (4, INF)."""
        folder = self._repositories.folder(document)
        fields: dict[str, Any] = {
            "size": sum(one.stat().st_size for one in (folder / "objects").rglob("*") if one.is_file())
        }
        if not document.body["defaultBranch"]:
            fields["defaultBranch"] = self._first_branch(document, updates)
        self._repositories.change(document, fields)
        with self._store.write() as change:
            key = f"{document.id}/creators"
            found = change.get(CREATORS, key)
            made = {one.name: pusher for one in updates if one.old == ZERO}
            change.put(CREATORS, key, {**(found.body if found else {}), **made})

    def _first_branch(self, document: Document, updates: Sequence[RefUpdate]) -> str | None:
        folder = self._repositories.folder(document)
        branches = [one.name for one in updates if one.name.startswith("refs/heads/") and one.new != ZERO]
        if not branches:
            return None
        chosen = self._git.head(folder)
        if chosen not in branches:
            chosen = branches[0]
            self._git.run(folder, "symbolic-ref", "HEAD", chosen)
        return chosen

    def _tell(self, push: Document) -> None:
        """Tell once; what is still untold after a crash is told at the next start."""
        told = self._store.get(UNTOLD, push.id)
        document = self._repositories.by_key(told.body["repository"]) if told else None
        if document:
            self._announce(document, _updates(push), push.body["pushedBy"], push.created)
        self._store.delete(UNTOLD, push.id)

    def recover(self) -> None:
        """Record the pushes that a killed server did not, and tell of those that were not told."""
        for left in self._store.list(UNSETTLED):
            document = self._repositories.by_key(left.body["repository"])
            if document:
                self._settled(document, left.body["before"], left.body["pusher"])
            self._store.delete(UNSETTLED, left.id)
        for told in self._store.list(UNTOLD):
            push = self._store.get(PUSHES, told.id)
            if push:
                self._context.work.begin_in_order(partial(self._tell, push))

    def creators(self, document: Document) -> Mapping[str, dict[str, str]]:
        found = self._store.get(CREATORS, f"{document.id}/creators")
        return found.body if found else {}

    # Calls

    def list(self, call: Call) -> Reply:
        """Newest first, by `searchCriteria.refName`, `.fromDate`, `.toDate` and `.pusherId`."""
        document = self._repositories.require(call)
        skip = number_option(call, "$skip", 0)
        top = number_option(call, "$top", 100)
        found = [one for one in self._newest_first(document) if _matches(call, one)]
        with_refs = flag_option(call, "searchCriteria.includeRefUpdates")
        return collection(self.wire(call, document, one, with_refs) for one in found[skip : skip + top])

    def get(self, call: Call) -> Reply:
        document = self._repositories.require(call)
        push = self.require(document, call.params["pushId"])
        wire = self.wire(call, document, push, flag_option(call, "includeRefUpdates", True))
        wanted_commits = number_option(call, "includeCommits", 100)
        return Reply.json({**wire, "commits": self.commits(call, document, push, wanted_commits)})

    def require(self, document: Document, number: str) -> Document:
        push = self._store.get(PUSHES, f"{document.id}/pushes/{number}")
        if push is None:
            raise missing("GitPush", f"TF401021: There is no push with the id {number} in this repository.", GIT)
        return push

    def commits(self, call: Call, document: Document, push: Document, most: int) -> Any:
        """The commits that a push brought, newest first."""
        folder = self._repositories.folder(document)
        found: dict[str, Any] = {}
        for one in _updates(push):
            revisions = [one.new, *([f"^{one.old}"] if one.old != ZERO else [])]
            for commit in (
                history.commits(self._git, folder, revisions, f"--max-count={most}") if one.new != ZERO else []
            ):
                found[commit.id] = commit_wire(call, document, commit)
        return [*found.values()][:most]

    def _newest_first(self, document: Document) -> Any:
        listed = self._store.list(PUSHES, f"{document.id}/pushes")
        return sorted(listed, key=lambda one: -int(one.body["pushId"]))

    def wire(self, call: Call, document: Document, push: Document, with_refs: bool) -> dict[str, Any]:
        body = push.body
        rows = [{"repositoryId": document.body["id"], **one} for one in body["refUpdates"]]
        return {
            "pushId": body["pushId"],
            "date": body["date"],
            "pushedBy": identity(call, body["pushedBy"]),
            "repository": self._repositories.wire(call, document),
            **({"refUpdates": rows} if with_refs else {}),
            "url": repository_address(call, document, "pushes", str(body["pushId"])),
        }


def repository_address(call: Call, document: Document, *segments: str) -> str:
    """An address beneath a repository, by ids."""
    project = document.id.split("/")[4]
    return address(call, "git", "repositories", document.body["id"], *segments, project=project)


def commit_wire(call: Call, document: Document, commit: history.Commit) -> dict[str, Any]:
    """A commit as lists show it: the whole message up to its first line, `commentTruncated` where there is more."""
    counts = {name: commit.counts.get(name, 0) for name in ("Add", "Edit", "Delete")}
    message = commit.message.strip()
    truncated = {"commentTruncated": True} if commit.title != message else {}
    return {
        "commitId": commit.id,
        "author": vars(commit.author),
        "committer": vars(commit.committer),
        "comment": commit.title,
        **truncated,
        "changeCounts": counts,
        "url": repository_address(call, document, "commits", commit.id),
        "remoteUrl": _web(call, document, commit.id),
    }


def _web(call: Call, document: Document, commit_id: str) -> str:
    organization, project = call.params["organization"], document.id.split("/")[4]
    return f"{call.base}/{organization}/{project}/_git/{document.body['id']}/commit/{commit_id}"


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> list[RefUpdate]:
    """What a push changed. Refs of pull requests are the service's own and no push."""
    names = sorted(name for name in before.keys() | after.keys() if not name.startswith(PULL_REFS))
    pairs = (RefUpdate(name, before.get(name, ZERO), after.get(name, ZERO)) for name in names)
    return [one for one in pairs if one.old != one.new]


def _updates(push: Document) -> list[RefUpdate]:
    return [RefUpdate(one["name"], one["oldObjectId"], one["newObjectId"]) for one in push.body["refUpdates"]]


def _matches(call: Call, push: Document) -> bool:
    name = call.option("searchCriteria.refName")
    since, until = moment_option(call, "searchCriteria.fromDate"), moment_option(call, "searchCriteria.toDate")
    pusher = call.option("searchCriteria.pusherId")
    body = push.body
    return (
        (not name or any(one["name"] == name for one in body["refUpdates"]))
        and (not since or body["date"] >= since)
        and (not until or body["date"] <= until)
        and (not pusher or body["pushedBy"]["id"] == pusher)
    )


def check_object_id(text: str) -> str:
    """Forty hexadecimal digits. Raises BadRequest."""
    if len(text) != 40 or any(letter not in "0123456789abcdef" for letter in text.lower()):
        raise invalid(f"An object id has forty hexadecimal digits; this is '{text}'.", GIT)
    return text.lower()
