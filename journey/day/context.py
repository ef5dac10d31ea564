"""What a step of the day is given: the attendee, the organisation, and somebody to tell."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from journey.attendee import Attendee
from journey.errors import JourneyError, NotFound
from journey.git import Access, Clone, find_clone
from journey.organization import Organization
from journey.pullrequests import Changes
from journey.worlds.wire import Wire, sign_in


@dataclass(frozen=True)
class DayStep:
    """One step of a module's work. `run` does it, or finds it done, and returns a sentence on which of the two."""

    module: int
    title: str
    run: Callable[["Day"], str]


@dataclass
class Waiting:
    """Seconds that the attendee has watched runs, and seconds that those runs installed packages meanwhile."""

    runs: float = 0.0
    packages: float = 0.0


@dataclass
class Day:
    """One attendee's day. Facts that do not change once they are there are fetched once.

    `clone` is the folder that was asked for; without one the attendee works `here` where that is a clone of the
    repository, else in a copy in `scratch`. `told` remembers, by run, what the attendee has heard of it.
    """

    attendee: Attendee
    organization: Organization
    scratch: Path
    tell: Callable[[str], None]
    clone: Path | None = None
    here: Path | None = None
    waiting: Waiting = field(default_factory=Waiting)
    told: dict[int, set[tuple[Any, ...]]] = field(default_factory=dict)

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

    def has_code(self) -> bool:
        """Whether the project, its repository and a default branch are there."""
        try:
            found = self.find_repository()
        except NotFound:
            return False
        return bool(found and found.get("defaultBranch"))

    @cached_property
    def repository(self) -> dict[str, Any]:
        """The repository with the code. Raises JourneyError before the step that imports it."""
        found = self.find_repository()
        if found is None or not found.get("defaultBranch"):
            raise JourneyError(
                f"the repository of {self.attendee.project}", "no code in it", "the import", "journey run --to 3"
            )
        return found

    @cached_property
    def copy(self) -> Clone:
        """The attendee's working copy, at the newest main. Raises JourneyError, also for uncommitted work in it."""
        remote = str(self.repository["remoteUrl"])
        name = str(self.person.get("providerDisplayName") or "Attendee")
        access = Access(self.attendee.token, self.attendee.bundle, name)
        found = find_clone(self.here, remote) if self.here and not self.clone else None
        return Clone(self.clone or found or self.scratch / "repository", remote, access)

    @property
    def owns_copy(self) -> bool:
        """Whether the working copy is the attendee's own, and stays when this command ends."""
        return self.scratch not in self.copy.folder.parents

    @property
    def changes(self) -> Changes:
        """Pull requests and policies of the repository."""
        return Changes(self.organization, self.path("").rstrip("/"), str(self.repository["id"]))

    @cached_property
    def azure(self) -> Wire:
        """Azure's resource manager, as this shell's identity reaches it. Raises JourneyError when there is none."""
        return sign_in(self.attendee.metadata_url, self.attendee.bundle)

    @property
    def tags(self) -> dict[str, str]:
        """What says whose a resource is: the bill is split by it, and the clean-up goes by it."""
        return {"workshop": "mlops-on-azure", "attendee": self.attendee.suffix}

    @property
    def group(self) -> str:
        """The path of the attendee's resource group."""
        return f"/subscriptions/{self.attendee.subscription}/resourceGroups/{self.attendee.names['resource_group']}"

    @property
    def workspace(self) -> str:
        """The path of the attendee's workspace."""
        return f"{self.group}/providers/Microsoft.MachineLearningServices/workspaces/{self.attendee.names['workspace']}"

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
                "journey run --to 6",
            )
        return found
