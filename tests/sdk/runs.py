"""A project with a pipeline in it, as somebody who runs it sees it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.sdk.devops import Organization, wait_for

HELLO = "steps:\n- script: echo hello\n  displayName: Greet\n"
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
APPLICATION = "22222222-2222-4222-8222-222222222222"
APPROVAL = "8c6f20a7-a545-4486-9777-f762fafe0d4d"


@dataclass(frozen=True)
class Pipelines:
    """A project's pipelines; its repository has the project's name."""

    organization: Organization
    project: str

    def path(self, rest: str) -> str:
        return f"{self.project}/_apis/{rest}"

    @property
    def repository(self) -> dict[str, Any]:
        return dict(self.organization.get(self.path(f"git/repositories/{self.project}")))

    def push(self, files: Mapping[str, str] | str, branch: str = "main", comment: str = "Change") -> str:
        """A commit; a text alone is the pipeline's file. Gives the commit's id."""
        given = {"azure-pipelines.yml": files} if isinstance(files, str) else files
        made = self.organization.push_files(self.project, given, branch, comment)
        return str(made["refUpdates"][0]["newObjectId"])

    def create(self, yaml: str = HELLO, name: str = "", file: str = "azure-pipelines.yml") -> int:
        """Push the YAML and make a pipeline of it; its id."""
        self.push({file: yaml})
        return self.create_existing(name or f"ml-{uuid.uuid4().hex[:6]}", file)

    def create_existing(self, name: str, file: str = "azure-pipelines.yml") -> int:
        repository = {"id": self.repository["id"], "type": "azureReposGit"}
        configuration = {"type": "yaml", "path": file, "repository": repository}
        made = self.organization.post(
            self.path("pipelines"), {"name": name, "folder": "\\", "configuration": configuration}
        )
        return int(made["id"])

    def run(self, pipeline: int, body: Any = None) -> int:
        return int(self.organization.post(self.path(f"pipelines/{pipeline}/runs"), body or {})["id"])

    def build(self, run: int) -> dict[str, Any]:
        return dict(self.organization.get(self.path(f"build/builds/{run}")))

    def builds(self, query: str = "") -> list[dict[str, Any]]:
        return list(self.organization.get(self.path(f"build/builds{query}"))["value"])

    def finish(self, run: int, seconds: float = 60) -> dict[str, Any]:
        """Wait for the end of a run."""
        return dict(wait_for(lambda: self.build(run), lambda found: found["status"] == "completed", seconds))

    def run_to_end(self, yaml: str, body: Any = None) -> dict[str, Any]:
        """A new pipeline, run once."""
        return self.finish(self.run(self.create(yaml), body))

    def records(self, run: int) -> list[dict[str, Any]]:
        answer = self.organization.call("GET", self.path(f"build/builds/{run}/timeline"))
        assert answer.status_code in (200, 204), answer.text
        return list(answer.json()["records"]) if answer.status_code == 200 else []

    def record(self, run: int, kind: str, name: str) -> dict[str, Any]:
        """By type and, whichever it has, identifier or name."""
        found = [one for one in self.records(run) if one["type"] == kind and name in (one["identifier"], one["name"])]
        assert found, f"no {kind} {name} among {[(one['type'], one['name']) for one in self.records(run)]}"
        return found[-1]

    def await_record(self, run: int, kind: str, state: str = "inProgress") -> dict[str, Any]:
        """Wait until some record of a kind is in a state."""

        def found() -> dict[str, Any] | None:
            return next((one for one in self.records(run) if (one["type"], one["state"]) == (kind, state)), None)

        return dict(wait_for(found, lambda one: one is not None))

    def log(self, run: int, name: str) -> str:
        """The log of a step by its name, without the times."""
        number = self.record(run, "Task", name)["log"]["id"]
        answer = self.organization.call("GET", self.path(f"build/builds/{run}/logs/{number}"))
        assert answer.ok, answer.text
        return "\n".join(line.partition(" ")[2] for line in answer.text.splitlines())

    def create_connection(self, name: str = "azure", mode: str = "Manual") -> str:
        """A federated service connection to a subscription; its id."""
        reference = {"id": self.organization.get(f"_apis/projects/{self.project}")["id"], "name": self.project}
        body = {
            "name": name,
            "type": "AzureRM",
            "url": "https://management.azure.com/",
            "data": {"subscriptionId": SUBSCRIPTION, "subscriptionName": "Workshop", "creationMode": mode},
            "authorization": {
                "scheme": "WorkloadIdentityFederation",
                "parameters": {"serviceprincipalid": APPLICATION},
            },
            "serviceEndpointProjectReferences": [{"projectReference": reference, "name": name}],
        }
        return str(self.organization.post("_apis/serviceendpoint/endpoints", body)["id"])

    def create_environment(self, name: str, open_to_all: bool = True) -> int:
        made = self.organization.post(self.path("distributedtask/environments"), {"name": name, "description": ""})
        if open_to_all:
            self.permit("environment", made["id"])
        return int(made["id"])

    def permit(self, kind: str, resource: int | str, pipeline: int | None = None) -> None:
        body: Any = {"allPipelines": {"authorized": True}}
        if pipeline is not None:
            body = {"pipelines": [{"id": pipeline, "authorized": True}]}
        path = self.path(f"pipelines/pipelinePermissions/{kind}/{resource}")
        self.organization.patch(path, body, version="7.1-preview.1")

    def add_check(self, environment: int, kind: str, settings: Any, timeout: int = 43200) -> int:
        resource = {"type": "environment", "id": str(environment)}
        body = {"type": {"id": kind}, "settings": settings, "resource": resource, "timeout": timeout}
        made = self.organization.post(self.path("pipelines/checks/configurations"), body, version="7.1-preview.1")
        return int(made["id"])

    @property
    def me(self) -> dict[str, str]:
        user = self.organization.get("_apis/connectionData", version="")["authenticatedUser"]
        return {"id": user["id"], "displayName": user["providerDisplayName"]}
