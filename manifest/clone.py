"""Works on a learner's clone: takes regions over from its own solution/, puts starters back, shows differences.

Everything outside the markers stays as the learner has it. Nothing is committed, and no file is written that would not
change. Raises ManifestError only: for an unknown module, a clone without its solution, or a labs.toml of another one.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from manifest.errors import ManifestError, RegionError, inside
from manifest.labs import read_text, solution_text, wanted_text, write_text
from manifest.model import File, Manifest, Region
from manifest.reading import NAME, read_manifest
from manifest.regions import copy_region, get_region, holders, list_regions, replace_region

SUFFIX = re.compile(r"^([ \t]*workshop\.suffix:[ \t]*)(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Unmarked:
    """A region that could not be written: the learner's file has not got it. `file` is relative to the clone.

    `rests`: the region around it is in its starter state, and has to be filled first.
    """

    region: str
    file: str
    seen: str
    rests: bool = False


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

    `lines` is a unified diff from the learner's text to the solution's, without line ends. The differences of one
    module, one after the other, are a patch that `git apply` takes.
    """

    file: str
    region: str | None
    reason: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Sheet:
    """One file of the clone: the learner's text, the solution's with the learner's paths, and the regions of both."""

    file: File
    text: str
    source: str
    regions: tuple[Region, ...]  # as the solution has them, from top to bottom: what holds another comes before it
    present: frozenset[str]
    complaint: str

    def holders(self, region: str) -> tuple[str, ...]:
        """The regions around one, the outermost first."""
        return holders(self.source, region)

    def reachable(self, region: str) -> str | None:
        """The region itself, or the innermost around it that the learner's text has; None when there is none."""
        around = (*self.holders(region), region)
        return next((one for one in reversed(around) if one in self.present), None)


def fill(root: Path, modules: Iterable[str]) -> Filling:
    """Puts the solution of these modules between the markers of labs/ and azure-pipelines.yml. A second run changes
    nothing. A region of another module inside one of theirs stays as the learner has it.
    """
    manifest, chosen = _open(root, modules)

    def change(sheet: _Sheet, text: str, region: Region) -> str:
        kept = [one for one in sheet.regions if region.id in sheet.holders(one.id) and one.module not in chosen]
        new = copy_region(text, region.id, sheet.source)
        for one in kept:
            known = one.id in sheet.present
            new = copy_region(new, one.id, text) if known else replace_region(new, one.id, one.starter)
        return new

    return _change_regions(root, manifest, chosen, change)


def starter(root: Path, modules: Iterable[str]) -> Filling:
    """Puts the starter text of these modules back between their markers: the inverse of `fill`."""
    manifest, chosen = _open(root, modules)

    def change(sheet: _Sheet, text: str, region: Region) -> str:
        return replace_region(text, region.id, region.starter)

    done = _change_regions(root, manifest, chosen, change)
    return Filling(done.written, tuple(one for one in done.unmarked if not one.rests))


def restore(root: Path, file: str, modules: Collection[str]) -> Path:
    """Writes one file as a whole, `file` relative to the clone: these modules solved, all others in their starter
    state; the learner's suffix stays. Returns its path. Raises ManifestError when the manifest has no such file.
    """
    manifest = read_manifest(root / NAME)
    found = next((one for one in manifest.files if one.labs == file), None)
    if found is None:
        raise ManifestError(root / NAME, 0, f"no file {file}", "one of the [[file]] entries")
    text = _with_own_suffix(wanted_text(root, manifest, found, modules), _learner_text(root, found))
    write_text(root / file, text)
    return root / file


def difference(root: Path, module: str) -> tuple[Difference, ...]:
    """Where the learner's files of a module are not the solution's, with the reason why the solution does it so."""
    manifest, _ = _open(root, [module])
    return tuple(
        one
        for file in manifest.files_of(module)
        for one in _file_differences(_read_sheet(root, manifest, file), module)
    )


def _open(root: Path, modules: Iterable[str]) -> tuple[Manifest, frozenset[str]]:
    manifest, chosen = read_manifest(root / NAME), frozenset(modules)
    for identity in chosen:
        if manifest.module(identity) is None:
            known = ", ".join(module.id for module in manifest.modules)
            raise ManifestError(root / NAME, 0, f"no module {identity}", f"one of {known}")
    return manifest, chosen


