"""COPY and ADD: from the build context into the image's root file system, and nowhere else."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.compute.context import Context, sources
from sandbox.compute.dockerfile import Instruction
from sandbox.compute.folders import copy_file

UNAPPLIED_FLAGS = frozenset({"chown", "chmod", "link", "parents", "exclude", "checksum"})


def copy_into_image(
    instruction: Instruction, context: Context, words: Sequence[str], working_directory: str, rootfs: Path
) -> int:
    """Copy what all words but the last name to where the last one says; the number of files.

    Raises `BuildError` when a source is not in the context or a place is not in the image.
    """
    given, destination = words[:-1], words[-1]
    found = [match for word in given for match in _matches(instruction, context, word)]
    target = posixpath.normpath(posixpath.join(working_directory, destination))
    folder = destination.endswith("/") or destination == "." or place_in_image(instruction, rootfs, target).is_dir()
    if len(found) > 1 and not folder:
        raise instruction.error(f"several sources need a destination that ends with /, not {destination}")
    for match in found:
        if "" not in match:
            place_in_image(instruction, rootfs, target).mkdir(parents=True, exist_ok=True)
        for name, source in match.items():
            path = target if name == "" and not folder else posixpath.join(target, name or source.name)
            placed = place_in_image(instruction, rootfs, path)
            placed.parent.mkdir(parents=True, exist_ok=True)
            copy_file(source, placed)
    return sum(map(len, found))


def _matches(instruction: Instruction, context: Context, word: str) -> list[Mapping[str, Path]]:
    try:
        found: list[Mapping[str, Path]] = [*sources(context, word)]
    except ValueError as error:
        raise instruction.error(str(error)) from error
    if not found and not (context.root / word.lstrip("/")).is_dir():
        raise instruction.error(f"{word} is not in the build context, or .dockerignore leaves it out")
    return found or [{}]


def place_in_image(instruction: Instruction, rootfs: Path, path: str) -> Path:
    """Where an absolute path of the image lies. Raises `BuildError` when that is outside the image."""
    # An absolute path cannot climb above its root once it is normalised, and the image holds no links.
    place = rootfs / posixpath.normpath(posixpath.join("/", path)).lstrip("/")
    if not place.resolve().is_relative_to(rootfs.resolve()):
        raise instruction.error(f"{path} lies outside the image")
    return place


def refuse_what_add_does_more(instruction: Instruction, words: Sequence[str], context: Context) -> None:
    """Raise `BuildError` where ADD would fetch an address or unpack an archive; the rest of it is COPY."""
    for word in words[:-1]:
        if "://" in word or word.startswith("git@"):
            raise instruction.error(f"ADD of the address {word} is not implemented here; download it, then COPY")
        source = context.files.get(word.removeprefix("./").lstrip("/"))
        if source is not None and tarfile.is_tarfile(source):
            raise instruction.error(f"ADD does not unpack the archive {word} here; unpack it, then COPY")
