"""Cuts the attendee's project, labs/ and the pipeline in the root, from solution/ and labs.toml."""

from collections.abc import Collection
from pathlib import Path

from manifest.errors import ManifestError, inside
from manifest.model import File, Manifest
from manifest.reading import NAME, read_manifest
from manifest.regions import cut, list_regions, rewrite

NOT_THE_ATTENDEES = ("README.md",)  # of solution/: how to run the finished steps by hand
MADE_BY_RUNNING = ("__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache")


def read_text(path: Path) -> str:
    """A file's text with its line ends as they are: a clone on Windows keeps its own."""
    return path.read_bytes().decode("utf-8")


def write_text(path: Path, text: str) -> None:
    """Writes a text with its line ends as they are; the folder is made when it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))


def solution_text(root: Path, file: File) -> str:
    """The finished file with the attendee's paths. Raises ManifestError when there is none."""
    path = root / file.solution
    if not path.is_file():
        raise ManifestError(root / NAME, 0, f"{file.solution} is not there", "the finished file of every [[file]]")
    return rewrite(read_text(path), file.path)


def wanted_text(root: Path, manifest: Manifest, file: File, solved: Collection[str] = ()) -> str:
    """A file of the attendee's with some modules solved and all others in their starter state."""
    regions = [region for region in manifest.regions_of(file.path) if region.module not in solved]
    with inside(root / file.solution):
        return cut(solution_text(root, file), regions)


def wanted_files(root: Path, solved: Collection[str] = ()) -> dict[str, str]:
    """Every file that is cut from the solution, by its path in the repository.

    Raises ManifestError for a file or a region that labs.toml names and solution/ has not got.
    """
    manifest = read_manifest(root / NAME)
    return {file.labs: wanted_text(root, manifest, file, solved) for file in manifest.files}


def write_labs(root: Path) -> list[Path]:
    """Writes the starter state; returns the files that changed."""
    changed = [root / name for name in find_out_of_step(root)]
    for name, text in wanted_files(root).items():
        if root / name in changed:
            write_text(root / name, text)
    return changed


def find_out_of_step(root: Path) -> list[str]:
    """The files that are not what `write_labs` would write."""
    return [
        name
        for name, text in wanted_files(root).items()
        if not (root / name).is_file() or read_text(root / name) != text
    ]


def find_strangers(root: Path) -> list[str]:
    """The finished files and marked regions that labs.toml does not know, one sentence each."""
    manifest, solution = read_manifest(root / NAME), root / "solution"
    known, found = {file.path for file in manifest.files}, []
    for path in sorted(solution.rglob("*")):
        name = path.relative_to(solution)
        if path.is_dir() or name.as_posix() in NOT_THE_ATTENDEES or set(name.parts) & set(MADE_BY_RUNNING):
            continue
        if name.as_posix() not in known:
            found.append(f"solution/{name.as_posix()} belongs to no module: add a [[file]] to {NAME.as_posix()}")
            continue
        declared = {region.id for region in manifest.regions_of(name.as_posix())}
        with inside(path):
            marked = list_regions(read_text(path))
        found += [
            f"solution/{name.as_posix()}:{span.start + 1} marks {span.id}, and {NAME.as_posix()} has no such [[region]]"
            for span in marked
            if span.id not in declared
        ]
    return found