def _read_sheet(root: Path, manifest: Manifest, file: File) -> _Sheet:
    source, path = solution_text(root, file), root / file.labs
    with inside(root / file.solution):
        spans = [span.id for span in list_regions(source)]
    regions = {region.id: region for region in manifest.regions_of(file.path)}
    ordered = tuple(regions[identity] for identity in spans if identity in regions)
    text = _learner_text(root, file)
    source = _with_own_suffix(source, text)
    if "\r\n" in text:
        source = source.replace("\n", "\r\n")  # as git writes files on Windows
    try:
        present, complaint = frozenset(span.id for span in list_regions(text)), ""
    except RegionError as problem:
        present, complaint = frozenset(), str(problem)
    return _Sheet(file, text, source, ordered, present, complaint if path.is_file() else "it is not there")


def _learner_text(root: Path, file: File) -> str:
    path = root / file.labs
    return read_text(path) if path.is_file() else ""


def _with_own_suffix(source: str, text: str) -> str:
    """The solution's pipeline with the suffix that the learner set: it is theirs, and no difference."""
    found = SUFFIX.search(text)
    return SUFFIX.sub(lambda line: line[1] + found[2], source) if found else source


def _change_regions(
    root: Path, manifest: Manifest, chosen: Collection[str], change: Callable[[_Sheet, str, Region], str]
) -> Filling:
    """Changes the regions of the chosen modules file by file, the outer ones before those inside."""
    written: list[Path] = []
    unmarked: list[Unmarked] = []
    for file in manifest.files:
        if not any(region.module in chosen for region in manifest.regions_of(file.path)):
            continue
        sheet = _read_sheet(root, manifest, file)
        text = sheet.text
        for region in sheet.regions:
            if region.module not in chosen or _comes_with_its_holder(sheet, region, chosen):
                continue
            if region.id in sheet.present:
                text = change(sheet, text, region)
            else:
                unmarked.append(_unmarked(sheet, region))
        if text != sheet.text:
            write_text(root / file.labs, text)
            written.append(root / file.labs)
    return Filling(tuple(written), tuple(unmarked))


def _comes_with_its_holder(sheet: _Sheet, region: Region, chosen: Collection[str]) -> bool:
    """Whether a region around this one is changed as well: then what is inside has been decided there."""
    around = sheet.holders(region.id)
    return any(one.id in around and one.module in chosen and one.id in sheet.present for one in sheet.regions)


def _unmarked(sheet: _Sheet, region: Region) -> Unmarked:
    """Why a region cannot be written."""
    reached = sheet.reachable(region.id)
    outer = next((one for one in sheet.regions if one.id == reached), None)
    if outer is not None and get_region(sheet.text, outer.id).split() == outer.starter.split():
        seen = f"{sheet.file.labs}: {region.id} is inside {outer.id} of {outer.module}, which is in its starter state"
        return Unmarked(region.id, sheet.file.labs, seen, rests=True)
    seen = f"{sheet.file.labs}: {sheet.complaint or f'no markers of {region.id}'}"
    return Unmarked(region.id, sheet.file.labs, seen)


def _file_differences(sheet: _Sheet, module: str) -> list[Difference]:
    """Region by region, each on the text that the one before gives, then what lies outside of all regions."""
    found: list[Difference] = []
    text, mine = sheet.text, [region for region in sheet.regions if region.module == module]
    for region in mine:
        reached = sheet.reachable(region.id)
        if reached is not None:
            new = copy_region(text, reached, sheet.source)
            found += _found(sheet.file, region.id, region.reason, text, new)
            text = new
    missing = [region for region in mine if sheet.reachable(region.id) is None]
    if missing or sheet.file.module == module:
        reason = " ".join(region.reason for region in missing) or sheet.file.reason
        found += _found(sheet.file, None, reason, text, _with_regions_of(sheet, text))
    return found


def _with_regions_of(sheet: _Sheet, text: str) -> str:
    """The solution's text with every region that a text has as that text has it: only what lies outside differs."""
    new = sheet.source
    for region in sheet.regions:
        if region.id in sheet.present and not set(sheet.holders(region.id)) & sheet.present:
            new = copy_region(new, region.id, text)
    return new


def _found(file: File, region: str | None, reason: str, before: str, after: str) -> list[Difference]:
    """One difference, or none when the texts are equal."""
    if before == after:
        return []
    names = (f"a/{file.labs}" if before else "/dev/null", f"b/{file.labs}")
    lines: list[str] = []
    for line in difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), *names):
        lines += [line[:-1]] if line.endswith("\n") else [line, "\\ No newline at end of file"]
    return [Difference(file.labs, region, reason, tuple(lines))]
