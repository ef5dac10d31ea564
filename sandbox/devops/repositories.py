"""Git repositories: their records, and where they lie on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from sandbox.compute.folders import remove_folder
from sandbox.devops.context import (
    PROJECTS,
    Context,
    View,
    address,
    collection,
    find_project,
    project_collection,
    project_reference,
    require_organization,
    require_project,
    web_address,
    without_nulls,
)
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import GIT, invalid, project_missing, repository_exists, repository_missing
from sandbox.store import Document
from sandbox.wire import Call, Reply

REPOSITORIES = "devops/repositories"
LONGEST = 64


@dataclass(frozen=True)
class Repository:
    """A repository as other parts know it: where it belongs and the bare repository's folder."""

    organization: str
    project_id: str
    project_name: str
    id: str
    name: str
    default_branch: str
    folder: Path


@dataclass(frozen=True)
class RefUpdate:
    """One ref before and after a push; forty zeros stand for none."""

    name: str
    old: str
    new: str


class PushListener(Protocol):
    """Hears of every push that changed something, in order, after its answer; may be told twice after a crash.

    `pusher` has `id`, `displayName` and `uniqueName`; `moment` is when it was recorded, as the store writes times.
    """

    def on_push(
        self, repository: Repository, updates: Sequence[RefUpdate], pusher: dict[str, str], moment: str
    ) -> None: ...


