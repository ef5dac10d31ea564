"""Modules 5 and 10: what the attendee changes in the code, as commits that are pushed."""

from journey.day.context import Day
from journey.git import Access, Clone
from journey.pullrequests import Changes

SUFFIX_IN_YAML = r"^(\s*workshop\.suffix:\s*)(\S+)"
SUFFIX_IN_TOML = r'^(suffix\s*=\s*)("[^"]*")'
TEST_SIZE = r"^(test_size\s*=\s*)([\d.]+)"
LARGER = "0.33"
LARGER_BRANCH = "larger-test-set"
SETTINGS = "workshop.toml"


def clone(day: Day) -> Clone:
    """The attendee's working copy, at the newest main."""
    access = Access(day.attendee.token, day.attendee.bundle, str(day.person.get("providerDisplayName") or "Attendee"))
    return Clone(day.scratch / "repository", str(day.repository["remoteUrl"]), access)


def change_suffix(day: Day) -> str:
    """Puts the attendee's suffix into the pipeline's variables and into workshop.toml, before the first run."""
    copy, suffix = clone(day), day.attendee.suffix
    changed = [
        copy.edit(day.attendee.yaml.lstrip("/"), SUFFIX_IN_YAML, suffix),
        copy.edit(SETTINGS, SUFFIX_IN_TOML, f'"{suffix}"'),
    ]
    if not any(changed):
        return f"the suffix is {suffix} already"
    return f"suffix {suffix} pushed as {copy.push(f'Use the suffix {suffix}')[:7]}"


def enlarge_test_set(day: Day) -> tuple[str, bool]:
    """Brings test_size = 0.33 to main by a pull request, which main asks for from here on; the newest commit of main,
    and whether it is this change."""
    changes, copy = Changes(day.organization, day.path("").rstrip("/"), str(day.repository["id"])), clone(day)
    changes.guard()
    if not copy.edit(SETTINGS, TEST_SIZE, LARGER):
        return copy.commit, False
    title = f"Test on {LARGER} of the data"
    copy.push(title, LARGER_BRANCH)
    return changes.merge(LARGER_BRANCH, title), True
