"""git itself, as a subprocess, against the `_git` addresses."""

import gzip
import random
import subprocess
import threading
import uuid
from pathlib import Path

import requests

from tests.conftest import bearer
from tests.sdk.devops import Organization, create_token

MEGABYTE = 1024 * 1024


def clone(devops: Organization, project: str, folder: Path, *options: str) -> Path:
    devops.git("clone", "-q", *options, devops.remote(project), str(folder))
    return folder


def commit(devops: Organization, folder: Path, name: str, text: str, message: str = "Change") -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    devops.plain_git("add", "-A", folder=folder)
    devops.plain_git("commit", "-q", "-m", message, folder=folder)
    return devops.plain_git("rev-parse", "HEAD", folder=folder).stdout.strip()


def begin(devops: Organization, project: str, folder: Path) -> Path:
    """A clone of the empty repository with a first commit pushed to main."""
    clone(devops, project, folder)
    devops.plain_git("checkout", "-q", "-b", "main", folder=folder)
    commit(devops, folder, "a.txt", "a\n", "First")
    devops.git("push", "-q", "origin", "main", folder=folder)
    return folder


def test_push_then_clone_in_every_protocol(devops: Organization, project: str, tmp_path: Path) -> None:
    work = begin(devops, project, tmp_path / "work")
    commit(devops, work, "b/c.txt", "c\n", "Second")
    devops.git("push", "-q", "origin", "main", folder=work)
    for version in ("0", "1", "2"):
        folder = tmp_path / f"v{version}"
        devops.git("-c", f"protocol.version={version}", "clone", "-q", devops.remote(project), str(folder))
        assert (folder / "b" / "c.txt").read_text() == "c\n"
    pushes = devops.get(f"{project}/_apis/git/repositories/{project}/pushes")["value"]
    assert len(pushes) == 2
    assert devops.get(f"{project}/_apis/git/repositories/{project}")["defaultBranch"] == "refs/heads/main"


def test_shallow_and_blobless_clones(devops: Organization, project: str, tmp_path: Path) -> None:
    work = begin(devops, project, tmp_path / "work")
    for number in range(5):
        commit(devops, work, "a.txt", f"{number}\n")
    devops.git("push", "-q", "origin", "main", folder=work)
    shallow = clone(devops, project, tmp_path / "shallow", "--depth=1")
    assert devops.plain_git("rev-list", "--count", "HEAD", folder=shallow).stdout.strip() == "1"
    devops.git("fetch", "-q", "--unshallow", folder=shallow)
    assert devops.plain_git("rev-list", "--count", "HEAD", folder=shallow).stdout.strip() == "6"
    blobless = clone(devops, project, tmp_path / "blobless", "--filter=blob:none", "--no-checkout")
    assert devops.plain_git("rev-list", "--objects", "--missing=print", "HEAD", folder=blobless).stdout.count("?") == 6


def test_five_megabytes(devops: Organization, project: str, tmp_path: Path) -> None:
    work = begin(devops, project, tmp_path / "work")
    data = random.Random(5).randbytes(5 * MEGABYTE)
    (work / "big.bin").write_bytes(data)
    devops.plain_git("add", "-A", folder=work)
    devops.plain_git("commit", "-q", "-m", "Big", folder=work)
    devops.git("push", "-q", "origin", "main", folder=work)
    again = clone(devops, project, tmp_path / "again")
    assert (again / "big.bin").read_bytes() == data
    assert devops.get(f"{project}/_apis/git/repositories/{project}")["size"] > 5 * MEGABYTE
    outgoing = devops.sandbox.state / "devops" / "outgoing"
    assert list(outgoing.iterdir()) == []


def test_three_hundred_refs_in_one_push(devops: Organization, project: str, tmp_path: Path) -> None:
    work = begin(devops, project, tmp_path / "work")
    tip = devops.plain_git("rev-parse", "HEAD", folder=work).stdout.strip()
    names = [f"topic/{number:03}" for number in range(300)]
    updates = "".join(f"create refs/heads/{name} {tip}\n" for name in names)
    subprocess.run(["git", "update-ref", "--stdin"], cwd=work, input=updates, text=True, check=True)
    devops.git("push", "-q", "origin", "refs/heads/topic/*:refs/heads/topic/*", folder=work)
    rows = devops.get(f"{project}/_apis/git/repositories/{project}/refs?filter=heads/topic/")["value"]
    assert [one["name"] for one in rows] == [f"refs/heads/{name}" for name in names]
    push = devops.get(f"{project}/_apis/git/repositories/{project}/pushes?searchCriteria.includeRefUpdates=true")
    assert len(push["value"][0]["refUpdates"]) == 300
    devops.git("push", "-q", "origin", "--delete", *names[:10], folder=work)
    newest = devops.get(f"{project}/_apis/git/repositories/{project}/pushes?searchCriteria.includeRefUpdates=true")
    assert {one["newObjectId"] for one in newest["value"][0]["refUpdates"]} == {"0" * 40}
    fetched = clone(devops, project, tmp_path / "fetched")
    devops.git("fetch", "-q", folder=fetched)
    assert devops.plain_git("branch", "-r", folder=fetched).stdout.count("topic/") == 290


