"""Artifacts of a run: names, publishing, and copying what a pattern chooses."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sandbox.pipelines.events import ArtifactPublished
from sandbox.pipelines.patterns import matches
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.running.host import StoredArtifact

FORBIDDEN = re.compile(r'[\\/":<>|*?\x00-\x1f]')


def publish(step: StepContext, name: str, source: Path, kind: str) -> StoredArtifact:
    """Give a file or a folder's content to the run. Raises StepError."""
    if not name or FORBIDDEN.search(name) or name in (".", ".."):
        raise StepError(f'Artifact name is not valid: {name}. It cannot contain \\ / " : < > | * ?.')
    if not source.exists():
        raise StepError(f"Path does not exist: {source}")
    stored = step.host.publish_artifact(name, source, kind)
    sizes = [path.stat().st_size for path in files_of(stored.folder)]
    step.emit(ArtifactPublished(step.host.now(), step.reference, step.mask(name), kind, len(sizes), sum(sizes)))
    step.write(
        f"Associated artifact {name} with run {step.run.request.run_id}: {len(sizes)} files, {sum(sizes)} bytes."
    )
    return stored


def find(step: StepContext, name: str) -> StoredArtifact | None:
    """An artifact of this run by its name, whatever the case."""
    return next((one for one in step.host.list_artifacts() if one.name.lower() == name.lower()), None)


def download(step: StepContext, artifact: StoredArtifact, target: Path, patterns: str) -> int:
    """Copy the artifact's files that the patterns choose (relative to its root) into a folder; how many those are."""
    count = 0
    lines = [line.strip() for line in patterns.splitlines() if line.strip()] or ["**"]
    for path in files_of(artifact.folder):
        relative = path.relative_to(artifact.folder)
        if matches(relative.as_posix(), lines):
            step.check()
            place = target / relative
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)
            count += 1
    step.write(f"Downloaded artifact {artifact.name}: {count} files to {target}")
    return count


def files_of(folder: Path) -> Iterator[Path]:
    """All files below a folder, in a steady order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path
