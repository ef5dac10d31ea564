"""Commits made through the API: what the web editor's Commit button sends. They count as pushes like any other."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.devops import history
from sandbox.devops.context import Context
from sandbox.devops.enumerations import CHANGE, CONTENT, name_of
from sandbox.devops.front import Action
from sandbox.devops.git import ZERO, Git, GitFailed
from sandbox.devops.locations import location
from sandbox.devops.policies import Policies
from sandbox.devops.problems import GIT, invalid, push_refused
from sandbox.devops.pushes import Pushes, check_object_id
from sandbox.devops.repositories import RefUpdate, Repositories
from sandbox.errors import Conflict
from sandbox.store import Document
from sandbox.wire import Call, Reply

FILE = "100644"


@dataclass(frozen=True)
class Edit:
    """One change of a commit, its paths without a leading slash. `content` is None where the file stays as it was."""

    kind: str
    path: str
    old_path: str
    content: bytes | None


class Edits:
    """`POST pushes`."""

    def __init__(self, context: Context, repositories: Repositories, pushes: Pushes, policies: Policies) -> None:
        self._context = context
        self._git = context.git
        self._repositories = repositories
        self._pushes = pushes
        self._policies = policies

    def actions(self) -> list[Action]:
        return [Action("git_pushes_create", "POST", location("git", "pushes"), self.create)]

    def create(self, call: Call) -> Reply:
        document, body = self._repositories.require(call), call.json()
        name, old = _target(body)
        commits = body.get("commits") or []
        if not commits:
            raise invalid("A push has at least one commit.", GIT)
        prepared = [(str(one.get("comment") or ""), [*_edits(one)], one) for one in commits]
        with self._pushes.recording(document, self._context.person(call)) as recorded:
            folder = self._repositories.folder(document)
            self._check_tip(folder, name, old)
            refusal = self._policies.refusal(document, RefUpdate(name, old, ""))
            if refusal:
                raise push_refused(refusal)
            tip = old
            for comment, edits, given in prepared:
                tip = self._commit(call, folder, tip, comment, edits, given)
            self._git.run(folder, "update-ref", name, tip, old)
        return self._answer(call, document, recorded[0])

    def _answer(self, call: Call, document: Document, push: Document) -> Reply:
        fresh = self._repositories.by_key(document.id) or document
        wire = self._pushes.wire(call, fresh, push, True)
        return Reply.json({**wire, "commits": self._pushes.commits(call, fresh, push, 100)}, 201)

    def _check_tip(self, folder: Path, name: str, old: str) -> None:
        tip = self._git.refs(folder).get(name, ZERO)
        if tip != old:
            raise Conflict(
                f"{GIT}.GitReferenceStaleException",
                f"TF401028: The reference '{name}' has already been updated by another client, so you cannot update "
                f"it. It is at {tip}; the push expects {old}. Read the tip again and push on top of it.",
            )

    def _commit(
        self, call: Call, folder: Path, parent: str, comment: str, edits: list[Edit], given: Mapping[str, Any]
    ) -> str:
        tree = _tree(self._git, folder, parent, edits, self._context.ids.guid())
        parents = ["-p", parent] if parent != ZERO else []
        who = _signatures(self._context.person(call), given, self._context.clock.timestamp())
        return self._git.run(folder, "commit-tree", tree, *parents, data=comment.encode(), extra=who).decode().strip()


def _tree(git: Git, folder: Path, parent: str, edits: Iterable[Edit], scratch: str) -> str:
    """The id of a tree: the parent's with the edits. An index of its own keeps parallel pushes apart."""
    index = folder / f"index-{scratch}"
    extra = {"GIT_INDEX_FILE": str(index)}
    try:
        git.run(folder, "read-tree", "--empty" if parent == ZERO else parent, extra=extra)
        for edit in edits:
            _apply(git, folder, parent, edit, extra)
        return git.text(folder, "write-tree", extra=extra).strip()
    except GitFailed as error:
        raise invalid(f"The commit cannot be made: {error}.", GIT) from error
    finally:
        index.unlink(missing_ok=True)


def _apply(git: Git, folder: Path, parent: str, edit: Edit, extra: Mapping[str, str]) -> None:
    source = edit.old_path or edit.path
    before = None if parent == ZERO else history.entry(git, folder, parent, source)
    if edit.kind != "add" and before is None:
        raise invalid(f"The change '{edit.kind}' names '/{source}', which does not exist at the parent commit.", GIT)
    if edit.kind == "add" and before is not None:
        raise invalid(f"The change 'add' names '/{edit.path}', which exists already.", GIT)
    if edit.kind in ("delete", "rename"):
        # Mode 0 removes; --force-remove would ask for a work tree, which a bare repository has not.
        git.run(folder, "update-index", "-z", "--index-info", data=f"0 {ZERO}\t{source}\0".encode(), extra=extra)
    if edit.kind == "delete":
        return
    if edit.content is None:
        assert before is not None, "only a rename has no content, and it was found"
        blob = before.id
    else:
        blob = git.run(folder, "hash-object", "-w", "--stdin", data=edit.content).decode().strip()
    mode = f"{before.mode:0>6}" if before else FILE
    git.run(folder, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{edit.path}", extra=extra)


def _target(body: Mapping[str, Any]) -> tuple[str, str]:
    """The ref that a push moves, and its tip before. Raises BadRequest."""
    updates = body.get("refUpdates") or []
    if len(updates) != 1:
        raise invalid("A push through the API updates exactly one ref.", GIT)
    name = str(updates[0].get("name") or "")
    if not name.startswith("refs/heads/"):
        raise invalid(f"A ref is named in full, such as refs/heads/main; this is '{name}'.", GIT)
    return name, check_object_id(str(updates[0].get("oldObjectId") or ZERO))


def _edits(commit: Mapping[str, Any]) -> Iterable[Edit]:
    """The changes of a commit. Raises BadRequest."""
    for change in commit.get("changes") or []:
        kind = name_of(change.get("changeType"), CHANGE)
        path = str((change.get("item") or {}).get("path") or "").strip("/")
        if kind not in CHANGE or not path:
            raise invalid(f"A change has a changeType of {', '.join(CHANGE)} and an item with a path.", GIT)
        old_path = str(change.get("sourceServerItem") or "").strip("/") if kind == "rename" else ""
        yield Edit(kind, path, old_path, _content(kind, path, change.get("newContent")))


def _content(kind: str, path: str, given: Mapping[str, Any] | None) -> bytes | None:
    if given is None:
        if kind in ("add", "edit"):
            raise invalid(f"The change of '/{path}' has no newContent.", GIT)
        return None
    text = str(given.get("content") or "")
    if name_of(given.get("contentType"), CONTENT) != "base64encoded":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise invalid(f"The content of '/{path}' is not base64.", GIT) from error


def _signatures(person: Mapping[str, str], commit: Mapping[str, Any], now: str) -> dict[str, str]:
    """Author and committer: as the commit gives them, else whoever pushes, now."""
    found: dict[str, str] = {}
    for role in ("author", "committer"):
        given = commit.get(role) or {}
        prefix = f"GIT_{role.upper()}"
        found[f"{prefix}_NAME"] = str(given.get("name") or person["displayName"])
        found[f"{prefix}_EMAIL"] = str(given.get("email") or person["uniqueName"])
        found[f"{prefix}_DATE"] = str(given.get("date") or now)
    return found
