"""Where files come from, and how a `template:` text names one (azure-pipelines contract, 2.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from sandbox.pipelines.errors import LoadError, Mark, Problem

SELF: Final = "self"


class Sources(Protocol):
    """Files of the pipeline's own repository and of others by their alias."""

    def read(self, repository: str, path: str) -> str | None:
        """The text of a file by its path from the root (no leading slash), or None when there is none."""

    def describe(self, repository: str) -> str:
        """The words after `not found in repository`: an address, a branch, a version, as far as they are known."""

    def knows(self, repository: str) -> bool:
        """Whether files of this alias can be read here."""


@dataclass(frozen=True, slots=True)
class FolderSources:
    """Folders of this machine: one for the own repository, others by alias (in lower case)."""

    root: Path
    others: Mapping[str, Path] = field(default_factory=dict)

    def read(self, repository: str, path: str) -> str | None:
        """Raises LoadError when the file is not UTF-8 text."""
        file = self._root(repository) / path
        if not file.is_file():
            return None
        try:
            return file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise LoadError([Problem("The file is not UTF-8 text.", Mark(f"/{path}"), "Save it as UTF-8.")]) from error

    def describe(self, repository: str) -> str:
        return self._root(repository).name or repository

    def knows(self, repository: str) -> bool:
        return repository == SELF or repository in self.others

    def _root(self, repository: str) -> Path:
        return self.root if repository == SELF else self.others[repository]


@dataclass(frozen=True, slots=True)
class Location:
    """A file in a repository; the path has no leading slash. `alias` is as written, `repository` in lower case."""

    repository: str
    path: str

    @property
    def label(self) -> str:
        """How the service names it in messages."""
        suffix = "" if self.repository == SELF else f"@{self.repository}"
        return f"/{self.path}{suffix}"


def resolve(reference: str, current: Location, aliases: Mapping[str, str]) -> Location:
    """The file that a `template:` in the current one means. `aliases` holds the declared repositories, lower case to
    spelling. Raises LoadError."""
    path, found, alias = reference.replace("\\", "/").partition("@")
    repository = alias.lower() if found and alias else current.repository if not found else SELF
    if repository != SELF and repository not in aliases and repository != current.repository:
        help = f"Declare it under resources.repositories; declared now: {', '.join(aliases.values()) or 'none'}."
        raise LoadError([Problem(f"No repository found by name {alias}", Mark(current.label), help)])
    rooted = path.startswith("/") or repository != current.repository
    base = [] if rooted else current.path.split("/")[:-1]
    parts: list[str] = []
    for part in [*base, *path.split("/")]:
        if part == "..":
            if not parts:
                raise _outside(path if not rooted else f"/{path.lstrip('/')}", base, current)
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return Location(repository, "/".join(parts))


def read(location: Location, current: Location, sources: Sources) -> str:
    """Raises LoadError when the file is not there, or its repository has no folder here."""
    if not sources.knows(location.repository):
        help = f"Give a local folder for it: --repository {location.repository}=FOLDER."
        raise LoadError([Problem(f"No repository found by name {location.repository}", Mark(current.label), help)])
    text = sources.read(location.repository, location.path)
    if text is None:
        place = sources.describe(location.repository)
        help = "A path is relative to the file that names it; a leading / starts at the repository's root."
        message = f"File /{location.path} not found in repository {place}."
        raise LoadError([Problem(message, Mark(current.label), help)])
    return text


def _outside(path: str, base: list[str], current: Location) -> LoadError:
    shown = path if path.startswith("/") else f"/{'/'.join(base)}/{path}"
    return LoadError([Problem(f"The file path {shown} is invalid", Mark(current.label), "It leaves the repository.")])
