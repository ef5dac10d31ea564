"""ArchiveFiles@2: zip and tar."""

import tarfile
import zipfile
from pathlib import Path
from typing import Literal

from sandbox.pipelines.running.artifacts import files_of
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "ArchiveFiles"
VERSIONS = ("2",)
INPUTS = (
    Input("rootFolderOrFile"),
    Input("includeRootFolder", default="true"),
    Input("archiveType", default="zip"),
    Input("sevenZipCompression", default="normal"),
    Input("tarCompression", default="gz"),
    Input("archiveFile"),
    Input("replaceExistingArchive", default="true"),
    Input("verbose", default="false"),
    Input("quiet", default="false"),
)
TAR_MODES: dict[str, Literal["w:gz", "w:bz2", "w:xz", "w"]] = {"gz": "w:gz", "bz2": "w:bz2", "xz": "w:xz", "none": "w"}


def run(step: StepContext, inputs: Inputs) -> None:
    """Raises StepError."""
    kind = inputs.choice("archiveType", "zip", "tar", "7z", "wim")
    if kind in ("7z", "wim"):
        raise StepError(f"Archives of type {kind} are not rehearsed here; zip and tar are.")
    root = step.path(inputs.text("rootFolderOrFile")) if inputs.text("rootFolderOrFile") else step.folders.binaries
    if not root.exists():
        raise StepError(f"Not found rootFolderOrFile: {root}")
    default = step.folders.artifacts / f"{step.run.request.run_id}.zip"
    target = step.path(inputs.text("archiveFile")) if inputs.text("archiveFile") else default
    if target.exists() and inputs.flag("replaceExistingArchive"):
        target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    base = root.parent if inputs.flag("includeRootFolder") or root.is_file() else root
    files = [root] if root.is_file() else [path for path in files_of(root) if path != target]
    if kind == "zip":
        _zip(target, base, files)
    else:
        mode = TAR_MODES[inputs.choice("tarCompression", *TAR_MODES)]
        with tarfile.open(target, mode) as archive:
            for path in files:
                archive.add(path, path.relative_to(base).as_posix())
    step.write(f"Archived {len(files)} files to {target}")


def _zip(target: Path, base: Path, files: list[Path]) -> None:
    mode: Literal["a", "w"] = "a" if target.exists() else "w"
    with zipfile.ZipFile(target, mode, zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(base).as_posix())
