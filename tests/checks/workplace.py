"""What an attendee makes on Azure DevOps, made over the public wire: a project of its own for every world."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from checker.context import CheckContext
from checker.model import CheckResult
from tests.checks.worlds import World
from tests.sdk.devops import AGILE, Organization, create_token, wait_for
from tests.sdk.runs import APPROVAL, Pipelines

CONNECTION = "MyAzureSubscription"
STAGING, PRODUCTION = "diabetes-staging", "diabetes-production"
YAML = """trigger:
  branches:
    include:
      - main                                   # the default branch
variables:
  workshop.suffix: {suffix}
stages:
  - stage: Build
    displayName: Train, evaluate and register
    jobs:
      - job: Train
        steps:
          - bash: {build}
            displayName: Train it
          - publish: $(Build.SourcesDirectory)/azure-pipelines.yml
            artifact: {artifact}
  - stage: Staging
    dependsOn: Build
    jobs:
      - deployment: DeployStaging
        environment: diabetes-staging
        strategy:
          runOnce:
            deploy:
              steps:
                - bash: {staging}
                  displayName: Deploy it
  - stage: Production
    dependsOn: Staging
    jobs:
      - deployment: DeployProduction
        environment: diabetes-production
        strategy:
          runOnce:
            deploy:
              steps:
                - bash: echo released
"""
DEFAULTS = {"build": "echo trained", "artifact": "drop", "staging": "echo staged"}


@dataclass(frozen=True)
class Workplace:
    """One attendee's project. Methods make things; `check` looks at them with the settings of the world."""

    world: World
    name: str

    @cached_property
    def organization(self) -> Organization:
        return Organization(self.world.sandbox, self.world.sandbox.environment["AZURE_DEVOPS_EXT_PAT"])

    @cached_property
    def pipelines(self) -> Pipelines:
        return Pipelines(self.organization, self.name)

    def changed(self, **devops: Any) -> dict[str, Any]:
        """Settings whose names on Azure DevOps are this project's, but for what is given."""
        names = {"project": self.name, "repository": self.name, "yaml": "azure-pipelines.yml", **devops}
        return {"devops": replace(self.world.settings.devops, **names)}

    def context(self, **devops: Any) -> CheckContext:
        return self.world.context(**self.changed(**devops))

    def check(self, *codes: str, **devops: Any) -> Mapping[str, CheckResult]:
        return self.world.check(*codes, **self.changed(**devops))

    def make_project(self, template: str = AGILE) -> None:
        self.organization.create_project(self.name, template)

    def yaml(self, **parts: str) -> str:
        return YAML.format(**{"suffix": self.world.suffix, **DEFAULTS, **parts})

    def push(self, text: str = "", branch: str = "main", comment: str = "Change", **parts: str) -> str:
        """A commit of the pipeline's file; its id."""
        return self.pipelines.push(text or self.yaml(**parts), branch, comment)

    def make_default(self, branch: str) -> None:
        path = f"{self.name}/_apis/git/repositories/{self.name}"
        guid = self.organization.get(path)["id"]
        self.organization.patch(f"{self.name}/_apis/git/repositories/{guid}", {"defaultBranch": f"refs/heads/{branch}"})

    def make_connection(self, name: str = CONNECTION, **authorization: Any) -> str:
        """A federated connection to the world's subscription, but for what is given; its id."""
        guid = self.organization.get(f"_apis/projects/{self.name}")["id"]
        parameters = {"serviceprincipalid": str(uuid.uuid4()), **authorization.pop("parameters", {})}
        subscription = authorization.pop("subscription", self.world.settings.subscription)
        body = {
            "name": name,
            "type": authorization.pop("type", "AzureRM"),
            "url": "https://management.azure.com/",
            "data": {"subscriptionId": subscription, "subscriptionName": "Workshop"},
            "authorization": {"scheme": "WorkloadIdentityFederation", "parameters": parameters, **authorization},
            "serviceEndpointProjectReferences": [{"projectReference": {"id": guid, "name": self.name}, "name": name}],
        }
        return str(self.organization.post("_apis/serviceendpoint/endpoints", body)["id"])

    def make_environments(self, approval: bool = False, open_to_all: bool = True) -> None:
        """Both, with an approval by the attendee before production where it is asked for."""
        self.pipelines.create_environment(STAGING, open_to_all)
        production = self.pipelines.create_environment(PRODUCTION, open_to_all)
        if approval:
            self.pipelines.add_check(
                production, APPROVAL, {"approvers": [self.pipelines.me], "requesterCannotBeApprover": False}
            )

    def make_pipeline(self, name: str = "MLOps on Azure", **parts: str) -> int:
        """Pushes the file and makes a pipeline of it; its id."""
        return self.pipelines.create(self.yaml(**parts), name)

    def update_pipeline(self, number: int, **fields: Any) -> None:
        path = f"{self.name}/_apis/build/definitions/{number}"
        body = {**self.organization.get(path), **fields}
        answer = self.organization.call("PUT", path, body)
        assert answer.ok, answer.text

    def approve(self, run: int) -> dict[str, Any]:
        """Approves what a run waits for, and waits for its end."""
        record = self.pipelines.await_record(run, "Checkpoint.Approval")
        answer = [{"approvalId": record["id"], "status": "approved", "comment": "Seen."}]
        self.organization.patch(f"{self.name}/_apis/pipelines/approvals", answer)
        return self.pipelines.finish(run)

    def await_run_of(self, commit: str) -> int:
        """The id of the run that the push of a commit starts."""

        def found() -> int | None:
            return next((int(one["id"]) for one in self.pipelines.builds() if one["sourceVersion"] == commit), None)

        return int(wait_for(found, lambda one: one is not None))

    def make_ready(self, approval: bool = True) -> int:
        """Everything before the first run; the pipeline's id."""
        self.make_project()
        self.make_connection()
        self.make_environments(approval)
        return self.make_pipeline()

    def set_visibility(self, visibility: str) -> None:
        guid = self.organization.get(f"_apis/projects/{self.name}")["id"]
        self.organization.finish(self.organization.patch(f"_apis/projects/{guid}", {"visibility": visibility}))

    def create_token(self, scope: str) -> str:
        return create_token(self.world.sandbox, scope)
