"""Copies and moves of whole folders, the way jobs, images and model servers need them."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

READ_ONLY_FOLDER = 0o555
WRITABLE_FILE = 0o644
EXECUTABLE_FILE = 0o755
WRITABLE_FOLDER = 0o755
TAIL_BYTES = 64 * 1024


def copy_tree(source: Path, target: Path) -> Path:
    """Copy a file or a folder's contents to `target`; links are replaced by what they point to. Returns `target`.

    The copy is writable, also where the original is kept read-only; of a file's mode the execute bit is kept.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, copy_function=copy_file, ignore_dangling_symlinks=True)
        for folder, _, _ in os.walk(target):
            Path(folder).chmod(WRITABLE_FOLDER)
    else:
        copy_file(source, target)
    return target


def copy_file(source: str | Path, target: str | Path) -> None:
    """Copy one file over what is there; of its mode only the execute bit is kept, the rest depends on the machine."""
    Path(target).unlink(missing_ok=True)
    shutil.copyfile(source, target)
    Path(target).chmod(EXECUTABLE_FILE if Path(source).stat().st_mode & 0o111 else WRITABLE_FILE)


def make_read_only(path: Path) -> None:
    """Take the write permission from a file, or from a folder and all below it."""
    for folder, _, names in os.walk(path, topdown=False):
        for name in names:
            _protect(Path(folder, name))
        Path(folder).chmod(READ_ONLY_FOLDER)
    if path.is_file():
        _protect(path)


def _protect(file: Path) -> None:
    file.chmod(file.stat().st_mode & ~0o222)


def files_of(folder: Path) -> Iterator[Path]:
    """All files below the folder, in a stable order. A link to a folder is not followed, a link to a file is a file."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names) if Path(parent, name).is_file())


def move_files(source: Path, destination: Path) -> None:
    """Move every file below `source` to the same place below `destination`, over what is there."""
    for path in list(files_of(source)):
        target = destination / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        # A link's own bytes mean nothing elsewhere; what is stored is the file it points to.
        place = shutil.copyfile if path.is_symlink() else shutil.move
        place(path, target)


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it, read-only parts too; a folder that is gone already is what was wanted."""
    if folder.is_dir():
        for parent, _, _ in os.walk(folder):
            Path(parent).chmod(stat.S_IRWXU)
        if sys.version_info >= (3, 12):
            shutil.rmtree(folder, onexc=_retry_writable)
        else:
            shutil.rmtree(folder, onerror=_retry_writable)


@contextlib.contextmanager
def removed_on_error(folder: Path) -> Iterator[Path]:
    """A folder to fill, which is removed again when filling it fails."""
    try:
        yield folder
    except BaseException:
        remove_folder(folder)
        raise


def _retry_writable(remove: Callable[[str], object], path: str, _: object) -> None:
    # Windows does not remove a read-only file; elsewhere this repeats the same error.
    Path(path).chmod(stat.S_IRWXU)
    remove(path)


def log_tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log (of its last 64 KiB), or an empty text while there is none."""
    if not log.is_file():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = stream.read().decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])
