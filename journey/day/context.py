"""What a step of the day is given: the attendee, the organisation, and somebody to tell."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from journey.attendee import Attendee
from journey.errors import JourneyError
from journey.organization import Organization


@dataclass(frozen=True)
class DayStep:
    """One step. `run` does it, or finds it done, and returns a sentence on which of the two it was."""

    number: int
    module: str
    title: str
    run: Callable[["Day"], str]


class Day:
    """One attendee's day. Facts that do not change once they are there are fetched once.

    `told` remembers, by run, what the attendee has heard of it.
    """

    def __init__(self, attendee: Attendee, organization: Organization, scratch: Path, tell: Callable[[str], None]):
        self.attendee = attendee
        self.organization = organization
        self.scratch = scratch
        self.tell = tell
        self.told: dict[int, set[tuple[Any, ...]]] = {}

    def path(self, path: str) -> str:
        """A path inside the attendee's project."""
        return f"{quote(self.attendee.project)}/_apis/{path}"

    @cached_property
    def project(self) -> dict[str, Any]:
        """The project. Raises NotFound before the step that makes it."""
        return dict(self.organization.get(f"_apis/projects/{quote(self.attendee.project)}"))

    @cached_property
    def person(self) -> dict[str, Any]:
        """Whose token it is: `connectionData` answers for a token of any scope."""
        return dict(self.organization.get("_apis/connectionData", version="7.1-preview")["authenticatedUser"])

    def find_repository(self) -> dict[str, Any] | None:
        """The repository: named like the project, whatever the case (azure-devops.md, 3.1: the name trap)."""
        wanted = self.attendee.project.lower()
        return next((one for one in self._repositories() if one["name"].lower() == wanted), None)

    def _repositories(self) -> list[dict[str, Any]]:
        return self.organization.list(self.path("git/repositories"))

    @cached_property
    def repository(self) -> dict[str, Any]:
        """The repository with the code. Raises JourneyError before the step that imports it."""
        found = self.find_repository()
        if found is None or not found.get("defaultBranch"):
            raise JourneyError(
                f"the repository of {self.attendee.project}", "no code in it", "the import", "journey run --from 2"
            )
        return found

    def find_connection(self) -> dict[str, Any] | None:
        """The service connection; one whose making failed is shown as well."""
        query = {"endpointNames": self.attendee.connection, "includeFailed": "true"}
        return next(iter(self.organization.list(self.path("serviceendpoint/endpoints"), query)), None)

    def find_environment(self, name: str) -> dict[str, Any] | None:
        """An environment by its name. The service's filter takes it as a pattern, so it is compared here again."""
        listed = self.organization.list(self.path("distributedtask/environments"), {"name": name})
        return next((one for one in listed if one["name"].lower() == name.lower()), None)

    def find_definition(self) -> dict[str, Any] | None:
        """The pipeline of the attendee's YAML file in the attendee's repository, with all its properties."""
        query = {"includeAllProperties": "true", "repositoryId": self.repository["id"], "repositoryType": "TfsGit"}
        for one in self.organization.list(self.path("build/definitions"), query):
            if one.get("process", {}).get("yamlFilename", "").lstrip("/") == self.attendee.yaml.lstrip("/"):
                return one
        return None

    @cached_property
    def definition(self) -> dict[str, Any]:
        """The pipeline. Raises JourneyError before the step that makes it."""
        found = self.find_definition()
        if found is None:
            raise JourneyError(
                f"the pipelines of {self.attendee.project}",
                f"none of {self.attendee.yaml}",
                "one",
                "journey run --from 6",
            )
        return found
