"""The attendee's clone: fetched, edited, committed and pushed with git itself."""

import base64
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from journey.errors import JourneyError

BRANCH = "main"
SECONDS = 300
SHOWN = 5


@dataclass(frozen=True)
class Access:
    """How git gets in: the token travels in a variable of git's process, where a command line would show it."""

    token: str = field(repr=False)
    bundle: str | None = None
    name: str = "Attendee"
    email: str = "attendee@example.org"

    def variables(self) -> dict[str, str]:
        header = base64.b64encode(f":{self.token}".encode()).decode()
        trust = {"GIT_SSL_CAINFO": self.bundle} if self.bundle else {}
        return {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {header}",
            "GIT_AUTHOR_NAME": self.name,
            "GIT_AUTHOR_EMAIL": self.email,
            "GIT_COMMITTER_NAME": self.name,
            "GIT_COMMITTER_EMAIL": self.email,
            **trust,
        }


class Clone:
    """A working copy of the attendee's repository, with main as it is on the service now.

    It may be the attendee's own: what is not committed there is never touched, and what is committed there is pushed
    along. Raises JourneyError, also where the two would have to be merged by hand.
    """

    def __init__(self, folder: Path, remote: str, access: Access) -> None:
        self.folder = folder
        self._access = access
        if (folder / ".git").exists():
            self.update()
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._git("clone", "--quiet", "--branch", BRANCH, without_user(remote), ".")

    def update(self) -> None:
        """Checks main out and brings it to where the service has it."""
        if dirty := find_uncommitted(self.folder):
            raise JourneyError(
                f"your clone {self.folder}",
                f"changes that are not committed: {', '.join(dirty[:SHOWN])}",
                "none, so that your work is safe while the journey works there",
                "git commit --all --message 'My work so far', or git stash; then the same command again",
            )
        self._git("fetch", "--quiet", "origin", f"+{BRANCH}:refs/remotes/origin/{BRANCH}")
        if self.branch != BRANCH:
            self._git("checkout", "--quiet", BRANCH)
        self._git("merge", "--quiet", "--ff-only", f"origin/{BRANCH}")

    @property
    def branch(self) -> str:
        """What is checked out; empty for a commit without a branch."""
        return self._git("branch", "--show-current").strip()

    @property
    def uncommitted(self) -> list[str]:
        """The files that git knows and whose newest text is in no commit."""
        return find_uncommitted(self.folder)

    def is_ahead(self, paths: Sequence[str] = ()) -> bool:
        """Whether main has commits that the service has not, and that change these paths, or any."""
        return bool(self._git("log", "--format=%h", f"origin/{BRANCH}..{BRANCH}", "--", *paths).strip())

    def differs(self, commit: str, paths: Sequence[str]) -> bool:
        """Whether main differs from a commit in these paths (git's pathspecs); also when nobody knows that commit."""
        try:
            return bool(self._git("diff", "--name-only", commit, BRANCH, "--", *paths).strip())
        except JourneyError:
            return True

    def changed_at(self, paths: Sequence[str]) -> datetime:
        """When a commit last changed one of these paths; long ago where none did."""
        said = self._git("log", "-1", "--format=%cI", "--", *paths).strip()
        return datetime.fromisoformat(said) if said else datetime.fromtimestamp(0, UTC)

    def configure(self, key: str, value: str) -> None:
        """Sets git's configuration of this copy."""
        self._git("config", key, value)

    @property
    def commit(self) -> str:
        """The commit that is checked out, 40 hexadecimal digits."""
        return self._git("rev-parse", "HEAD").strip()

    def edit(self, file: str, pattern: str, value: str) -> bool:
        """Puts `value` behind the one place that `pattern` matches up to; whether that changed anything.

        The pattern has two groups: what stays before the value, and the value. Raises JourneyError unless it matches
        exactly once.
        """
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        found = list(re.finditer(pattern, text, re.MULTILINE))
        if len(found) != 1:
            raise JourneyError(
                file, f"{len(found)} places like {pattern}", "exactly one", "compare it with the imported file"
            )
        start, end = found[0].span(2)
        edited = text[:start] + value + text[end:]
        path.write_text(edited, encoding="utf-8", newline="")
        return edited != text

    def keep(self, message: str, files: Sequence[Path] = ()) -> str:
        """Commits what was edited, and `files` if they are new, and pushes nothing; returns the newest commit."""
        if files:
            self._git("add", "--", *(str(file) for file in files))
        if self.uncommitted:
            self._git("commit", "--quiet", "--all", "--message", message)
        return self.commit

    def push(self, message: str, branch: str = BRANCH, files: Sequence[Path] = ()) -> str:
        """Commits what was edited, and `files` if they are new, and pushes it; returns the commit.

        Another branch than main is begun anew where main is, and main is checked out again. Nothing edited is no
        commit: what main is ahead is pushed all the same.
        """
        if branch != BRANCH:
            self._git("checkout", "--quiet", "-B", branch)
        commit = self.keep(message, files)
        anew = "" if branch == BRANCH else "+"
        self._git("push", "--quiet", "origin", f"{anew}HEAD:refs/heads/{branch}")
        if branch != BRANCH:
            self._git("checkout", "--quiet", BRANCH)
            self._git("branch", "--quiet", "-D", branch)
        return commit

    def _git(self, *arguments: str) -> str:
        return run_git(self.folder, *arguments, variables=self._access.variables())


def run_git(folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
    """What git prints in a folder; nothing of it waits for a person. Raises JourneyError."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**inherited, **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise JourneyError(f"git {arguments[0]}", done.stderr.strip() or f"exit code {done.returncode}", "success")
    return done.stdout


def find_uncommitted(folder: Path) -> list[str]:
    """The files that git knows and whose newest text is in no commit."""
    listed = run_git(folder, "status", "--porcelain", "--untracked-files=no").splitlines()
    return [line[3:] for line in listed]


def find_clone(folder: Path, remote: str) -> Path | None:
    """The top of the working copy of `remote` that a folder lies in; None where it lies in none."""
    try:
        top, origin = run_git(folder, "rev-parse", "--show-toplevel"), run_git(folder, "remote", "get-url", "origin")
    except (JourneyError, OSError):
        return None
    return Path(top.strip()) if _same_remote(origin.strip(), remote) else None


def _same_remote(one: str, other: str) -> bool:
    return unquote(without_user(one)).rstrip("/").casefold() == unquote(without_user(other)).rstrip("/").casefold()


def without_user(remote: str) -> str:
    """The service puts the organisation before the host as a user name; git would ask for its password."""
    parts = urlsplit(remote)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
