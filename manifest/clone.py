"""Works on a learner's clone: takes regions over from its own solution/, puts starters back, shows differences.

Everything outside the markers stays as the learner has it. Nothing is committed, and no file is written that would not
change.
"""

import difflib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from manifest.errors import ManifestError, RegionError
from manifest.labs import read_text, solution_text, wanted_text, write_text
from manifest.model import File, Manifest, Region
from manifest.reading import NAME, read_manifest
from manifest.regions import copy_region, get_region, holders, list_regions, replace_region


@dataclass(frozen=True)
class Unmarked:
    """A region that could not be written: the learner's file has not got it. `file` is relative to the clone."""

    region: str
    file: str
    seen: str


@dataclass(frozen=True)
class Filling:
    """What was done: the files that changed, and the regions that had no markers to write between.

    For these the caller decides: `restore` writes the file as a whole.
    """

    written: tuple[Path, ...]
    unmarked: tuple[Unmarked, ...]


@dataclass(frozen=True)
class Difference:
    """One place where the learner's text is not the solution's. `region` is None for what lies outside the markers.

    `lines` is a unified diff from the learner's text to the solution's. The differences of one module, one after the
    other, are a patch that `git apply` takes.
    """

    file: str
    region: str | None
    reason: str
    lines: tuple[str, ...]


def fill(root: Path, modules: Iterable[str]) -> Filling:
    """Puts the solution of these modules between the markers of labs/ and azure-pipelines.yml. A second run changes
    nothing. A region of another module inside one of theirs stays as the learner has it.

    Raises ManifestError for an unknown module or a clone without solution, RegionError for markers that do not pair.
    """
    manifest, chosen = _open(root, modules)

    def change(file: File, text: str, region: Region) -> str:
        source = solution_text(root, file)
        inner = [one for one in manifest.regions_of(file.path) if region.id in holders(source, one.id)]
        new = copy_region(text, region.id, source)
        present = {span.id for span in list_regions(text)}
        for one in inner:
            if one.module not in chosen:
                new = copy_region(new, one.id, text) if one.id in present else replace_region(new, one.id, one.starter)
        return new

    return _change_regions(root, manifest, chosen, change)


def starter(root: Path, modules: Iterable[str]) -> Filling:
    """Puts the starter text of these modules back between their markers: the inverse of `fill`, with its errors."""
    manifest, chosen = _open(root, modules)
    return _change_regions(
        root, manifest, chosen, lambda _, text, region: replace_region(text, region.id, region.starter)
    )


def restore(root: Path, file: str, modules: Collection[str]) -> Path:
    """Writes one file as a whole, `file` relative to the clone: these modules solved, all others in their starter
    state. Returns its path. Raises ManifestError when the manifest has no such file.
    """
    manifest = read_manifest(root / NAME)
    found = next((one for one in manifest.files if one.labs == file), None)
    if found is None:
        raise ManifestError(root / NAME, 0, f"no file {file}", "one of the [[file]] entries")
    write_text(root / file, wanted_text(root, manifest, found, modules))
    return root / file


def difference(root: Path, module: str) -> tuple[Difference, ...]:
    """Where the learner's files of a module are not the solution's, with the reason why the solution does it so.

    Raises as `fill` does.
    """
    manifest, _ = _open(root, [module])
    return tuple(one for file in manifest.files_of(module) for one in _file_differences(root, manifest, file, module))


def _open(root: Path, modules: Iterable[str]) -> tuple[Manifest, frozenset[str]]:
    manifest, chosen = read_manifest(root / NAME), frozenset(modules)
    for identity in chosen:
        if manifest.module(identity) is None:
            known = ", ".join(module.id for module in manifest.modules)
            raise ManifestError(root / NAME, 0, f"no module {identity}", f"one of {known}")
    return manifest, chosen


