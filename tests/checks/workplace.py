"""What an attendee makes on Azure DevOps: a project of the journey's worlds, looked at by the checker."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from checker.context import CheckContext
from checker.model import CheckResult
from journey.organization import Organization as Service
from journey.worlds.project import AGILE, CONNECTION, PIPELINE, PRODUCTION, STAGING, Project
from tests.checks.worlds import World
from tests.sdk.devops import Organization, create_token
from tests.sdk.runs import Pipelines

__all__ = ["CONNECTION", "Workplace"]


@dataclass(frozen=True)
class Workplace:
    """One attendee's project. Methods make things; `check` looks at them with the settings of the world."""

    world: World
    name: str

    @cached_property
    def project(self) -> Project:
        environment = self.world.sandbox.environment
        service = Service(environment["AZURE_DEVOPS_ORG_URL"], environment["AZURE_DEVOPS_EXT_PAT"])
        return Project(service, self.name, self.world.settings.subscription, self.world.suffix)

    @cached_property
    def organization(self) -> Organization:
        """The organisation as the tests of the sandbox reach it, with its switches."""
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
        self.project.make(template)

    def yaml(self, **parts: str) -> str:
        return self.project.text(**parts)

    def push(self, text: str = "", branch: str = "main", comment: str = "Change", **parts: str) -> str:
        """A commit of the pipeline's file; its id."""
        return self.project.push(text or self.yaml(**parts), branch, comment)

    def make_default(self, branch: str) -> None:
        self.project.make_default(branch)

    def make_connection(self, name: str = CONNECTION, **authorization: Any) -> str:
        """A federated connection to the world's subscription, but for what is given; its id."""
        return self.project.make_connection(name, **authorization)

    def make_environments(self, approval: bool = False, open_to_all: bool = True) -> None:
        """Both, with an approval by the attendee before production where it is asked for."""
        self.project.make_environment(STAGING, open_to_all)
        production = self.project.make_environment(PRODUCTION, open_to_all)
        if approval:
            self.project.require_approval(production)

    def make_pipeline(self, name: str = PIPELINE, **parts: str) -> int:
        """Pushes the file and makes a pipeline of it; its id."""
        self.push(**parts)
        return self.project.make_pipeline(name)

    def update_pipeline(self, number: int, **fields: Any) -> None:
        self.project.update_pipeline(number, **fields)

    def approve(self, run: int) -> dict[str, Any]:
        """Approves what a run waits for, and waits for its end."""
        return self.project.approve(run)

    def await_run_of(self, commit: str) -> int:
        """The id of the run that the push of a commit starts."""
        return self.project.await_run_of(commit)

    def make_ready(self, approval: bool = True) -> int:
        """Everything before the first run; the pipeline's id."""
        self.make_project()
        self.make_connection()
        self.make_environments(approval)
        return self.make_pipeline()

    def set_visibility(self, visibility: str) -> None:
        self.project.set_visibility(visibility)

    def create_token(self, scope: str) -> str:
        return create_token(self.world.sandbox, scope)