class Repositories:
    """Lists, makes, renames and deletes repositories, and finds the one that a call names."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def actions(self) -> list[Action]:
        row = location("git", "repositories")
        return [
            Action("git_repositories_list", "GET", row, self.list),
            Action("git_repositories_create", "POST", row, self.create),
            Action("git_repositories_get", "GET", row, self.get, one=True),
            Action("git_repositories_update", "PATCH", row, self.update, one=True),
            Action("git_repositories_delete", "DELETE", row, self.delete, one=True),
        ]

    # Finding

    def require(self, call: Call) -> Document:
        """The repository of a call, by name in a project or by GUID anywhere. Raises NotFound."""
        wanted = call.params["repositoryId"]
        found = self._find(call, wanted)
        if found is None:
            raise repository_missing(wanted)
        return found

    def _find(self, call: Call, wanted: str) -> Document | None:
        return next((one for one in self._listed(call) if wanted.lower() in _names(one)), None)

    def _listed(self, call: Call) -> list[Document]:
        if call.params.get("project"):
            return self._store.list(REPOSITORIES, collection_of(require_project(self._store, call)))
        beneath = project_collection(require_organization(self._store, call)).lower() + "/"
        return [one for one in self._store.list(REPOSITORIES) if one.key.startswith(beneath)]

    def view(self, document: Document) -> Repository:
        """What other parts know of a repository."""
        project = project_of(self._store, document)
        organization = document.id.split("/")[2]
        body = document.body
        return Repository(
            organization,
            project.body["id"],
            project.body["name"],
            body["id"],
            body["name"],
            body["defaultBranch"] or "",
            self.folder(document),
        )

    def folder(self, document: Document) -> Path:
        return self._context.folder / "repositories" / f"{document.body['id']}.git"

    def by_id(self, guid: str) -> Document | None:
        return next((one for one in self._store.list(REPOSITORIES) if one.body["id"] == guid.lower()), None)

    def by_key(self, key: str) -> Document | None:
        return self._store.get(REPOSITORIES, key)

    # Calls

    def list(self, call: Call) -> Reply:
        return collection(self.wire(call, one) for one in self._listed(call))

    def get(self, call: Call) -> Reply:
        return Reply.json(self.wire(call, self.require(call)))

    def create(self, call: Call) -> Reply:
        body = call.json()
        project = self._project(call, body)
        document = self.make(project, str(body.get("name") or ""))
        return Reply.json(self.wire(call, document), 201)

    def _project(self, call: Call, body: dict[str, Any]) -> Document:
        """The project of the address, else the one that the body names."""
        if call.params.get("project"):
            return require_project(self._store, call)
        wanted = str((body.get("project") or {}).get("id") or "")
        found = find_project(self._store, require_organization(self._store, call), wanted) if wanted else None
        if found is None:
            raise project_missing(wanted)
        return found

    def make(self, project: Document, name: str) -> Document:
        """A new, empty repository. Raises BadRequest for its name and Conflict for one that is taken."""
        _check_name(name)
        guid = self._context.ids.guid()
        with self._store.write() as change:
            self._check_free(change, project, name)
            body = {"id": guid, "name": name, "defaultBranch": None, "size": 0, "isDisabled": False}
            document = change.put(REPOSITORIES, f"{collection_of(project)}/{guid}", body, collection_of(project))
            self._context.git.create(self.folder(document), self._context.switchboard.get().default_branch)
        return document

    def _check_free(self, view: View, project: Document, name: str) -> None:
        """Names compare without case, so that a project's first repository blocks its lower-case twin (3.1)."""
        for one in view.list(REPOSITORIES, collection_of(project)):
            if one.body["name"].lower() == name.lower():
                raise repository_exists(one.body["name"])

    def update(self, call: Call) -> Reply:
        document, body = self.require(call), call.json()
        fields: dict[str, Any] = {}
        if body.get("name") and body["name"] != document.body["name"]:
            fields["name"] = self._renamed(document, str(body["name"]))
        if body.get("defaultBranch"):
            fields["defaultBranch"] = self._switched(document, str(body["defaultBranch"]))
        if isinstance(body.get("isDisabled"), bool):
            fields["isDisabled"] = body["isDisabled"]
        return Reply.json(self.wire(call, self.change(document, fields)))

    def _renamed(self, document: Document, name: str) -> str:
        _check_name(name)
        if name.lower() != document.body["name"].lower():
            self._check_free(self._store, project_of(self._store, document), name)
        return name

    def _switched(self, document: Document, branch: str) -> str:
        full = branch if branch.startswith("refs/heads/") else f"refs/heads/{branch}"
        folder = self.folder(document)
        if full not in self._context.git.refs(folder):
            raise invalid(f"The default branch cannot be '{branch}': the repository has no such branch.", GIT)
        self._context.git.run(folder, "symbolic-ref", "HEAD", full)
        return full

    def change(self, document: Document, fields: dict[str, Any]) -> Document:
        with self._store.write() as change:
            found = change.get(REPOSITORIES, document.id) or document
            return change.put(REPOSITORIES, found.id, {**found.body, **fields})

    def delete(self, call: Call) -> Reply:
        document = self.require(call)
        if call.params["repositoryId"].lower() != document.body["id"]:
            raise invalid("A repository is deleted by its id, not by its name.", GIT)
        self.remove(document)
        return Reply(204)

    def remove(self, document: Document) -> None:
        """The record, what hangs on it, and the folder."""
        with self._store.write() as change:
            change.delete_beneath(document.id)
            change.delete(REPOSITORIES, document.id)
        remove_folder(self.folder(document))

    def remove_all(self, project: Document) -> None:
        for document in self._store.list(REPOSITORIES, collection_of(project)):
            self.remove(document)

    def recover(self) -> None:
        """Remove what a killed git left behind: a lock on a ref would refuse every later push to it."""
        for document in self._store.list(REPOSITORIES):
            folder = self.folder(document)
            for leftover in (*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock"), *folder.glob("index-*")):
                leftover.unlink(missing_ok=True)
            for leftover in (folder / "objects").glob("tmp_objdir-*"):
                remove_folder(leftover)

    # On the wire

    def wire(self, call: Call, document: Document) -> dict[str, Any]:
        """The repository object (3.2): an empty one has size 0 and no default branch."""
        body, project = document.body, project_of(self._store, document)
        organization, where = call.params["organization"], project.body["name"]
        web = web_address(call, where, "_git", body["name"])
        return without_nulls(
            {
                "id": body["id"],
                "name": body["name"],
                "url": address(call, "git", "repositories", body["id"], project=project.body["id"]),
                "project": project_reference(call, project),
                "defaultBranch": body["defaultBranch"],
                "size": body["size"],
                "remoteUrl": web.replace("://", f"://{quote(organization)}@", 1),
                "sshUrl": f"git@ssh.dev.azure.com:v3/{organization}/{quote(where)}/{quote(body['name'])}",
                "webUrl": web,
                "isDisabled": body["isDisabled"],
                "isInMaintenance": False,
            }
        )


def collection_of(project: Document) -> str:
    return f"{project.id}/repositories"


def project_of(view: View, document: Document) -> Document:
    """The project of anything stored beneath one."""
    found = view.get(PROJECTS, "/".join(document.id.split("/")[:5]))
    if found is None:
        raise project_missing(document.id.split("/")[4])
    return found


def _names(document: Document) -> tuple[str, str]:
    return document.body["id"], document.body["name"].lower()


def _check_name(name: str) -> None:
    bad = not name or len(name) > LONGEST or name != name.strip() or name[0] in "._" or name[-1] == "."
    if bad or any(one in '\\/:*?"<>;#${},+=[]|~' for one in name):
        raise invalid(f"A Git repository cannot be called '{name}'.", GIT)
