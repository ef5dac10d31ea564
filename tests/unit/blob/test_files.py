"""Blobs as files: names, moves, collisions, what a killed server leaves."""

import threading
from pathlib import Path

import pytest

from sandbox.blob.files import BlobFiles
from sandbox.blob.names import decode_name, encode_name
from sandbox.clock import Clock
from sandbox.errors import ApiError, BadRequest, Conflict, NotFound
from sandbox.store import Store

ACCOUNT, CONTAINER = "lessons", "data"
NAMES = (
    *("a", "a/b", "a//b", "/", "a/", ".", "..", "../../x", "a/../b"),
    *("%", "%25", "%2E", "a:b", "a\\b", "é", "a\x00b", "x."),
)


@pytest.fixture
def files(tmp_path: Path) -> BlobFiles:
    made = BlobFiles(tmp_path / "blobs", Store(tmp_path / "sandbox.db", Clock()))
    made.ensure_container(ACCOUNT, CONTAINER)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_names_are_reversible_and_stay_inside(name: str, tmp_path: Path) -> None:
    segments = encode_name(name)
    assert decode_name(segments) == name
    assert tmp_path.joinpath(*segments).resolve().is_relative_to(tmp_path)
    assert not {"", ".", ".."} & set(segments)


def test_different_names_are_different_paths() -> None:
    assert len({encode_name(name) for name in NAMES}) == len(NAMES)


def test_long_names_are_refused() -> None:
    for name in ("", "x" * 256, "é" * 128, "a/" * 600):
        with pytest.raises(BadRequest):
            encode_name(name)


@pytest.mark.parametrize("account", ["", ".", "..", ".staging", "a/b", "ab", "UPPER", "a" * 25])
def test_account_names_cannot_lead_elsewhere(files: BlobFiles, account: str) -> None:
    with pytest.raises(BadRequest):
        files.ensure_container(account, CONTAINER)
    with pytest.raises(BadRequest):
        files.delete_account(account)


def test_dots_do_not_leave_the_container(files: BlobFiles, tmp_path: Path) -> None:
    files.write(ACCOUNT, CONTAINER, "../../../escaped", b"1")
    assert not (tmp_path / "escaped").exists()
    assert files.list(ACCOUNT, CONTAINER) == ["../../../escaped"]
    destination = tmp_path / "out" / "deep" / "er"
    files.fetch(ACCOUNT, CONTAINER, "", destination)
    assert not (tmp_path / "escaped").exists()
    assert len([path for path in destination.rglob("*") if path.is_file()]) == 1


def test_a_file_written_in_place_is_a_blob(files: BlobFiles) -> None:
    path = files.path(ACCOUNT, CONTAINER, "run/log.txt")
    path.parent.mkdir()
    path.write_text("line\n")
    blob = files.get(ACCOUNT, CONTAINER, "run/log.txt")
    assert (blob.size, blob.record.content_type) == (5, "text/plain")
    assert files.list(ACCOUNT, CONTAINER, "run/") == ["run/log.txt"]


def test_publish_and_fetch(files: BlobFiles, tmp_path: Path) -> None:
    source = tmp_path / "outputs"
    (source / "model").mkdir(parents=True)
    (source / "model" / "weights").write_bytes(b"w")
    (source / "metrics.json").write_bytes(b"{}")
    files.write(ACCOUNT, CONTAINER, "run/metrics.json", b"old", {"of": "old"})
    files.publish(source, ACCOUNT, CONTAINER, "run/")
    assert [path for path in source.rglob("*") if path.is_file()] == []
    assert files.list(ACCOUNT, CONTAINER) == ["run/metrics.json", "run/model/weights"]
    assert files.get(ACCOUNT, CONTAINER, "run/metrics.json").record.metadata == {}
    files.fetch(ACCOUNT, CONTAINER, "run", tmp_path / "all")
    assert (tmp_path / "all" / "model" / "weights").read_bytes() == b"w"
    files.fetch(ACCOUNT, CONTAINER, "run/metrics.json", tmp_path / "one.json")
    assert (tmp_path / "one.json").read_bytes() == b"{}"
    with pytest.raises(NotFound):
        files.fetch(ACCOUNT, CONTAINER, "ru", tmp_path / "none")


def test_delete_leaves_no_folder_behind(files: BlobFiles) -> None:
    files.write(ACCOUNT, CONTAINER, "a/b/c", b"1")
    files.write(ACCOUNT, CONTAINER, "a/d", b"2")
    files.delete(ACCOUNT, CONTAINER, "a/b/c")
    root = files.container_path(ACCOUNT, CONTAINER)
    assert sorted(path.name for path in root.rglob("*")) == ["a", "d"]
    with pytest.raises(NotFound):
        files.delete(ACCOUNT, CONTAINER, "a/b/c")


def test_a_replaced_blob_has_another_etag(files: BlobFiles) -> None:
    seen = {files.write(ACCOUNT, CONTAINER, "a", b"x").etag for _ in range(200)}
    assert len(seen) == 200


def test_what_a_killed_server_left_is_removed(files: BlobFiles, tmp_path: Path) -> None:
    files.scratch().write_bytes(b"half")
    left = files.scratch()
    left.mkdir()
    (left / "x").write_bytes(b"")
    again = BlobFiles(tmp_path / "blobs", Store(tmp_path / "sandbox.db", Clock()))
    assert list((tmp_path / "blobs" / ".scratch").iterdir()) == []
    assert again.list(ACCOUNT, CONTAINER) == []


def test_containers_go_with_their_account(files: BlobFiles) -> None:
    files.write(ACCOUNT, CONTAINER, "a", b"1", {"k": "v"})
    files.ensure_container("other1", CONTAINER)
    files.delete_account(ACCOUNT)
    assert not files.account_exists(ACCOUNT)
    assert files.account_exists("other1")
    files.ensure_container(ACCOUNT, CONTAINER)
    files.write(ACCOUNT, CONTAINER, "a", b"2")
    assert files.get(ACCOUNT, CONTAINER, "a").record.metadata == {}


def test_writers_and_deleters_at_once(files: BlobFiles) -> None:
    """Folders appear and vanish under each other's feet; every write ends up whole or is told why not."""
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(30):
                files.write(ACCOUNT, CONTAINER, f"deep/er/{number}", f"{turn}".encode())
                files.delete(ACCOUNT, CONTAINER, f"deep/er/{number}")
        except (ApiError, OSError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert files.list(ACCOUNT, CONTAINER) == []


def test_a_collision_leaves_both_as_they_were(files: BlobFiles) -> None:
    files.write(ACCOUNT, CONTAINER, "a/b", b"1")
    with pytest.raises(Conflict):
        files.write(ACCOUNT, CONTAINER, "a", b"2")
    with pytest.raises(Conflict):
        files.write(ACCOUNT, CONTAINER, "a/b/c", b"3")
    assert files.list(ACCOUNT, CONTAINER) == ["a/b"]
    assert files.path(ACCOUNT, CONTAINER, "a/b").read_bytes() == b"1"
