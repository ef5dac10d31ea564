"""Branch policies: their types and configurations, and whether one asks for a pull request.

Three types are here: a minimum number of reviewers, a build, and resolved comments. Others are refused by name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.devops.context import Context, address, collection, identity, next_number, page, require_project
from sandbox.devops.front import Action
from sandbox.devops.git import ZERO
from sandbox.devops.locations import location
from sandbox.devops.problems import SERVICES, invalid, missing, not_here
from sandbox.devops.repositories import RefUpdate
from sandbox.store import Document, Documents
from sandbox.wire import Call, Reply

CONFIGURATIONS = "devops/policies"
NAMESPACE = "Microsoft.TeamFoundation.Policy.WebApi"
REVIEWERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"
BUILD = "0609b952-1397-4640-95ec-e00a01b2c241"
COMMENTS = "c6a1889d-b943-4856-b76f-9e46bb6b0df2"
TYPES = {
    REVIEWERS: "Minimum number of reviewers",
    BUILD: "Build",
    COMMENTS: "Comment requirements",
}
NOT_HERE = {
    "fd2167ab-b0be-447a-8ec8-39368250530e": "Required reviewers",
    "40e92b44-2fe1-4dd6-b3d8-74a9c21d0c6e": "Work item linking",
    "fa4e907d-c16b-4a4c-9dfa-4916e5d171ab": "Require a merge strategy",
    "cbdc66da-9728-4af8-aada-9a5a32e4a226": "Status",
}
REFUSED = "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch."
READ_ONLY = "The refs beneath refs/pull belong to pull requests."
PULL_REFS = "refs/pull/"
WRITTEN = ("createdBy", "createdDate", "isEnabled", "isBlocking", "isDeleted", "settings", "revision", "id")


class Policies:
    """Types and configurations of policies."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def actions(self) -> list[Action]:
        types, row = location("policy", "types"), location("policy", "configurations")
        of_git = location("git", "gitPolicyConfigurations")
        return [
            Action("policy_types_list", "GET", types, self.types),
            Action("policy_types_get", "GET", types, self.type, one=True),
            Action("policy_configurations_list", "GET", row, self.list),
            Action("policy_configurations_create", "POST", row, self.create),
            Action("policy_configurations_get", "GET", row, self.get, one=True),
            Action("policy_configurations_update", "PUT", row, self.update, one=True),
            Action("policy_configurations_delete", "DELETE", row, self.delete, one=True),
            Action("git_policy_configurations_list", "GET", of_git, self.list_of_branch),
        ]

    # For others

    def in_force(self, repository: Document, ref: str) -> Documents:
        """The enabled policies of a branch, by their ids."""
        project = "/".join(repository.id.split("/")[:5])
        found = self._store.list(CONFIGURATIONS, f"{project}/policies")
        mine = [one for one in found if one.body["isEnabled"] and _covers(one, repository, ref)]
        return sorted(mine, key=lambda one: int(one.body["id"]))

    def refusal(self, repository: Document, update: RefUpdate) -> str:
        """Why a ref may not be changed by a push; empty where it may. A branch that is new is not guarded yet."""
        if update.name.startswith(PULL_REFS):
            return READ_ONLY
        if update.old == ZERO:
            return ""
        guarded = any(one.body["isBlocking"] for one in self.in_force(repository, update.name))
        return REFUSED if guarded else ""

    # Types

    def types(self, call: Call) -> Reply:
        project = require_project(self._store, call)
        return collection(_type_wire(call, project, guid) for guid in TYPES)

    def type(self, call: Call) -> Reply:
        project, guid = require_project(self._store, call), call.params["typeId"].lower()
        if guid not in TYPES:
            raise missing("PolicyType", f"There is no policy type with the id {guid} here.", NAMESPACE)
        return Reply.json(_type_wire(call, project, guid))

    # Configurations

    def list(self, call: Call) -> Reply:
        """`policyType` and `scope` (a repository and branch, as the service writes it) leave out the others."""
        project = require_project(self._store, call)
        rows, headers = page(call, self._listed(call, project), 100)
        return collection([self._wire(call, project, one) for one in rows], headers)

    def list_of_branch(self, call: Call) -> Reply:
        """Those that concern a repository, or one branch of it, by `repositoryId` and `refName`."""
        project = require_project(self._store, call)
        repository, ref = call.option("repositoryId").lower(), call.option("refName")
        found = [one for one in self._listed(call, project) if _concerns(one, repository, ref)]
        return collection(self._wire(call, project, one) for one in found)

    def _listed(self, call: Call, project: Document) -> Documents:
        wanted = call.option("policyType").lower()
        found = self._store.list(CONFIGURATIONS, f"{project.id}/policies")
        return sorted((one for one in found if wanted in ("", one.body["type"])), key=lambda one: int(one.body["id"]))

    def get(self, call: Call) -> Reply:
        project = require_project(self._store, call)
        return Reply.json(self._wire(call, project, self._require(call, project)))

    def create(self, call: Call) -> Reply:
        project, fields = require_project(self._store, call), _read(call.json())
        stamp = {"createdBy": self._context.person(call), "createdDate": self._context.now(), "isDeleted": False}
        with self._store.write() as change:
            number = next_number(change, project.id.split("/")[2], "policies")
            body = {**fields, **stamp, "revision": 1, "id": number}
            made = change.put(CONFIGURATIONS, f"{project.id}/policies/{number}", body, f"{project.id}/policies")
        return Reply.json(self._wire(call, project, made))

    def update(self, call: Call) -> Reply:
        project, fields = require_project(self._store, call), _read(call.json())
        found = self._require(call, project)
        if fields["type"] != found.body["type"]:
            raise invalid("The type of a policy cannot be changed.", NAMESPACE)
        body = {**found.body, **fields, "revision": found.body["revision"] + 1}
        made = self._store.put(CONFIGURATIONS, found.id, body, found.parent)
        return Reply.json(self._wire(call, project, made))

    def delete(self, call: Call) -> Reply:
        project = require_project(self._store, call)
        self._store.delete(CONFIGURATIONS, self._require(call, project).id)
        return Reply(204)

    def _require(self, call: Call, project: Document) -> Document:
        number = call.params["configurationId"]
        found = self._store.get(CONFIGURATIONS, f"{project.id}/policies/{number}")
        if found is None:
            raise missing("PolicyConfiguration", f"TF402448: There is no policy with the id {number}.", NAMESPACE)
        return found

    def _wire(self, call: Call, project: Document, policy: Document) -> dict[str, Any]:
        return configuration_wire(call, project, policy)


