"""Unpacking what somebody else packed: nothing leads out of the folder, and no devices are made.

Python has a filter for this since 3.11.4; Debian 12 comes with 3.11.2. There the same is asked here, member by member.
"""

import tarfile
from pathlib import Path


def extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Unpack one member beneath the folder. Raises tarfile.TarError for one that leads out of it, or is a device."""
    if hasattr(tarfile, "data_filter"):
        tar.extract(member, folder, filter="data")
        return
    require_inside(member, folder)
    tar.extract(member, folder)


def require_inside(member: tarfile.TarInfo, folder: Path) -> None:
    """Return when a member and what it links to lie beneath the folder. Raises tarfile.ReadError."""
    place = folder / member.name
    places = [place]
    if member.issym():
        places.append(place.parent / member.linkname)
    elif member.islnk():
        places.append(folder / member.linkname)
    elif not (member.isreg() or member.isdir()):
        raise tarfile.ReadError(f"{member.name!r} is no file, folder or link")
    root = folder.resolve()
    if any(not one.resolve().is_relative_to(root) for one in places):
        raise tarfile.ReadError(f"{member.name!r} leads out of the archive")
