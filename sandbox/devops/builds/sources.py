"""Files of a repository at a commit, as the pipelines library reads them: the YAML and its templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.devops.git import Git, GitFailed
from sandbox.pipelines.errors import LoadError, Mark, Problem
from sandbox.pipelines.templates.sources import SELF


@dataclass(frozen=True)
class RepositoryVersion:
    """A bare repository's folder at a commit; `name` and `branch` are for messages."""

    folder: Path
    commit: str
    name: str
    branch: str


@dataclass(frozen=True)
class GitSources:
    """The own repository, and others of the project by their alias in lower case."""

    git: Git
    own: RepositoryVersion
    others: Mapping[str, RepositoryVersion]

    def read(self, repository: str, path: str) -> str | None:
        """Raises LoadError when the file is not UTF-8 text."""
        version = self._version(repository)
        try:
            data = self.git.run(version.folder, "cat-file", "blob", f"{version.commit}:{path}")
        except GitFailed:
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise LoadError([Problem("The file is not UTF-8 text.", Mark(f"/{path}"), "Save it as UTF-8.")]) from error

    def describe(self, repository: str) -> str:
        version = self._version(repository)
        return f"{version.name} branch {version.branch} version {version.commit}"

    def knows(self, repository: str) -> bool:
        return repository == SELF or repository in self.others

    def _version(self, repository: str) -> RepositoryVersion:
        return self.own if repository == SELF else self.others[repository]