def configuration_wire(call: Call, project: Document, policy: Document) -> dict[str, Any]:
    body, guid = policy.body, project.body["id"]
    kept = {name: body[name] for name in WRITTEN}
    where = address(call, "policy", "configurations", str(body["id"]), project=guid)
    return {
        **kept,
        "createdBy": identity(call, body["createdBy"]),
        "isEnterpriseManaged": False,
        "type": _type_reference(call, project, body["type"]),
        "url": where,
        "_links": {"self": {"href": where}, "policyType": {"href": _type_address(call, project, body["type"])}},
    }


def _type_address(call: Call, project: Document, guid: str) -> str:
    return address(call, "policy", "types", guid, project=project.body["id"])


def _type_reference(call: Call, project: Document, guid: str) -> dict[str, Any]:
    return {"id": guid, "url": _type_address(call, project, guid), "displayName": TYPES[guid]}


def _type_wire(call: Call, project: Document, guid: str) -> dict[str, Any]:
    reference = _type_reference(call, project, guid)
    return {**reference, "description": TYPES[guid], "_links": {"self": {"href": reference["url"]}}}


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body says of a policy. Raises BadRequest, and NotImplementedHere for a type that is not emulated."""
    guid = str((body.get("type") or {}).get("id") or "").lower()
    if guid in NOT_HERE:
        raise not_here(f"The sandbox does not enforce policies of the type '{NOT_HERE[guid]}'.")
    if guid not in TYPES:
        raise invalid(f"There is no policy type with the id '{guid}'.", NAMESPACE)
    settings = dict(body.get("settings") or {})
    scope = settings.get("scope") or []
    if not isinstance(scope, list) or not scope:
        raise invalid("The settings of a branch policy have a scope: a list of repositories and branches.", NAMESPACE)
    _check_settings(guid, settings)
    flags = {name: bool(body.get(name, True)) for name in ("isEnabled", "isBlocking")}
    return {"type": guid, "settings": settings, **flags}


def _check_settings(guid: str, settings: Mapping[str, Any]) -> None:
    if guid == REVIEWERS and not 1 <= int(settings.get("minimumApproverCount") or 0) <= 10:
        raise invalid("minimumApproverCount is a number from 1 to 10.", f"{SERVICES}")
    if guid == BUILD and not settings.get("buildDefinitionId"):
        raise invalid("buildDefinitionId names the pipeline that validates.", f"{SERVICES}")


def _scopes(policy: Document) -> Sequence[Mapping[str, Any]]:
    scope: Sequence[Mapping[str, Any]] = policy.body["settings"]["scope"]
    return scope


def _covers(policy: Document, repository: Document, ref: str) -> bool:
    return any(_matches(one, repository, ref) for one in _scopes(policy))


def _matches(scope: Mapping[str, Any], repository: Document, ref: str) -> bool:
    wanted = str(scope.get("repositoryId") or "").lower()
    if wanted and wanted != repository.body["id"]:
        return False
    kind, name = str(scope.get("matchKind") or "exact").lower(), str(scope.get("refName") or "")
    if kind == "defaultbranch":
        return bool(ref == repository.body["defaultBranch"])
    return ref.startswith(name) if kind == "prefix" else ref == name


def _concerns(policy: Document, repository: str, ref: str) -> bool:
    for one in _scopes(policy):
        mine = str(one.get("repositoryId") or "").lower() in ("", repository) or not repository
        named = str(one.get("refName") or "")
        prefix = str(one.get("matchKind") or "").lower() == "prefix"
        if mine and (not ref or not named or ref == named or (prefix and ref.startswith(named))):
            return True
    return False
