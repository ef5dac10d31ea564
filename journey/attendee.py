"""Who walks the day, and where: from the environment and the command line, once."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from journey.errors import JourneyError

PROJECT = "AIDevCollege"
YAML = "/solution/azure-pipelines.yml"
SUFFIX = re.compile(r"[a-z0-9]{3,8}")


@dataclass(frozen=True)
class Attendee:
    """One attendee. `names` are those of workshop.toml with the suffix put in; `source` is what module 3 imports.

    `staging_key` becomes a secret variable of the pipeline; without one every deployment makes its own.
    """

    organization: str
    token: str = field(repr=False)
    subscription: str
    location: str
    suffix: str
    source: str
    names: Mapping[str, str]
    project: str = PROJECT
    yaml: str = YAML
    connection: str = "MyAzureSubscription"
    environments: tuple[str, str] = ("diabetes-staging", "diabetes-production")
    staging_key: str | None = field(default=None, repr=False)
    metadata_url: str | None = None
    bundle: str | None = None


def read_attendee(
    environment: Mapping[str, str], workshop: Path, source: str, project: str = PROJECT, yaml: str = YAML
) -> Attendee:
    """The attendee of this shell. Raises JourneyError, which names the variable that is missing."""
    document = tomllib.loads(workshop.read_text(encoding="utf-8"))
    suffix = environment.get("WORKSHOP_SUFFIX") or str(document["attendee"]["suffix"])
    if not SUFFIX.fullmatch(suffix):
        raise JourneyError(
            "WORKSHOP_SUFFIX", repr(suffix), "3 to 8 lower-case letters and digits", "export WORKSHOP_SUFFIX=..."
        )
    return Attendee(
        organization=_need(environment, "AZURE_DEVOPS_ORG_URL", "https://dev.azure.com/<organisation>").rstrip("/"),
        token=_need(environment, "AZURE_DEVOPS_EXT_PAT", "a personal access token"),
        subscription=_need(environment, "AZURE_SUBSCRIPTION_ID", "the id of the subscription"),
        location=environment.get("AZURE_LOCATION") or str(document["azure"]["location"]),
        suffix=suffix,
        source=source,
        names={key: str(text).replace("{suffix}", suffix) for key, text in document["names"].items()},
        project=project,
        yaml=yaml,
        staging_key=environment.get("WORKSHOP_STAGING_KEY") or None,
        metadata_url=environment.get("ARM_CLOUD_METADATA_URL") or None,
        bundle=environment.get("REQUESTS_CA_BUNDLE") or None,
    )


def _need(environment: Mapping[str, str], name: str, what: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise JourneyError(f"the environment variable {name}", "not set", what, f"export {name}=...")
    return value
