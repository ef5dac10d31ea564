"""Refs: branches and tags, listed by prefix and changed with a check of what they were."""

from typing import Any

from sandbox.devops import history
from sandbox.devops.context import Context, collection, flag_option, identity, page, read_list, without_nulls
from sandbox.devops.front import Action
from sandbox.devops.git import ZERO, GitFailed
from sandbox.devops.locations import location
from sandbox.devops.policies import Policies
from sandbox.devops.problems import invalid
from sandbox.devops.pushes import Pushes, check_object_id, repository_address
from sandbox.devops.repositories import RefUpdate, Repositories
from sandbox.store import Document
from sandbox.wire import Call, Reply

MOST = 10000


class Refs:
    """The refs of a repository."""

    def __init__(self, context: Context, repositories: Repositories, pushes: Pushes, policies: Policies) -> None:
        self._context = context
        self._git = context.git
        self._repositories = repositories
        self._pushes = pushes
        self._policies = policies

    def actions(self) -> list[Action]:
        row = location("git", "refs")
        return [
            Action("git_refs_list", "GET", row, self.list),
            Action("git_refs_list_by_filter", "GET", row, self.list, one=True),
            Action("git_refs_update", "POST", row, self.update),
        ]

    def list(self, call: Call) -> Reply:
        """`filter` is a prefix behind `refs/`, so that `heads/main` also finds `heads/main2` (3.2)."""
        document = self._repositories.require(call)
        folder = self._repositories.folder(document)
        prefix = f"refs/{call.params.get('filter') or call.option('filter')}"
        part = call.option("filterContains")
        found = [
            (name, tip) for name, tip in self._git.refs(folder).items() if name.startswith(prefix) and part in name
        ]
        rows, headers = page(call, found, MOST)
        creators = self._pushes.creators(document)
        peel = flag_option(call, "peelTags")
        wires = [self._wire(call, document, name, tip, creators.get(name), peel) for name, tip in rows]
        return collection(wires, headers)

    def _wire(
        self, call: Call, document: Document, name: str, tip: str, creator: dict[str, str] | None, peel: bool
    ) -> dict[str, Any]:
        tag = peel and name.startswith("refs/tags/")
        peeled = history.commit_of(self._git, self._repositories.folder(document), tip) if tag else None
        return without_nulls(
            {
                "name": name,
                "objectId": tip,
                "peeledObjectId": peeled if peeled != tip else None,
                "creator": identity(call, creator) if creator else None,
                "url": repository_address(call, document, *name.split("/")),
            }
        )

    def update(self, call: Call) -> Reply:
        """One result for each ref; zeros make or delete one."""
        document, rows = self._repositories.require(call), read_list(call)
        wanted = [_checked(row) for row in rows]
        with self._pushes.recording(document, self._context.person(call)):
            answers = [self._change(document, *one) for one in wanted]
        return collection(answers)

    def _change(self, document: Document, name: str, old: str, new: str) -> dict[str, Any]:
        status = self._apply(document, name, old, new)
        return {
            "repositoryId": document.body["id"],
            "name": name,
            "oldObjectId": old,
            "newObjectId": new,
            "isLocked": False,
            "updateStatus": status,
            "success": status == "succeeded",
        }

    def _apply(self, document: Document, name: str, old: str, new: str) -> str:
        """The status of one update, by the vendor's names."""
        folder = self._repositories.folder(document)
        if self._git.refs(folder).get(name, ZERO) != old:
            return "staleOldObjectId"
        if new != ZERO and history.commit_of(self._git, folder, new) is None:
            return "unresolvableToCommit"
        if self._policies.refusal(document, RefUpdate(name, old, new)):
            return "rejectedByPolicy"
        try:
            if new == ZERO:
                self._git.run(folder, "update-ref", "-d", name, old)
            else:
                self._git.run(folder, "update-ref", name, new, old)
        except GitFailed:
            return "invalidRefName"
        return "succeeded"


def _checked(row: dict[str, Any]) -> tuple[str, str, str]:
    name = str(row.get("name") or "")
    if not name.startswith("refs/"):
        raise invalid(f"A ref is named in full, such as refs/heads/main; this is '{name}'.")
    old, new = (check_object_id(str(row.get(key) or ZERO)) for key in ("oldObjectId", "newObjectId"))
    return name, old, new
