"""Unpacking: what leads out of the folder is refused, with Python's own filter and without."""

import io
import tarfile
from pathlib import Path

import pytest

from sandbox.archives import extract


def made(name: str, **fields: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(member, field, value)
    return member


@pytest.fixture(params=[True, False], ids=["with the filter", "without"], autouse=True)
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


def unpack(folder: Path, *members: tarfile.TarInfo) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for member in members:
            member.size = 2 if member.isreg() else 0
            archive.addfile(member, io.BytesIO(b"ok") if member.isreg() else None)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        for member in archive:
            extract(archive, member, folder)


def test_files_folders_and_links_within_are_unpacked(tmp_path: Path) -> None:
    link = made("a/link", type=tarfile.SYMTYPE, linkname="file")
    unpack(tmp_path, made("a", type=tarfile.DIRTYPE, mode=0o755), made("a/file"), link)
    assert (tmp_path / "a" / "link").read_text() == "ok"


@pytest.mark.parametrize(
    "member",
    [
        made("../outside"),
        made("a/../../outside"),
        made("link", type=tarfile.SYMTYPE, linkname="../outside"),
        made("link", type=tarfile.SYMTYPE, linkname="/etc"),
        made("link", type=tarfile.LNKTYPE, linkname="../outside"),
        made("pipe", type=tarfile.FIFOTYPE),
        made("device", type=tarfile.CHRTYPE),
    ],
    ids=["above", "above by a detour", "link above", "absolute link", "hard link", "pipe", "device"],
)
def test_what_leads_out_or_is_a_device_is_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(tarfile.TarError):
        unpack(inside, member)
    assert [one.name for one in tmp_path.iterdir()] == ["inside"]
