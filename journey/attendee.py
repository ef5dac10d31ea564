"""Who walks the day, and where: from the environment and the command line, once."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from journey.errors import JourneyError

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
    project: str
    yaml: str
    connection: str
    pipeline: str
    environments: tuple[str, ...]
    staging_key: str | None = field(default=None, repr=False)
    metadata_url: str | None = None
    bundle: str | None = None


def read_attendee(
    environment: Mapping[str, str], workshop: Path, source: str, project: str = "", yaml: str = ""
) -> Attendee:
    """The attendee of this shell. `project` and `yaml` go before what workshop.toml says.

    Raises JourneyError, which names the variable that is missing.
    """
    document = tomllib.loads(workshop.read_text(encoding="utf-8"))
    suffix = environment.get("WORKSHOP_SUFFIX") or str(document["attendee"]["suffix"])
    if not SUFFIX.fullmatch(suffix):
        raise JourneyError(
            "WORKSHOP_SUFFIX", repr(suffix), "3 to 8 lower-case letters and digits", "export WORKSHOP_SUFFIX=..."
        )
    devops = document["devops"]
    return Attendee(
        organization=_need(environment, "AZURE_DEVOPS_ORG_URL", "https://dev.azure.com/<organisation>").rstrip("/"),
        token=_need(environment, "AZURE_DEVOPS_EXT_PAT", "a personal access token"),
        subscription=_need(environment, "AZURE_SUBSCRIPTION_ID", "the id of the subscription"),
        location=environment.get("AZURE_LOCATION") or str(document["azure"]["location"]),
        suffix=suffix,
        source=source,
        names={key: str(text).replace("{suffix}", suffix) for key, text in document["names"].items()},
        project=project or str(devops["project"]).replace("{suffix}", suffix),
        yaml="/" + (yaml or str(devops["yaml"])).lstrip("/"),
        connection=str(devops["service_connection"]).replace("{suffix}", suffix),
        pipeline=str(devops["pipeline"]).replace("{suffix}", suffix),
        environments=tuple(str(name).replace("{suffix}", suffix) for name in devops["environments"]),
        staging_key=environment.get("WORKSHOP_STAGING_KEY") or None,
        metadata_url=environment.get("ARM_CLOUD_METADATA_URL") or None,
        bundle=environment.get("REQUESTS_CA_BUNDLE") or None,
    )


def _need(environment: Mapping[str, str], name: str, what: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise JourneyError(f"the environment variable {name}", "not set", what, f"export {name}=...")
    return value
