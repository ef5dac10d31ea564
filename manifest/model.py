"""The facts of the workshop as data. Nothing here reads a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Module:
    """One module. Minutes are of work and of waiting for Azure; `cost_per_day` is USD for what it leaves running."""

    id: str
    slug: str
    title: str
    minutes: int
    wait_minutes: int
    lane: str
    level: str
    objectives: tuple[str, ...]
    checks: tuple[str, ...]
    cost_per_day: float
    optional: bool

    @property
    def page(self) -> str:
        """The module's page, relative to the documentation."""
        return f"modules/{self.slug}.md"


@dataclass(frozen=True)
class File:
    """One file of the attendee's project, as both folders name it, and the module that it belongs to."""

    path: str
    module: str
    reason: str

    @property
    def solution(self) -> str:
        """Where the finished file lies, relative to the repository."""
        return f"solution/{self.path}"

    @property
    def labs(self) -> str:
        """Where the attendee's file lies. The pipeline is the exception: it lies in the root."""
        return self.path if self.path == PIPELINE else f"labs/{self.path}"


@dataclass(frozen=True)
class Region:
    """One marked part of a file that a module works on: why the solution does it so, and the text to start from."""

    id: str
    module: str
    file: str
    reason: str
    starter: str


@dataclass(frozen=True)
class Price:
    """What one unit of something costs, without tax. An `estimate` comes from `source`, but not from the price list."""

    id: str
    what: str
    region: str
    unit: str
    usd: float
    eur: float
    checked: date
    source: str
    estimate: bool


@dataclass(frozen=True)
class Manifest:
    """Everything that labs.toml says. `checked` is the day on which names, versions and prices were last looked at."""

    modules: tuple[Module, ...]
    regions: tuple[Region, ...]
    files: tuple[File, ...]
    names: Mapping[str, str]
    prices: Mapping[str, Price]
    versions: Mapping[str, str]
    checked: date

    def module(self, identity: str) -> Module | None:
        """The module of this id, such as M7, or None."""
        return next((module for module in self.modules if module.id == identity), None)

    def regions_of(self, file: str) -> tuple[Region, ...]:
        """The regions of one file, in the order of the manifest."""
        return tuple(region for region in self.regions if region.file == file)

    def files_of(self, module: str) -> tuple[File, ...]:
        """The files that a module owns or has a region in."""
        touched = {region.file for region in self.regions if region.module == module}
        return tuple(file for file in self.files if file.module == module or file.path in touched)


PIPELINE = "azure-pipelines.yml"
