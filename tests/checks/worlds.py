"""Worlds for the checks: those of the journey, looked at by the checker in this process."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from checker.checks import CHECKS
from checker.clients.http import HttpClient
from checker.context import CheckContext, open_context
from checker.masking import Secrets
from checker.model import CheckResult
from checker.runner import run_checks, with_prerequisites
from checker.settings import Settings, read_settings
from journey.worlds import Resources, new_suffix, sign_in
from journey.worlds.resources import MODEL
from journey.worlds.serving import make_image, make_production, make_staging
from journey.worlds.world import KEY
from tests.conftest import LOCATION, REPOSITORY, Sandbox, bearer

__all__ = ["KEY", "MODEL", "World"]


class World(Resources):
    """One attendee's resources on Azure. Methods make them; `check` looks at them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.suffix = new_suffix()
        environment = sandbox.environment
        wire = sign_in(environment["ARM_CLOUD_METADATA_URL"], environment["REQUESTS_CA_BUNDLE"])
        names = {key: str(value) for key, value in vars(self.settings.names).items()}
        names["image_environment"] = f"diabetes-serve-{self.suffix}"
        super().__init__(wire, self.settings.subscription, LOCATION, names, self.suffix)

    @cached_property
    def settings(self) -> Settings:
        environment = {**self.sandbox.environment, "WORKSHOP_SUFFIX": self.suffix}
        return replace(read_settings(REPOSITORY / "workshop.toml", environment), staging_key=KEY)

    @cached_property
    def headers(self) -> dict[str, str]:
        return bearer(self.sandbox)

    def context(self, **changes: Any) -> CheckContext:
        return open_context(replace(self.settings, **changes), HttpClient(Secrets()), seed=11)

    def check(self, *codes: str, **changes: Any) -> Mapping[str, CheckResult]:
        """Results by code, of the named checks and what they need."""
        checks = with_prerequisites(codes or CHECKS, CHECKS)
        return {result.check.code: result for result in run_checks(checks, self.context(**changes))}

    def make_image(self, model: str, fault: str = "", artifact: object = MODEL, tag: str = "1") -> str:
        return make_image(self, model, fault, artifact, tag)

    def make_staging(self, image: str, model: str, key: str = KEY) -> None:
        make_staging(self, image, model, key)

    def make_production(self, image: str, model: str, traffic: int = 100, auth: str = "Key") -> None:
        make_production(self, image, model, traffic, auth)

    def make_trained(self) -> str:
        """Everything of module 6 up to the registered model. Returns name:version."""
        self.make_group()
        self.make_registry()
        self.make_workspace(registry=True)
        self.make_cluster()
        self.make_environment()
        self.make_data(self.settings.names.data_asset)
        self.make_data(self.settings.names.holdout_asset)
        return self.make_model(job=self.make_job(), data=f"{self.settings.names.data_asset}:1")