def _change_regions(
    root: Path, manifest: Manifest, chosen: Collection[str], change: Callable[[File, str, Region], str]
) -> Filling:
    """Changes the regions of the chosen modules file by file, the outer ones before those inside."""
    written: list[Path] = []
    unmarked: list[Unmarked] = []
    for file in manifest.files:
        regions = [region for region in _in_order(root, manifest, file) if region.module in chosen]
        before = text = _learner_text(root, file) if regions else ""
        for region in regions:
            seen = _unmarked(root, file, text, region)
            if seen is None:
                text = change(file, text, region)
            elif not _went_with_its_holder(root, file, text, region, chosen, manifest):
                unmarked.append(Unmarked(region.id, file.labs, seen))
        if text != before:
            write_text(root / file.labs, text)
            written.append(root / file.labs)
    return Filling(tuple(written), tuple(unmarked))


def _in_order(root: Path, manifest: Manifest, file: File) -> list[Region]:
    """A file's regions as the solution has them, from top to bottom: what holds another one comes before it."""
    regions = {region.id: region for region in manifest.regions_of(file.path)}
    if not regions:
        return []
    spans = [span.id for span in list_regions(solution_text(root, file))]
    return [regions[identity] for identity in spans if identity in regions]


def _learner_text(root: Path, file: File) -> str:
    path = root / file.labs
    return read_text(path) if path.is_file() else ""


def _unmarked(root: Path, file: File, text: str, region: Region) -> str | None:
    """Why there is nothing to write between, or None when both markers are there."""
    if any(span.id == region.id for span in list_regions(text)):
        return None
    if not (root / file.labs).is_file():
        return f"{file.labs} is not there"
    around = [one for one in holders(solution_text(root, file), region.id) if f"[start:{one}]" in text]
    where = f"; it belongs into {around[-1]}" if around else ""
    return f"{file.labs} has no markers of {region.id}{where}"


def _went_with_its_holder(
    root: Path, file: File, text: str, region: Region, chosen: Collection[str], manifest: Manifest
) -> bool:
    """Whether a region is missing because one around it is in its starter state, on purpose: then nothing is to do."""
    around = holders(solution_text(root, file), region.id)
    present = {span.id for span in list_regions(text)}
    return any(one.id in around and one.module in chosen and one.id in present for one in manifest.regions)


def _file_differences(root: Path, manifest: Manifest, file: File, module: str) -> list[Difference]:
    text, source = _learner_text(root, file), solution_text(root, file)
    found: list[Difference] = []
    try:
        present = {span.id for span in list_regions(text)}
    except RegionError:
        present = set()
    mine = [region for region in _in_order(root, manifest, file) if region.module == module]
    whole = [region for region in mine if region.id not in present]
    if whole:
        reason = " ".join(region.reason for region in whole)
        return _found(file, None, reason, text, source)
    for region in mine:
        new = copy_region(text, region.id, source)
        found += _found(file, region.id, region.reason, text, new)
        text = new
    if file.module == module:
        found += _found(file, None, file.reason, text, _outside(source, text, manifest, file))
    return found


def _outside(source: str, text: str, manifest: Manifest, file: File) -> str:
    """The solution's text with every region that the learner's has too as the learner has it: the rest differs."""
    present = {span.id for span in list_regions(text)}
    for region in manifest.regions_of(file.path):
        if region.id in present and region.id in {span.id for span in list_regions(source)}:
            source = replace_region(source, region.id, get_region(text, region.id), _indentation(text, region.id))
    return source


def _indentation(text: str, identity: str) -> str:
    return next(span.indentation for span in list_regions(text) if span.id == identity)


def _found(file: File, region: str | None, reason: str, before: str, after: str) -> list[Difference]:
    """One difference, or none when the texts are equal."""
    if before == after:
        return []
    names = (f"a/{file.labs}" if before else "/dev/null", f"b/{file.labs}")
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")
    return [Difference(file.labs, region, reason, tuple(lines))]
