"""A world: one attendee, with a project, resources and a clone, as far as the workshop has brought them."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from journey.attendee import Attendee, read_attendee
from journey.errors import JourneyError
from journey.organization import Organization
from journey.worlds.pipelines import FILE
from journey.worlds.project import Project, Run
from journey.worlds.resources import Resources
from journey.worlds.wire import Wire, sign_in

KEY = "the-key-of-staging-0123456789"
WORKSHOP = "workshop.toml"


@dataclass(frozen=True)
class Ground:
    """What all worlds of one program stand on: a wire to Azure, an organisation, the kit, and the shell's variables."""

    wire: Wire
    organization: Organization
    kit: Path
    environment: Mapping[str, str]
    subscription: str


@dataclass
class World:
    """One attendee. What was made so far is noted: the runs, the versions of the model, the image, jobs and ids.

    `folder` is the attendee's clone; its workshop.toml holds the names by which the checker finds everything, and
    `variables` are what the checker needs in its environment beside what the shell has.
    """

    ground: Ground
    attendee: Attendee
    folder: Path
    resources: Resources
    project: Project
    key: str = KEY
    variables: dict[str, str] = field(default_factory=lambda: {"WORKSHOP_STAGING_KEY": KEY})
    module: str = ""
    runs: list[Run] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    job: str = ""
    drift: dict[str, str] = field(default_factory=dict)
    image: str = ""
    pipeline: int = 0
    connection: str = ""
    environments: dict[str, int] = field(default_factory=dict)
    approval: int = 0
    stopped: int = 0

    @property
    def suffix(self) -> str:
        return self.attendee.suffix

    @property
    def names(self) -> Mapping[str, str]:
        return self.attendee.names

    @property
    def file(self) -> Path:
        """The workshop.toml that the checker reads."""
        return self.folder / WORKSHOP

    def elsewhere(self, **names: str) -> Resources:
        """The attendee's resources with other names for some."""
        return replace(self.resources, names={**self.names, **names})

    def configure(self, key: str, value: str) -> None:
        """Sets a text in workshop.toml. Raises JourneyError unless there is exactly one line of that key."""
        set_text(self.file, key, value)

    def configured(self, key: str) -> str:
        """A text of workshop.toml, placeholders included. Raises JourneyError unless there is exactly one."""
        found = re.findall(rf'^{re.escape(key)}\s*=\s*"([^"]*)"', self.file.read_text(encoding="utf-8"), re.MULTILINE)
        if len(found) != 1:
            raise JourneyError(str(self.file), f"{len(found)} lines of `{key}`", "exactly one")
        return str(found[0])


def new_suffix() -> str:
    """A suffix that nobody else has."""
    return "w" + uuid.uuid4().hex[:7]


def open_ground(environment: Mapping[str, str], kit: Path) -> Ground:
    """Signs in with this shell's identity. Raises JourneyError where a variable or an identity is missing."""
    attendee = read_attendee(environment, kit / WORKSHOP, "")
    wire = sign_in(attendee.metadata_url, attendee.bundle)
    organization = Organization(attendee.organization, attendee.token)
    return Ground(wire, organization, kit, environment, attendee.subscription)


def new_world(ground: Ground, folder: Path, suffix: str = "", project: str = "", file: str = FILE) -> World:
    """An attendee who has made nothing yet, with their own names. `folder` becomes the clone, `file` the pipeline."""
    chosen = suffix or new_suffix()
    named = project or f"AI Dev {chosen}"
    folder.mkdir(parents=True, exist_ok=True)
    write_workshop(ground.kit / WORKSHOP, folder / WORKSHOP, chosen, named, file)
    attendee = read_attendee({**ground.environment, "WORKSHOP_SUFFIX": chosen}, folder / WORKSHOP, "")
    resources = Resources(ground.wire, attendee.subscription, attendee.location, attendee.names, chosen)
    place = Project(ground.organization, named, attendee.subscription, chosen, scope=resources.group, file=file)
    return World(ground, attendee, folder, resources, place)


def write_workshop(source: Path, target: Path, suffix: str, project: str, file: str) -> None:
    """The kit's workshop.toml with an attendee's own suffix and project. Raises JourneyError."""
    target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    for key, value in {"suffix": suffix, "project": project, "repository": project, "yaml": file}.items():
        set_text(target, key, value)


def set_text(file: Path, key: str, value: str) -> None:
    text = file.read_text(encoding="utf-8")
    edited, count = re.subn(rf'^({re.escape(key)}\s*=\s*)"[^"]*"', rf'\g<1>"{value}"', text, flags=re.MULTILINE)
    if count != 1:
        raise JourneyError(str(file), f"{count} lines of `{key}`", "exactly one")
    file.write_text(edited, encoding="utf-8")
