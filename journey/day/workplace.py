"""Modules 1, 3 and 17: the folder in which the attendee works, and how far what is in it is from the solution."""

from pathlib import Path

from journey.day.batches import bring
from journey.day.context import Day
from journey.errors import JourneyError
from journey.git import find_clone, find_uncommitted
from manifest import ManifestError, difference, fill, find_manifest, read_manifest

SCRIPT = "M1"
# What the page of module 3 types: a push from the clone takes the token from the environment, so that it is in no file.
HELPER = '!f() { echo username=attendee; echo "password=$AZURE_DEVOPS_EXT_PAT"; }; f'
COMMIT = "git commit --all --message 'My work so far', or git stash; then the same command again"


def mend_script(day: Day) -> str:
    """Module 1 on its own: in the repository where there is one, else in the folder that was named, uncommitted."""
    if day.has_code():
        return bring(day, (1,))
    folder = day.clone
    if folder is None or not folder.is_dir():
        return "there is no clone yet: it is done with module 3"
    try:
        missing = difference(folder, SCRIPT)
        if missing and (dirty := find_uncommitted(folder)):
            raise JourneyError(
                str(folder), f"not committed: {', '.join(dirty[:5])}", "nothing that could be lost", COMMIT
            )
        written = fill(folder, [SCRIPT]).written
    except ManifestError as problem:
        raise JourneyError(str(folder), str(problem), "a clone of the kit", "journey run --help") from problem
    return f"{', '.join(path.name for path in written)} mended" if written else "it is mended"


def clone_repository(day: Day) -> str:
    """The attendee's working copy: made, or brought up to date."""
    there = bool(day.clone and (day.clone / ".git").exists())
    copy = day.copy
    if day.clone and not there:
        copy.configure("credential.helper", HELPER)
    place = copy.folder.name if day.owns_copy else "a copy that ends with this command"
    return f"main at {copy.commit[:7]}, in {place}"


def require_committed(day: Day) -> None:
    """Raises JourneyError while the attendee's clone has changes that are in no commit: nothing was done yet."""
    folder = day.clone or day.here
    if folder and folder.is_dir() and day.has_code() and find_clone(folder, str(day.repository["remoteUrl"])):
        day.copy.update()


def compare_with_solution(day: Day) -> str:
    """How many places of the attendee's files are not as in the solution, module by module."""
    copy = day.copy
    copy.update()
    counts = count_differences(copy.folder)
    for module, number in counts.items():
        day.tell(f"  {module}: {number} place{'s' if number > 1 else ''}, shown by checker diff {module}")
    return f"{sum(counts.values())} differences from the solution"


def count_differences(folder: Path) -> dict[str, int]:
    """The modules with differences, and how many places each. Raises JourneyError."""
    try:
        modules = [module.id for module in read_manifest(find_manifest(folder)).modules]
        counts = {module: len(difference(folder, module)) for module in modules}
    except ManifestError as problem:
        raise JourneyError("labs/labs.toml", str(problem), "the kit's own") from problem
    return {module: number for module, number in counts.items() if number}