def test_fetch_with_a_compressed_request(devops: Organization, project: str, tmp_path: Path) -> None:
    """git compresses a long list of what it has; the backend must be told."""
    work = begin(devops, project, tmp_path / "work")
    other = clone(devops, project, tmp_path / "other")
    for number in range(60):
        commit(devops, other, "o.txt", f"{number}\n")
    commit(devops, work, "w.txt", "w\n")
    devops.git("push", "-q", "origin", "main", folder=work)
    devops.git("fetch", "-q", folder=other)
    assert "w.txt" in devops.plain_git("ls-tree", "--name-only", "origin/main", folder=other).stdout
    body = gzip.compress(b"0000")
    answer = requests.post(
        f"{devops.remote(project)}/git-upload-pack",
        data=body,
        headers={"content-type": "application/x-git-upload-pack-request", "content-encoding": "gzip"},
        auth=("", devops.token),
        timeout=30,
    )
    assert answer.status_code == 200


def test_push_that_does_not_follow_is_refused_and_changes_nothing(
    devops: Organization, project: str, tmp_path: Path
) -> None:
    work = begin(devops, project, tmp_path / "work")
    other = clone(devops, project, tmp_path / "other")
    commit(devops, work, "a.txt", "1\n")
    devops.git("push", "-q", "origin", "main", folder=work)
    commit(devops, other, "a.txt", "2\n")
    before = devops.get(f"{project}/_apis/git/repositories/{project}/pushes")["count"]
    done = devops.git("push", "origin", "main", folder=other, check=False)
    assert done.returncode != 0
    assert "rejected" in done.stderr
    assert devops.get(f"{project}/_apis/git/repositories/{project}/pushes")["count"] == before


def test_wrong_credentials_and_unknown_repository(devops: Organization, project: str) -> None:
    wrong = devops.git("ls-remote", devops.remote(project), token="wrong", check=False)
    assert wrong.returncode != 0
    assert "could not read Username" in wrong.stderr or "Authentication failed" in wrong.stderr
    nobody = requests.get(f"{devops.remote(project)}/info/refs?service=git-upload-pack", timeout=10)
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Basic realm=")
    missing = devops.git("ls-remote", devops.remote(project, "none"), check=False)
    assert "TF401019" in missing.stderr
    no_project = devops.git("ls-remote", f"{devops.base}/None-{uuid.uuid4().hex}/_git/x", check=False)
    assert "TF200016" in no_project.stderr
    dumb = requests.get(f"{devops.remote(project)}/info/refs", auth=("", devops.token), timeout=10)
    assert dumb.status_code == 403


def test_refusals_on_git_are_401_whatever_the_switch_says(switches: Organization, project: str) -> None:
    for mode in ("203", "302"):
        switches.switch(refusal=mode)
        url = f"{switches.remote(project)}/info/refs?service=git-upload-pack"
        assert requests.get(url, timeout=10, allow_redirects=False).status_code == 401


def test_short_address_user_in_the_address_and_bearer(devops: Organization, project: str, tmp_path: Path) -> None:
    begin(devops, project, tmp_path / "work")
    short = f"{devops.base}/_git/{project.lower()}"
    assert "refs/heads/main" in devops.git("ls-remote", short).stdout
    remote_url = devops.get(f"{project}/_apis/git/repositories/{project}")["remoteUrl"]
    with_token = remote_url.replace("://mlops-workshop@", f"://anybody:{devops.token}@")
    assert "refs/heads/main" in devops.plain_git("ls-remote", with_token).stdout
    header = f"http.extraHeader=Authorization: {bearer(devops.sandbox)['authorization']}"
    assert "refs/heads/main" in devops.plain_git("-c", header, "ls-remote", short).stdout


def test_parallel_pushes_to_one_repository(devops: Organization, project: str, tmp_path: Path) -> None:
    """Pushes to different branches at the same time: each is recorded once, none is lost."""
    begin(devops, project, tmp_path / "work")
    clones = [clone(devops, project, tmp_path / f"c{number}") for number in range(4)]
    for number, folder in enumerate(clones):
        commit(devops, folder, f"{number}.txt", "x\n")
    results: list[int] = []

    def push(number: int, folder: Path) -> None:
        done = devops.git("push", "-q", "origin", f"HEAD:refs/heads/b{number}", folder=folder, check=False)
        results.append(done.returncode)

    threads = [threading.Thread(target=push, args=pair) for pair in enumerate(clones)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0, 0, 0, 0]
    rows = devops.get(f"{project}/_apis/git/repositories/{project}/pushes?searchCriteria.includeRefUpdates=true")[
        "value"
    ]
    pushed = [one["refUpdates"][0]["name"] for one in rows]
    assert sorted(pushed) == ["refs/heads/b0", "refs/heads/b1", "refs/heads/b2", "refs/heads/b3", "refs/heads/main"]
    assert all(len(one["refUpdates"]) == 1 for one in rows)


def test_scope_of_a_token_holds_for_git(devops: Organization, project: str, tmp_path: Path) -> None:
    work = begin(devops, project, tmp_path / "work")
    reader = create_token(devops.sandbox, "vso.code")
    assert devops.git("ls-remote", devops.remote(project), token=reader).stdout
    commit(devops, work, "x", "x")
    done = devops.git("push", "-q", "origin", "main", folder=work, token=reader, check=False)
    assert done.returncode != 0
