"""Commits, their changes, differences of versions, and how far branches are apart."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.devops import history
from sandbox.devops.context import Context, collection, number_option
from sandbox.devops.enumerations import VERSION, name_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import GIT, missing
from sandbox.devops.pushes import Pushes, commit_wire, repository_address
from sandbox.devops.repositories import Repositories
from sandbox.store import Document
from sandbox.wire import Call, Reply

MOST = 100


class Commits:
    """The history of a repository, read-only."""

    def __init__(self, context: Context, repositories: Repositories, pushes: Pushes) -> None:
        self._git = context.git
        self._repositories = repositories
        self._pushes = pushes

    def actions(self) -> list[Action]:
        row, stats = location("git", "commits"), location("git", "branchStats")
        return [
            Action("git_commits_list", "GET", row, self.list),
            Action("git_commits_get", "GET", row, self.get, one=True),
            Action("git_commits_get_changes", "GET", location("git", "changes"), self.changes),
            Action("git_diffs_get", "GET", location("git", "diffs"), self.diffs),
            Action("git_branch_stats_list", "GET", stats, self.stats),
        ]

    def list(self, call: Call) -> Reply:
        """By version, path, author, time and range; `$top` and `$skip` also as search criteria (3.2)."""
        document = self._repositories.require(call)
        if call.option("pushId"):
            return self._of_push(call, document)
        found = self._search(call, document)
        return collection(commit_wire(call, document, one) for one in found)

    def _of_push(self, call: Call, document: Document) -> Reply:
        push = self._pushes.require(document, call.option("pushId"))
        return collection(self._pushes.commits(call, document, push, _criterion_number(call, "$top", MOST)))

    def _search(self, call: Call, document: Document) -> Sequence[history.Commit]:
        folder, body = self._repositories.folder(document), document.body
        version = history.asked(call, "searchCriteria.itemVersion.", body["defaultBranch"] or "")
        if not version.name:
            return []
        until = history.resolve(self._git, folder, version, body["name"])
        compared = history.asked(call, "searchCriteria.compareVersion.", "")
        revisions = [until]
        if compared.name:
            revisions = [history.resolve(self._git, folder, compared, body["name"]), f"^{until}"]
        path = call.option("searchCriteria.itemPath").strip("/")
        return history.commits(self._git, folder, revisions, *_options(call), paths=[path] if path else [])

    def get(self, call: Call) -> Reply:
        document = self._repositories.require(call)
        commit = self._require(call, document)
        folder = self._repositories.folder(document)
        changes = history.changes(self._git, folder, _first_parent(commit), commit.id)
        most = number_option(call, "changeCount", 0)
        wire = {
            **commit_wire(call, document, commit),
            "comment": commit.message.strip(),
            "treeId": commit.tree,
            "parents": [*commit.parents],
        }
        wire.pop("commentTruncated", None)
        shown = [change_wire(call, document, commit.id, one) for one in changes[:most]]
        return Reply.json({**wire, "changes": shown} if most else wire)

    def changes(self, call: Call) -> Reply:
        document = self._repositories.require(call)
        commit = self._require(call, document)
        found = history.changes(self._git, self._repositories.folder(document), _first_parent(commit), commit.id)
        start, top = number_option(call, "skip", 0), number_option(call, "top", 1000)
        shown = [change_wire(call, document, commit.id, one) for one in found[start : start + top]]
        return Reply.json({"changeCounts": history.counts_of(found), "changes": shown})

    def _require(self, call: Call, document: Document) -> history.Commit:
        folder = self._repositories.folder(document)
        return history.require_commit(self._git, folder, call.params["commitId"], document.body["name"])

    def diffs(self, call: Call) -> Reply:
        """What the target has that the base has not, seen from their common commit unless told otherwise."""
        document = self._repositories.require(call)
        folder, body = self._repositories.folder(document), document.body
        sides = {
            side: history.resolve(self._git, folder, _side(call, side, body["defaultBranch"] or ""), body["name"])
            for side in ("base", "target")
        }
        common = self._git.text(folder, "merge-base", sides["base"], sides["target"]).strip()
        start = common if call.option("diffCommonCommit", "false").lower() == "true" else sides["base"]
        found = history.changes(self._git, folder, start, sides["target"])
        ahead, behind = history.ahead_behind(self._git, folder, sides["base"], sides["target"])
        first, top = number_option(call, "$skip", 0), number_option(call, "$top", MOST)
        return Reply.json(
            {
                "allChangesIncluded": first == 0 and len(found) <= top,
                "changeCounts": history.counts_of(found),
                "changes": [change_wire(call, document, sides["target"], one) for one in found[first : first + top]],
                "commonCommit": common,
                "baseCommit": sides["base"],
                "targetCommit": sides["target"],
                "aheadCount": ahead,
                "behindCount": behind,
            }
        )

    def stats(self, call: Call) -> Reply:
        """Each branch against the base: one where `name` asks for it, the default branch is the base."""
        document = self._repositories.require(call)
        folder, body = self._repositories.folder(document), document.body
        refs = self._git.refs(folder)
        branches = {
            name.removeprefix("refs/heads/"): tip for name, tip in refs.items() if name.startswith("refs/heads/")
        }
        base = history.asked(call, "baseVersionDescriptor.", body["defaultBranch"] or "")
        if call.option("name"):
            name = call.option("name").removeprefix("refs/heads/")
            if name not in branches:
                raise missing("GitBranch", f"TF401175: There is no branch '{name}' in '{body['name']}'.", GIT)
            return Reply.json(self._stat(call, document, name, branches[name], base))
        return collection(self._stat(call, document, name, tip, base) for name, tip in branches.items())

    def _stat(self, call: Call, document: Document, name: str, tip: str, base: history.Version) -> Mapping[str, Any]:
        folder = self._repositories.folder(document)
        against = history.resolve(self._git, folder, base, document.body["name"])
        ahead, behind = history.ahead_behind(self._git, folder, against, tip)
        commit = history.require_commit(self._git, folder, tip, document.body["name"])
        is_base = base.kind == "branch" and base.name == name
        return {
            "commit": commit_wire(call, document, commit),
            "name": name,
            "aheadCount": ahead,
            "behindCount": behind,
            "isBaseVersion": is_base,
        }


def change_wire(call: Call, document: Document, commit_id: str, change: history.Change) -> dict[str, Any]:
    item = {
        "objectId": change.old_id if change.kind == "delete" else change.id,
        "originalObjectId": change.old_id,
        "gitObjectType": "blob",
        "commitId": commit_id,
        "path": change.path,
        "url": item_address(call, document, change.path, commit_id),
    }
    if change.kind == "add":
        del item["originalObjectId"]
    renamed = {"sourceServerItem": change.old_path} if change.old_path else {}
    return {"item": item, "changeType": change.kind, **renamed}


def item_address(call: Call, document: Document, path: str, commit_id: str) -> str:
    base = repository_address(call, document, "items")
    return f"{base}{path}?versionType=Commit&version={commit_id}&versionOptions=None"


def _first_parent(commit: history.Commit) -> str:
    return commit.parents[0] if commit.parents else history.EMPTY_TREE


def _side(call: Call, side: str, default_branch: str) -> history.Version:
    """`baseVersion` and `baseVersionType` in the documents, `baseVersionDescriptor.` and `base` from some clients."""
    short = call.option(f"{side}Version")
    if short:
        kind = name_of(call.option(f"{side}VersionType", "branch"), VERSION)
        return history.Version(kind if kind in history.REF_PREFIX else "branch", short)
    return history.asked(call, f"{side}VersionDescriptor.", default_branch)


def _criterion_number(call: Call, name: str, default: int) -> int:
    return number_option(call, f"searchCriteria.{name}", number_option(call, name, default))


def _options(call: Call) -> list[str]:
    """The options of `git log` that the search criteria ask for."""
    skip, top = _criterion_number(call, "$skip", 0), _criterion_number(call, "$top", MOST)
    options = [f"--skip={skip}", f"--max-count={top}"]
    for name, option in (("author", "--author"), ("fromDate", "--since"), ("toDate", "--until")):
        value = call.option(f"searchCriteria.{name}")
        options += [f"{option}={value}"] if value else []
    return options
