"""What an attendee has on Azure DevOps, made by plain requests: a project with everything in it, and its runs."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from journey.errors import JourneyError
from journey.organization import PREVIEW, Organization
from journey.pullrequests import Changes
from journey.worlds.pipelines import FILE, pipeline_text
from journey.worlds.wire import soon

AGILE = "adcc42ab-9882-485e-a3ed-7678f01f66bc"
APPROVAL = "8c6f20a7-a545-4486-9777-f762fafe0d4d"
CONNECTION, PIPELINE = "MyAzureSubscription", "MLOps on Azure"
STAGING, PRODUCTION = "diabetes-staging", "diabetes-production"
ZERO = "0" * 40
RUN_SECONDS = 120
FEDERATION = "WorkloadIdentityFederation"


@dataclass(frozen=True)
class Run:
    """A run of the pipeline: its id, which tags call the build, and the commit it is of."""

    id: int
    commit: str


@dataclass
class Project:
    """One attendee's project; its repository has the project's name."""

    organization: Organization
    name: str
    subscription: str
    suffix: str
    scope: str = field(default="")
    guarded: bool = False
    file: str = FILE

    def path(self, rest: str) -> str:
        """A path inside the project."""
        return f"{quote(self.name)}/_apis/{rest}"

    # project and repository ------------------------------------------------------------------------------------------

    def make(self, template: str = AGILE, source_control: str = "Git") -> None:
        """The project; `template` is the id of a process."""
        capabilities = {
            "versioncontrol": {"sourceControlType": source_control},
            "processTemplate": {"templateTypeId": template},
        }
        body = {"name": self.name, "description": "", "visibility": "private", "capabilities": capabilities}
        self.finish_operation(self.organization.post("_apis/projects", body))

    def delete(self) -> None:
        self.organization.delete(f"_apis/projects/{self.id}")

    @property
    def id(self) -> str:
        return str(self.organization.get(f"_apis/projects/{quote(self.name)}")["id"])

    def finish_operation(self, operation: Mapping[str, Any]) -> None:
        """Waits for an operation of the organisation. Raises JourneyError unless it succeeds."""
        ended = soon(
            lambda: self.organization.get(f"_apis/operations/{operation['id']}"),
            lambda one: one["status"] in ("succeeded", "failed", "cancelled"),
            f"operation {operation['id']}",
        )
        if ended["status"] != "succeeded":
            raise JourneyError(f"operation {operation['id']}", str(ended), "succeeded")

    def set_visibility(self, visibility: str) -> None:
        self.finish_operation(self.organization.patch(f"_apis/projects/{self.id}", {"visibility": visibility}))

    def repository(self, name: str = "") -> dict[str, Any]:
        return dict(self.organization.get(self.path(f"git/repositories/{quote(name or self.name)}")))

    def make_repository(self, name: str) -> str:
        """Another repository in the project; its id."""
        return str(self.organization.post(self.path("git/repositories"), {"name": name})["id"])

    def push(
        self, files: Mapping[str, str] | str = "", branch: str = "main", comment: str = "Change", repository: str = ""
    ) -> str:
        """A commit on top of a branch, which it makes where it is missing; its id. A text alone is the pipeline's."""
        given = files if isinstance(files, Mapping) else {self.file: files or self.text()}
        path = self.path(f"git/repositories/{quote(repository or self.name)}")
        tip = self.tip(branch, repository)
        known = self.files(branch, repository) if tip != ZERO else []
        changes = [
            {
                "changeType": "edit" if f"/{name}" in known else "add",
                "item": {"path": f"/{name}"},
                "newContent": {"content": text, "contentType": "rawtext"},
            }
            for name, text in given.items()
        ]
        return self._push(path, branch, tip, comment, changes)

    def remove(self, file: str, branch: str = "main") -> str:
        """A commit that deletes a file."""
        path = self.path(f"git/repositories/{quote(self.name)}")
        change = {"changeType": "delete", "item": {"path": f"/{file}"}}
        return self._push(path, branch, self.tip(branch), f"Remove {file}", [change])

    def branch(self, name: str, start: str) -> None:
        """A branch at a commit."""
        path = self.path(f"git/repositories/{quote(self.name)}/refs")
        self.organization.post(path, [{"name": f"refs/heads/{name}", "oldObjectId": ZERO, "newObjectId": start}])

    def remove_branch(self, name: str) -> None:
        path = self.path(f"git/repositories/{quote(self.name)}/refs")
        gone = {"name": f"refs/heads/{name}", "oldObjectId": self.tip(name), "newObjectId": ZERO}
        self.organization.post(path, [gone])

    def guard(self) -> None:
        """From here on main changes by pull request: a push to it opens one and completes it."""
        self._changes().guard()
        self.guarded = True

    def _changes(self) -> Changes:
        return Changes(self.organization, self.path("").rstrip("/"), str(self.repository()["id"]))

    def _push(self, path: str, branch: str, tip: str, comment: str, changes: list[dict[str, Any]]) -> str:
        if self.guarded and branch == "main":
            aside = f"change-{uuid.uuid4().hex[:6]}"
            self.branch(aside, tip)
            self._push(path, aside, tip, comment, changes)
            return self._changes().merge(aside, comment)
        update = {"name": f"refs/heads/{branch}", "oldObjectId": tip}
        body = {"refUpdates": [update], "commits": [{"comment": comment, "changes": changes}]}
        return str(self.organization.post(f"{path}/pushes", body)["refUpdates"][0]["newObjectId"])

    def tip(self, branch: str = "main", repository: str = "") -> str:
        """The newest commit of a branch; forty zeros where there is none."""
        path = self.path(f"git/repositories/{quote(repository or self.name)}/refs")
        found = self.organization.list(path, {"filter": f"heads/{branch}"})
        return next((str(one["objectId"]) for one in found if one["name"] == f"refs/heads/{branch}"), ZERO)

    def files(self, branch: str = "main", repository: str = "") -> list[str]:
        path = self.path(f"git/repositories/{quote(repository or self.name)}/items")
        query = {"scopePath": "/", "recursionLevel": "full", "versionDescriptor.version": branch}
        return [str(one["path"]) for one in self.organization.list(path, query)]

    def make_default(self, branch: str) -> None:
        path = self.path(f"git/repositories/{self.repository()['id']}")
        self.organization.patch(path, {"defaultBranch": f"refs/heads/{branch}"})

    def text(self, last: str = "Production", **parts: str) -> str:
        """The pipeline's YAML with the attendee's suffix."""
        return pipeline_text(**{"suffix": self.suffix, "last": last, "file": self.file, **parts})

    # connection and environments -------------------------------------------------------------------------------------

    def make_connection(self, name: str = CONNECTION, **authorization: Any) -> str:
        """A federated connection to the attendee's subscription, but for what is given; its id.

        With the mode `Automatic` the service makes its identity, and gives it a role on the scope.
        """
        scope = {"scope": self.scope} if self.scope else {}
        mode = authorization.pop("mode", "Manual")
        identity = {"serviceprincipalid": str(uuid.uuid4())} if mode == "Manual" else {}
        parameters = {**identity, **scope, **authorization.pop("parameters", {})}
        subscription = authorization.pop("subscription", self.subscription)
        reference = {"projectReference": {"id": self.id, "name": self.name}, "name": name}
        body = {
            "name": name,
            "type": authorization.pop("type", "AzureRM"),
            "url": "https://management.azure.com/",
            "data": {
                "subscriptionId": subscription,
                "subscriptionName": "Workshop",
                "scopeLevel": "Subscription",
                "creationMode": mode,
            },
            "authorization": {"scheme": FEDERATION, "parameters": parameters, **authorization},
            "serviceEndpointProjectReferences": [reference],
        }
        return str(self.organization.post("_apis/serviceendpoint/endpoints", body)["id"])

    def await_connection(self, number: str) -> None:
        """Waits until the service has made what belongs to a connection."""
        path = self.path(f"serviceendpoint/endpoints/{number}")
        soon(lambda: self.organization.get(path), lambda one: bool(one["isReady"]), f"connection {number}")

    def rename_connection(self, number: str, name: str) -> None:
        body = self.organization.get(self.path(f"serviceendpoint/endpoints/{number}"))
        body["name"] = name
        body["serviceEndpointProjectReferences"][0]["name"] = name
        self.organization.put(f"_apis/serviceendpoint/endpoints/{number}", body)

    def delete_connection(self, number: str) -> None:
        query = {"projectIds": self.id}
        self.organization.delete(f"_apis/serviceendpoint/endpoints/{number}", query)

    def make_environment(self, name: str, open_to_all: bool = True) -> int:
        made = self.organization.post(self.path("distributedtask/environments"), {"name": name, "description": ""})
        if open_to_all:
            self.permit("environment", made["id"])
        return int(made["id"])

    def permit(self, kind: str, resource: int | str, everybody: bool = True) -> None:
        """Opens a connection or an environment to all pipelines of the project, or closes it again."""
        path = self.path(f"pipelines/pipelinePermissions/{kind}/{resource}")
        self.organization.patch(path, {"allPipelines": {"authorized": everybody}}, version=PREVIEW)

    @property
    def me(self) -> dict[str, str]:
        """Whose token it is: `id` and `displayName`."""
        user = self.organization.get("_apis/connectionData", version="7.1-preview")["authenticatedUser"]
        return {"id": user["id"], "displayName": user["providerDisplayName"]}

    def require_approval(self, environment: int, requester_may: bool = True) -> int:
        """An approval by the attendee before whatever runs on the environment; the check's id."""
        approver = self.me
        body = {
            "type": {"id": APPROVAL},
            "settings": {"approvers": [approver], "requesterCannotBeApprover": not requester_may},
            "resource": {"type": "environment", "id": str(environment)},
            "timeout": 43200,
        }
        made = self.organization.post(self.path("pipelines/checks/configurations"), body, version=PREVIEW)
        return int(made["id"])

    def remove_check(self, number: int) -> None:
        self.organization.delete(self.path(f"pipelines/checks/configurations/{number}"), version=PREVIEW)

    # pipeline and runs -----------------------------------------------------------------------------------------------

    def make_pipeline(self, name: str = PIPELINE, file: str = "", repository: str = "") -> int:
        """A pipeline of a file that is in the repository; its id."""
        source = {"id": self.repository(repository)["id"], "type": "azureReposGit"}
        configuration = {"type": "yaml", "path": file or self.file, "repository": source}
        body = {"name": name, "folder": "\\", "configuration": configuration}
        return int(self.organization.post(self.path("pipelines"), body)["id"])

    def update_pipeline(self, number: int, **fields: Any) -> dict[str, Any]:
        """Changes fields of a definition; what it was before."""
        path = self.path(f"build/definitions/{number}")
        before = dict(self.organization.get(path))
        self.organization.put(path, {**before, **fields})
        return before

    def delete_pipeline(self, number: int) -> None:
        """A pipeline with its runs."""
        self.organization.delete(self.path(f"build/definitions/{number}"))

    def start(self, pipeline: int, branch: str = "") -> int:
        """A run that somebody starts by hand; its id."""
        body: dict[str, Any] = {}
        if branch:
            body = {"resources": {"repositories": {"self": {"refName": f"refs/heads/{branch}"}}}}
        return int(self.organization.post(self.path(f"pipelines/{pipeline}/runs"), body)["id"])

    def build(self, run: int) -> dict[str, Any]:
        return dict(self.organization.get(self.path(f"build/builds/{run}")))

    def builds(self) -> list[dict[str, Any]]:
        return self.organization.list(self.path("build/builds"))

    def finish(self, run: int) -> dict[str, Any]:
        """Waits for the end of a run."""
        found = soon(lambda: self.build(run), lambda one: one["status"] == "completed", f"run {run}", RUN_SECONDS)
        return dict(found)

    def cancel(self, run: int) -> None:
        """Cancels a run, and waits for its end."""
        self.organization.patch(self.path(f"build/builds/{run}"), {"status": "cancelling"})
        self.finish(run)

    def delete_run(self, run: int) -> None:
        """A run that has ended, with its records."""
        self.organization.delete(self.path(f"build/builds/{run}"))

    def await_record(self, run: int, kind: str) -> dict[str, Any]:
        """Waits until a record of a kind is in progress in a run's timeline. Raises JourneyError when the run ends."""

        def look() -> dict[str, Any] | None:
            found = self.organization.find(self.path(f"build/builds/{run}/timeline")) or {}
            open_ones = (one for one in found.get("records", ()) if (one["type"], one["state"]) == (kind, "inProgress"))
            return next(open_ones, None)

        found = soon(look, lambda one: one is not None, f"{kind} in run {run}", RUN_SECONDS)
        assert found is not None
        return found

    def approve(self, run: int, answer_with: str = "approved") -> dict[str, Any]:
        """Approves (or `rejected`: rejects) what a run waits for, and waits for its end."""
        record = self.await_record(run, "Checkpoint.Approval")
        answer = [{"approvalId": record["id"], "status": answer_with, "comment": "Seen."}]
        self.organization.patch(self.path("pipelines/approvals"), answer)
        return self.finish(run)

    def await_run_of(self, commit: str) -> int:
        """The id of the run that the push of a commit starts."""

        def look() -> int | None:
            return next((int(one["id"]) for one in self.builds() if one["sourceVersion"] == commit), None)

        found = soon(look, lambda one: one is not None, f"the run that the push of {commit[:7]} starts")
        assert found is not None
        return found
