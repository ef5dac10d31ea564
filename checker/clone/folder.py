"""The folder of the clone: what the learner works in, read, and copied to where their scripts may run."""

import shutil
from dataclasses import dataclass
from pathlib import Path

LABS = "labs"
PIPELINE = "azure-pipelines.yml"
SETTINGS = "workshop.toml"
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".pytest_cache", "*.pyc", "mlruns", ".venv*")


@dataclass(frozen=True)
class Folder:
    """The clone. Paths are relative to it and are written with forward slashes, as in messages."""

    root: Path

    def path(self, name: str) -> Path:
        return self.root / name

    def read(self, name: str) -> str | None:
        """The text of a file, or None when there is none. Raises OSError and UnicodeDecodeError for one that cannot
        be read."""
        path = self.path(name)
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def names(self, folder: str) -> list[str]:
        """The files directly in a folder; none where there is no folder."""
        path = self.path(folder)
        return sorted(entry.name for entry in path.iterdir() if entry.is_file()) if path.is_dir() else []

    def copy_to(self, target: Path) -> None:
        """Copies the labs and workshop.toml into a folder. Links stay links."""
        if self.path(LABS).is_dir():
            shutil.copytree(self.path(LABS), target / LABS, ignore=NOT_COPIED, symlinks=True)
        if self.path(SETTINGS).is_file():
            shutil.copy(self.path(SETTINGS), target / SETTINGS)
