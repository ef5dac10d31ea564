"""What the attendee changes in the code, as commits that reach main: pushed, or merged where it asks for that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from journey.day.context import Day
from journey.errors import JourneyError
from manifest import Filling, ManifestError, fill, restore

SUFFIX_IN_YAML = r"^(\s*workshop\.suffix:\s*)(\S+)"
SUFFIX_IN_TOML = r'^(suffix\s*=\s*)("[^"]*")'
TEST_SIZE = r"^(test_size\s*=\s*)([\d.]+)"
LARGER = "0.33"
SETTINGS = "workshop.toml"
TITLES = {
    1: "Draw alpha from the seed",
    5: "Use my suffix",
    6: "Train, evaluate, register, package",
    7: "Deploy to staging and test it honestly",
    8: "Release to production after an approval",
    9: "Fill in the passport",
    10: f"Test on {LARGER} of the data",
    11: "Gates that can say no",
    12: "Go back in one write",
    13: "Collect what the model is asked, and measure drift",
    14: "Say what the model is for, and what it is not",
}
ASIDE = "notes"  # the branch of what no run depends on
BRANCHES = {10: "larger-test-set", 11: "gates", 13: "monitoring"}  # as the pages call them
# What a run depends on. The rest of labs/ is written down, or is run by hand beside the pipeline.
INPUTS = (
    "labs",
    "azure-pipelines.yml",
    "workshop.toml",
    *(
        f":(exclude)labs/{name}"
        for name in (
            "README.md",
            "labs.toml",
            "requests.sh",
            "passport.sh",
            "passport.toml",
            "monitoring",
            "responsible",
        )
    ),
    ":(exclude)labs/deployment/blue_green.py",
)


@dataclass(frozen=True)
class Pushed:
    """Main's newest commit; whether it is a new one; whether a pipeline was there to hear of it."""

    commit: str
    new: bool
    heard: bool


def change(day: Day, modules: Sequence[int]) -> Pushed:
    """Brings the work of these modules to main, in one commit. Raises JourneyError where it cannot be put in."""
    copy = day.copy
    copy.update()
    files = put_in(day, modules)
    return submit(day, title_of(modules), branch_of(modules), files)


def put_in(day: Day, modules: Sequence[int]) -> list[Path]:
    """Writes the work of the modules into the working copy; the files that a region was written into."""
    for module in modules:
        if module in EDITS:
            EDITS[module](day)
    folder, names = day.copy.folder, [f"M{number}" for number in modules]
    try:
        done = fill(folder, names)
        files = [*done.written, *_restore(day, done, max(modules, default=0))]
    except ManifestError as problem:
        raise JourneyError(
            "the files of labs/", str(problem), "the kit's own", "git diff origin/solution -- labs"
        ) from problem
    return files


def _restore(day: Day, done: Filling, last: int) -> list[Path]:
    """Writes files whole that have lost their markers; what the attendee had there stays in the history."""
    waiting = [one for one in done.unmarked if one.rests]
    if waiting:
        raise JourneyError(waiting[0].file, waiting[0].seen, "the work of the modules before", "journey run --from 1")
    solved = [f"M{number}" for number in range(1, last + 1)]
    lost = sorted({one.file for one in done.unmarked})
    for file in lost:
        day.tell(f"  {file} has lost its markers and is written anew; yours stays in {day.copy.commit[:7]}")
    return [restore(day.copy.folder, file, solved) for file in lost]


def put_suffix(day: Day) -> None:
    """The attendee's suffix, into the pipeline's variables and into workshop.toml."""
    suffix = day.attendee.suffix
    day.copy.edit(day.attendee.yaml.lstrip("/"), SUFFIX_IN_YAML, suffix)
    day.copy.edit(SETTINGS, SUFFIX_IN_TOML, f'"{suffix}"')


def enlarge_test_set(day: Day) -> None:
    """The number that module 10 changes."""
    day.copy.edit(SETTINGS, TEST_SIZE, LARGER)


EDITS: dict[int, Callable[[Day], None]] = {5: put_suffix, 10: enlarge_test_set}


def keep(day: Day, title: str, files: Sequence[Path] = ()) -> str:
    """Commits what no run depends on, where the attendee works: the next change takes it along to main. A copy that
    ends with this command has no next change: what is in it goes to main now, past the trigger.
    """
    if day.owns_copy:
        return day.copy.keep(title, files)
    return submit(day, f"{title} [skip ci]", ASIDE, files).commit


def submit(day: Day, title: str, branch: str, files: Sequence[Path] = ()) -> Pushed:
    """Commits what was written into the working copy and brings it to main, from a branch where main asks for a pull
    request; nothing written is no commit.
    """
    copy, before = day.copy, day.copy.commit
    heard = day.find_definition() is not None
    if not (copy.uncommitted or files or copy.is_ahead(INPUTS)):
        return Pushed(before, False, heard)
    if not day.changes.guarded():
        commit = copy.push(title, files=files)
        return Pushed(commit, True, heard)
    copy.push(title, branch, files)
    commit = day.changes.merge(branch, title)
    copy.update()
    return Pushed(commit, True, heard)


def title_of(modules: Sequence[int]) -> str:
    """What the commit says: the module's own words, or how far several of them lead."""
    named = [number for number in modules if number in TITLES]
    return TITLES[named[0]] if len(named) == 1 else f"Do the work of modules {_listed(named)}"


def branch_of(modules: Sequence[int]) -> str:
    """The branch that the pull request is made from."""
    named = [BRANCHES[number] for number in modules if number in BRANCHES]
    return named[0] if named else "module-" + "-".join(map(str, modules))


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"
