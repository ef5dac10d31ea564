"""What a repository holds, read through git: versions, commits, trees, and the difference of two versions."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.devops.enumerations import VERSION, name_of
from sandbox.devops.git import ZERO, Git, GitFailed
from sandbox.devops.problems import item_missing, object_missing, version_missing
from sandbox.wire import Call

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
FIELDS = "%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1f"
CHANGE_TYPES = {"A": "add", "M": "edit", "D": "delete", "R": "rename", "C": "add", "T": "edit"}
COUNTED = {"add": "Add", "edit": "Edit", "delete": "Delete", "rename": "Rename"}
REF_PREFIX = {"branch": "refs/heads/", "tag": "refs/tags/", "commit": ""}


@dataclass(frozen=True)
class Version:
    """What a client asks for: a branch (the default one where it names none), a tag or a commit."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.capitalize()}: {self.name}"


@dataclass(frozen=True)
class Signature:
    """Who and when; `date` is UTC, `YYYY-MM-DDTHH:MM:SSZ`."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """A commit with its message whole and the count of its changes by kind (`Add`, `Edit`, `Delete`)."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str
    counts: dict[str, int]

    @property
    def title(self) -> str:
        return self.message.strip().split("\n", 1)[0]


@dataclass(frozen=True)
class Entry:
    """One entry of a tree. `path` begins with a slash; `size` is in bytes, 0 for a tree."""

    mode: str
    kind: str
    id: str
    size: int
    path: str


@dataclass(frozen=True)
class Change:
    """One changed file. `old_path` is set for a rename; ids are zeros where a side does not exist."""

    kind: str
    path: str
    old_path: str
    id: str
    old_id: str


def asked(call: Call, prefix: str, default_branch: str) -> Version:
    """The version that a query describes: `{prefix}version`, `{prefix}versionType`. Branches may be written in full."""
    kind = name_of(call.option(f"{prefix}versionType", "branch"), VERSION)
    name = call.option(f"{prefix}version") or default_branch
    kind = kind if kind in REF_PREFIX else "branch"
    return Version(kind, name.removeprefix(REF_PREFIX[kind]) if REF_PREFIX[kind] else name)


def resolve(git: Git, folder: Path, version: Version, repository: str) -> str:
    """The commit of a version. Raises NotFound in the service's words."""
    found = commit_of(git, folder, f"{REF_PREFIX[version.kind]}{version.name}") if version.name else None
    if found is None:
        raise version_missing(version.kind, version.name, repository)
    return found


def commit_of(git: Git, folder: Path, name: str) -> str | None:
    """The commit that a ref or id leads to, or None."""
    try:
        return git.text(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
    except GitFailed:
        return None


def commits(git: Git, folder: Path, revisions: Sequence[str], *options: str, paths: Sequence[str] = ()) -> list[Commit]:
    """The commits of `git log`, newest first. An empty list where a revision does not exist."""
    command = ["log", f"--format=%x1e{FIELDS}", "--name-status", "--no-renames", "--diff-merges=first-parent"]
    try:
        text = git.text(folder, *command, *options, "--end-of-options", *revisions, "--", *paths)
    except GitFailed:
        return []
    return [_commit(record) for record in text.split("\x1e")[1:]]


def require_commit(git: Git, folder: Path, commit_id: str, repository: str) -> Commit:
    """Raises NotFound in the service's words."""
    found = commits(git, folder, [commit_id], "--max-count=1")
    if not found:
        raise object_missing(commit_id, repository)
    return found[0]


def _commit(record: str) -> Commit:
    parts = record.split("\x1f")
    changes = [line.split("\t", 1)[0] for line in parts[10].splitlines() if "\t" in line]
    counts = Counter(COUNTED[CHANGE_TYPES.get(letter[0], "edit")] for letter in changes)
    return Commit(
        parts[0],
        parts[1],
        tuple(parts[2].split()),
        Signature(parts[3], parts[4], _utc(parts[5])),
        Signature(parts[6], parts[7], _utc(parts[8])),
        parts[9].rstrip("\n"),
        dict(counts),
    )


def _utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tree(git: Git, folder: Path, commit: str, path: str, recursive: bool) -> list[Entry]:
    """What lies beneath a path of a commit or tree; an empty list where nothing does."""
    inner = path.strip("/")
    options = ["-r", "-t"] if recursive else []
    where = f"{commit}:{inner}" if inner else commit
    try:
        listed = git.text(folder, "ls-tree", "-z", "--long", *options, "--end-of-options", where)
    except GitFailed:
        return []
    return [_entry(line, inner) for line in listed.split("\0") if line]


def entry(git: Git, folder: Path, commit: str, path: str) -> Entry | None:
    """The file or folder at a path, or None."""
    inner = path.strip("/")
    if not inner:
        tree_id = git.text(folder, "rev-parse", f"{commit}^{{tree}}").strip()
        return Entry("40000", "tree", tree_id, 0, "/")
    parent, _, _ = inner.rpartition("/")
    return next((one for one in tree(git, folder, commit, parent, False) if one.path == f"/{inner}"), None)


def require_entry(git: Git, folder: Path, commit: str, path: str, repository: str, version: Version) -> Entry:
    found = entry(git, folder, commit, path)
    if found is None:
        raise item_missing(f"/{path.strip('/')}", repository, str(version), commit)
    return found


def _entry(line: str, parent: str) -> Entry:
    head, name = line.split("\t", 1)
    mode, kind, object_id, size = head.split()
    path = f"/{parent}/{name}" if parent else f"/{name}"
    return Entry(mode.lstrip("0"), kind, object_id, int(size) if size.isdigit() else 0, path)


def content(git: Git, folder: Path, object_id: str) -> bytes:
    return git.run(folder, "cat-file", "blob", object_id)


def changes(git: Git, folder: Path, old: str, new: str) -> list[Change]:
    """The files that differ between two commits or trees; zeros stand for nothing at all."""
    sides = [EMPTY_TREE if one == ZERO else one for one in (old, new)]
    raw = git.text(folder, "diff-tree", "-r", "-z", "-M", "--no-commit-id", "--end-of-options", *sides)
    return list(_changes(raw.split("\0")))


def _changes(fields: Sequence[str]) -> Iterator[Change]:
    remaining = iter([field for field in fields if field])
    for head in remaining:
        _, _, old_id, new_id, letter = head.lstrip(":").split(" ")
        first = next(remaining)
        second = next(remaining) if letter[0] in "RC" else first
        old_path = f"/{first}" if letter[0] == "R" else ""
        yield Change(CHANGE_TYPES.get(letter[0], "edit"), f"/{second}", old_path, new_id, old_id)


def counts_of(found: Sequence[Change]) -> dict[str, int]:
    return dict(Counter(COUNTED[one.kind] for one in found))


def ahead_behind(git: Git, folder: Path, base: str, branch: str) -> tuple[int, int]:
    """How many commits `branch` has that `base` has not, and the other way round."""
    counted = git.text(folder, "rev-list", "--left-right", "--count", f"{base}...{branch}").split()
    return int(counted[1]), int(counted[0])
